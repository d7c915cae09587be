// Links: one for each JavaScript thread that uses the library, found by a number that is never valid again after the link has ended.

#define _GNU_SOURCE // pipe2

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define LINKS 255

// The structures are never freed, so that a stale number finds a lock and a mismatch instead of freed memory.
static struct link links[LINKS + 1];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go_started = PTHREAD_COND_INITIALIZER;
static bool started;
static int32_t generation;
static int32_t opened[LINKS];
static int opened_count;
static int open_bell[2] = {-1, -1};
static pthread_key_t thread_link;

// Descriptors are close-on-exec from their first moment, so that a child process that another thread starts just now does not get them. macOS
// has no call for that.
#ifdef SOCK_CLOEXEC
static int nonblocking_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC | O_NONBLOCK); }

static int nonblocking_pair(int fds[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds); }
#else
static void set_flags(int fds[2]) {
	for (int i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
	}
}

static int nonblocking_pipe(int fds[2]) {
	if (pipe(fds) != 0) return -1;
	set_flags(fds);
	return 0;
}

static int nonblocking_pair(int fds[2]) {
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return -1;
	set_flags(fds);
	return 0;
}
#endif

static void close_pair(int fds[2]) {
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0) close(fds[i]);
		fds[i] = -1;
	}
}

struct link *link_enter(int32_t id) {
	struct link *link = &links[id & 0xff];
	pthread_mutex_lock(&link->lock);
	if (id > 0 && link->id == id && !link->closed) return link;
	pthread_mutex_unlock(&link->lock);
	return NULL;
}

void link_leave(struct link *link) { pthread_mutex_unlock(&link->lock); }

const struct inbox *link_inbox(int32_t id) { return &links[id & 0xff].in; }

// Whether a descriptor still is the JS end of the link's wake socket. Whoever adopted it may have closed it, and the number may be another's.
static bool is_js_end(const struct link *link, int fd) {
	struct stat now;
	return fstat(fd, &now) == 0 && now.st_dev == link->js_end.st_dev && now.st_ino == link->js_end.st_ino;
}

// Ends a link whose isolate is gone without having closed it: the thread ended (Worker.terminate) or runs another isolate (a watcher).
static void link_abandon(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return;
	link->closed = true;
	if (link->flags & P2P_OPEN_CLOSE_FD && is_js_end(link, link->out.wake[0])) close(link->out.wake[0]);
	link->out.wake[0] = -1;
	inbox_bell(&link->in);
	link_leave(link);
}

static void thread_ended(void *value) { link_abandon((int32_t)(intptr_t)value); }

__attribute__((constructor)) static void prepare(void) {
	for (int i = 0; i <= LINKS; i++) pthread_mutex_init(&links[i].lock, NULL);
	pthread_key_create(&thread_link, thread_ended);
	if (nonblocking_pipe(open_bell) != 0) open_bell[0] = open_bell[1] = -1;
}

int bridge_links(void) { return open_bell[0]; }

void bridge_started(void) {
	pthread_mutex_lock(&table_lock);
	started = true;
	pthread_cond_broadcast(&go_started);
	pthread_mutex_unlock(&table_lock);
}

// Waiting closes the gap in which a host's signal handlers carry the flag that bridge_signals_restore takes off again.
static bool wait_for_go(void) {
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	while (!started) {
		if (pthread_cond_timedwait(&go_started, &table_lock, &until) == ETIMEDOUT) return false;
	}
	return true;
}

static bool link_prepare(struct link *link, uint32_t flags) {
	memset(&link->in, 0, sizeof link->in);
	memset(&link->out, 0, sizeof link->out);
	link->in.bell[0] = link->in.bell[1] = link->out.wake[0] = link->out.wake[1] = -1;
	link->in.slots = calloc(SENDING_SLOTS, sizeof *link->in.slots);
	link->out.channels = calloc(CHANNELS, sizeof *link->out.channels);
	link->out.armed = true;
	link->flags = flags;
	link->closed = false;
	if (link->in.slots && link->out.channels && nonblocking_pipe(link->in.bell) == 0 && nonblocking_pair(link->out.wake) == 0 &&
		fstat(link->out.wake[0], &link->js_end) == 0) return true;
	close_pair(link->in.bell);
	close_pair(link->out.wake);
	free(link->in.slots);
	free(link->out.channels);
	return false;
}

uint32_t p2p_abi(void) { return P2P_ABI; }

int32_t p2p_open(uint32_t flags) {
	void *earlier = pthread_getspecific(thread_link);
	if (earlier != NULL) link_abandon((int32_t)(intptr_t)earlier);

	int32_t id = P2P_E_MEMORY;
	pthread_mutex_lock(&table_lock);
	for (int i = 1; i <= LINKS && wait_for_go(); i++) {
		struct link *link = &links[i];
		pthread_mutex_lock(&link->lock);
		if (link->id == 0 && link_prepare(link, flags)) {
			generation = generation % 0x7fffff + 1;
			id = link->id = generation << 8 | i;
		}
		bool taken = link->id == id;
		pthread_mutex_unlock(&link->lock);
		if (taken) {
			opened[opened_count++] = id;
			break;
		}
	}
	pthread_mutex_unlock(&table_lock);
	if (id > 0) {
		pthread_setspecific(thread_link, (void *)(intptr_t)id);
		(void)!write(open_bell[1], "", 1);
	}
	return id;
}

int32_t p2p_fd(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	int32_t fd = link->out.wake[0];
	link_leave(link);
	return fd;
}

int32_t p2p_close(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	link->closed = true;
	link->out.wake[0] = -1; // its adopter closes it
	inbox_bell(&link->in);
	link_leave(link);
	pthread_setspecific(thread_link, NULL);
	return 0;
}

int32_t bridge_accept(void) {
	pthread_mutex_lock(&table_lock);
	int32_t id = opened_count > 0 ? opened[--opened_count] : 0;
	pthread_mutex_unlock(&table_lock);
	return id;
}

int bridge_bell(int32_t id) {
	struct link *link = &links[id & 0xff];
	pthread_mutex_lock(&link->lock);
	int fd = link->in.bell[0];
	link->in.bell[0] = -1; // Go closes it
	pthread_mutex_unlock(&link->lock);
	return fd;
}

// Called once, by Go, when nothing of the link runs there any more.
void bridge_release(int32_t id) {
	struct link *link = &links[id & 0xff];
	pthread_mutex_lock(&link->lock);
	inbox_free(&link->in);
	outbox_free(&link->out);
	close_pair(link->in.bell);
	close_pair(link->out.wake);
	free(link->in.slots);
	free(link->out.channels);
	link->id = 0;
	pthread_mutex_unlock(&link->lock);
}
