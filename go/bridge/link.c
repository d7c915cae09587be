// Links: one for each JavaScript thread that uses the library, found by a number that is never valid again after the link has ended.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
static descriptor open_bell[2] = {NONE, NONE};

struct link *link_enter(int32_t id) {
	struct link *link = &links[id & 0xff];
	pthread_mutex_lock(&link->lock);
	if (id > 0 && link->id == id && !link->closed) return link;
	pthread_mutex_unlock(&link->lock);
	return NULL;
}

void link_leave(struct link *link) { pthread_mutex_unlock(&link->lock); }

const struct inbox *link_inbox(int32_t id) { return &links[id & 0xff].in; }

// Ends a link whose isolate is gone without having closed it: the thread ended (Worker.terminate) or runs another isolate (a watcher).
static void link_abandon(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return;
	link->closed = true;
	if (link->flags & P2P_OPEN_CLOSE_FD) wake_abandon(&link->out.wake);
	link->out.wake.js = NONE;
	inbox_bell(&link->in);
	link_leave(link);
}

__attribute__((constructor)) static void prepare(void) {
	for (int i = 0; i <= LINKS; i++) pthread_mutex_init(&links[i].lock, NULL);
	must(threads_prepare(link_abandon), "the library cannot learn of threads that end");
	if (!bell_open(open_bell)) open_bell[0] = open_bell[1] = NONE;
}

descriptor bridge_links(void) { return open_bell[0]; }

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
	link->in.bell[0] = link->in.bell[1] = link->out.wake.js = link->out.wake.ours = NONE;
	link->in.slots = calloc(SENDING_SLOTS, sizeof *link->in.slots);
	link->out.channels = calloc(CHANNELS, sizeof *link->out.channels);
	link->out.armed = true;
	link->flags = flags;
	link->closed = false;
	if (link->in.slots && link->out.channels && bell_open(link->in.bell) && wake_open(&link->out.wake)) return true;
	bell_close(link->in.bell);
	wake_close(&link->out.wake);
	free(link->in.slots);
	free(link->out.channels);
	return false;
}

uint32_t p2p_abi(void) { return P2P_ABI; }

int32_t p2p_open(uint32_t flags) {
	link_abandon(thread_link());

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
		thread_set_link(id);
		bell_ring(open_bell[1]);
	}
	return id;
}

int32_t p2p_fd(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	descriptor fd = link->out.wake.js;
	link_leave(link);
	return fd == NONE ? P2P_E_RANGE : (int32_t)fd;
}

int32_t p2p_wake(int32_t id, uint32_t port, const uint8_t *token, uint32_t len) {
	if (port < 1 || port > UINT16_MAX || len < 1 || len > 255) return P2P_E_RANGE;
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	struct outbox *out = &link->out;
	bool connected = wake_dial(&out->wake, (uint16_t)port, token, len);
	if (connected && !out->armed) wake_send(&out->wake); // its byte had nowhere to go
	link_leave(link);
	return connected ? 0 : P2P_E_MEMORY;
}

int32_t p2p_close(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	link->closed = true;
	link->out.wake.js = NONE; // its adopter closes it
	inbox_bell(&link->in);
	link_leave(link);
	thread_set_link(0);
	return 0;
}

int32_t bridge_accept(void) {
	pthread_mutex_lock(&table_lock);
	int32_t id = opened_count > 0 ? opened[--opened_count] : 0;
	pthread_mutex_unlock(&table_lock);
	return id;
}

descriptor bridge_bell(int32_t id) {
	struct link *link = &links[id & 0xff];
	pthread_mutex_lock(&link->lock);
	descriptor bell = link->in.bell[0];
	link->in.bell[0] = NONE; // Go closes it
	pthread_mutex_unlock(&link->lock);
	return bell;
}

// Called once, by Go, when nothing of the link runs there any more.
void bridge_release(int32_t id) {
	struct link *link = &links[id & 0xff];
	pthread_mutex_lock(&link->lock);
	inbox_free(&link->in);
	outbox_free(&link->out);
	bell_close(link->in.bell);
	wake_close(&link->out.wake);
	free(link->in.slots);
	free(link->out.channels);
	link->id = 0;
	pthread_mutex_unlock(&link->lock);
}
