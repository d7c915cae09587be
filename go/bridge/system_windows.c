// What of the bridge is Windows: pipes that wake Go, a loopback connection that wakes JavaScript, and hearing of a thread's end. There are no
// signals.

#include <winsock2.h>

#include "internal.h"

void bridge_signals_restore(void) {}

static void close_handle(descriptor *end) {
	if (*end != NONE) CloseHandle((HANDLE)*end);
	*end = NONE;
}

// At most one byte is in a bell, and one for each link in the bell of links, so that writing does not wait although these pipes block.
bool bell_open(descriptor ends[2]) {
	HANDLE ours, of_go;
	if (!CreatePipe(&of_go, &ours, NULL, 0)) return false;
	ends[0] = (descriptor)of_go;
	ends[1] = (descriptor)ours;
	return true;
}

void bell_ring(descriptor end) {
	DWORD written;
	WriteFile((HANDLE)end, "", 1, &written, NULL);
}

void bell_close(descriptor ends[2]) {
	close_handle(&ends[0]);
	close_handle(&ends[1]);
}

// A JavaScript runtime cannot adopt a SOCKET: it listens, and is connected to.
bool wake_open(struct wake *wake) {
	(void)wake;
	return true;
}

static SOCKET connect_to(uint16_t port) {
	WSADATA about;
	if (WSAStartup(MAKEWORD(2, 2), &about) != 0) return INVALID_SOCKET;
	SOCKET end = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (end == INVALID_SOCKET || connect(end, (struct sockaddr *)&to, sizeof to) == 0) return end;
	closesocket(end);
	return INVALID_SOCKET;
}

bool wake_dial(struct wake *wake, uint16_t port, const uint8_t *token, uint32_t len) {
	SOCKET end = connect_to(port);
	if (end == INVALID_SOCKET) return false;
	BOOL no_delay = TRUE;
	u_long nonblocking = 1;
	if (setsockopt(end, IPPROTO_TCP, TCP_NODELAY, (const char *)&no_delay, sizeof no_delay) != 0 ||
		send(end, (const char *)token, (int)len, 0) != (int)len || ioctlsocket(end, FIONBIO, &nonblocking) != 0) {
		closesocket(end);
		return false;
	}
	wake_close(wake);
	wake->ours = (descriptor)end;
	return true;
}

void wake_send(const struct wake *wake) {
	if (wake->ours != NONE) send((SOCKET)wake->ours, "", 1, 0);
}

void wake_abandon(struct wake *wake) { (void)wake; } // the runtime's own socket ends with its thread

void wake_close(struct wake *wake) {
	if (wake->ours != NONE) closesocket((SOCKET)wake->ours);
	wake->ours = NONE;
}

static DWORD slot = FLS_OUT_OF_INDEXES;
static void (*on_end)(int32_t link);

BOOLEAN NTAPI RtlDllShutdownInProgress(void);

// Where the process ends, Windows has ended all other threads already, one of them perhaps with the link's lock.
static void WINAPI thread_ended(void *link) {
	if (link != NULL && !RtlDllShutdownInProgress()) on_end((int32_t)(intptr_t)link);
}

bool threads_prepare(void (*ended)(int32_t link)) {
	on_end = ended;
	slot = FlsAlloc(thread_ended);
	return slot != FLS_OUT_OF_INDEXES;
}

int32_t thread_link(void) { return (int32_t)(intptr_t)FlsGetValue(slot); }

void thread_set_link(int32_t link) { FlsSetValue(slot, (void *)(intptr_t)link); }
