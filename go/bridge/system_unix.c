//go:build unix

// What of the bridge is Unix: pipes that wake Go, a socket pair that wakes JavaScript, and hearing of a thread's end.

#define _GNU_SOURCE // pipe2

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

// Descriptors are close-on-exec from their first moment, so that a child process that another thread starts just now does not get them. macOS
// has no call for that, and none for a write that raises no SIGPIPE either.
#ifdef SOCK_CLOEXEC
static int nonblocking_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC | O_NONBLOCK); }

static int nonblocking_pair(int fds[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds); }

static int stream_socket(void) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
#else
#define MSG_NOSIGNAL 0

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

static int stream_socket(void) {
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}
#endif

static void close_end(descriptor *end) {
	if (*end != NONE) close((int)*end);
	*end = NONE;
}

bool bell_open(descriptor ends[2]) {
	int fds[2];
	if (nonblocking_pipe(fds) != 0) return false;
	ends[0] = fds[0];
	ends[1] = fds[1];
	return true;
}

void bell_ring(descriptor end) { (void)!write((int)end, "", 1); }

void bell_close(descriptor ends[2]) {
	close_end(&ends[0]);
	close_end(&ends[1]);
}

bool wake_open(struct wake *wake) {
	int fds[2];
	struct stat js;
	if (nonblocking_pair(fds) != 0) return false;
	wake->js = fds[0];
	wake->ours = fds[1];
	if (fstat(fds[0], &js) != 0) return false;
	wake->device = (uint64_t)js.st_dev;
	wake->number = (uint64_t)js.st_ino;
	return true;
}

bool wake_dial(struct wake *wake, uint16_t port, const uint8_t *token, uint32_t len) {
	int fd = stream_socket(), yes = 1;
	if (fd < 0) return false;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
		send(fd, token, len, MSG_NOSIGNAL) != (ssize_t)len) {
		close(fd);
		return false;
	}
	wake_abandon(wake);
	wake_close(wake);
	wake->ours = fd;
	return true;
}

void wake_send(const struct wake *wake) { (void)!send((int)wake->ours, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT); }

// Whoever adopted the JS end may have closed it, and its number may be another's by now.
void wake_abandon(struct wake *wake) {
	struct stat now;
	if (wake->js == NONE) return;
	if (fstat((int)wake->js, &now) == 0 && wake->device == (uint64_t)now.st_dev && wake->number == (uint64_t)now.st_ino) close((int)wake->js);
	wake->js = NONE;
}

void wake_close(struct wake *wake) {
	close_end(&wake->js);
	close_end(&wake->ours);
}

static pthread_key_t key;
static void (*on_end)(int32_t link);

static void thread_ended(void *link) { on_end((int32_t)(intptr_t)link); }

bool threads_prepare(void (*ended)(int32_t link)) {
	on_end = ended;
	return pthread_key_create(&key, thread_ended) == 0;
}

int32_t thread_link(void) { return (int32_t)(intptr_t)pthread_getspecific(key); }

void thread_set_link(int32_t link) { pthread_setspecific(key, (void *)(intptr_t)link); }
