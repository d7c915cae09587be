// The contract between a JavaScript thread and the library: every function that Deno.dlopen, bun:ffi and node:ffi call, and no other.
//
// They are plain C and never enter Go: they put records into queues or take them out, and return at once (p2p_open waits once, for the Go
// runtime to be up). A link belongs to the thread that opened it; only that thread may name it. Buffers are read or written within the call
// and never kept. The layout of records is docs/boundary.md.
#ifndef UNAIVERSE_P2P_BRIDGE_H
#define UNAIVERSE_P2P_BRIDGE_H

#include <stdint.h>

#ifndef P2P_API
#define P2P_API
#endif

// The number that names this header together with docs/boundary.md.
#define P2P_ABI 5

// What the functions return when they fail.
#define P2P_E_CLOSED (-1)   // the link is closed or unknown
#define P2P_E_OUTLET (-2)   // the outlet is closed or unknown
#define P2P_E_DETACHED (-3) // a detached record waits for p2p_take
#define P2P_E_RANGE (-4)    // an argument is out of range
#define P2P_E_MEMORY (-5)   // out of memory, descriptors or links

// p2p_open: close the JS end of the wake socket too when the thread ends, unless its adopter has. Deno 2.9 leaves an adopted descriptor open
// then; Bun and Node.js close it themselves.
#define P2P_OPEN_CLOSE_FD 1

// The ABI this library speaks. To be compared before any other call.
P2P_API uint32_t p2p_abi(void);

// Opens the calling thread's link. A link that an earlier isolate left on this thread is closed first. Returns the link (> 0), or
// P2P_E_MEMORY when 255 links are open, descriptors are short, or the Go runtime did not start within 10 seconds.
P2P_API int32_t p2p_open(uint32_t flags);

// The JS end of the wake socket: a nonblocking, close-on-exec stream socket, to be adopted once. Whoever adopts it closes it. One byte
// arrives when records wait and the last p2p_drain returned 0 and armed it. P2P_E_RANGE on Windows, where a socket has no descriptor that
// could be adopted.
P2P_API int32_t p2p_fd(int32_t link);

// Where p2p_fd has none: makes the wake socket by connecting to 127.0.0.1 and this port, where the caller listens, and sends the token (1 to 255
// bytes) ahead of everything. Whoever connects there without it is not this library. P2P_E_MEMORY: nobody listens, or sockets are short.
P2P_API int32_t p2p_wake(int32_t link, uint32_t port, const uint8_t *token, uint32_t len);

// Copies one request record of len bytes into the queue. Go does not look before p2p_ring.
P2P_API int32_t p2p_submit(int32_t link, const uint8_t *record, uint32_t len);

// Tells Go that the queue holds something. Costs a system call only when Go is asleep.
P2P_API int32_t p2p_ring(int32_t link);

// Moves whole records into the buffer (cap at least 64 KiB) and returns how many bytes it filled. 0: there are none. wait says what to do
// then: -1 arms the wake byte, so that the next record sends it; 0 returns at once; above 0 it first looks out for that many microseconds
// (at most 1,000), giving the processor away to whoever wants it. P2P_E_DETACHED: the last drain ended with a detached record whose body was
// not taken yet.
P2P_API int32_t p2p_drain(int32_t link, uint8_t *into, uint32_t cap, int32_t wait);

// Copies the body of the detached record and returns its length; P2P_E_RANGE when cap is smaller than that, or no record is detached.
P2P_API int32_t p2p_take(int32_t link, uint8_t *into, uint32_t cap);

// Names one of the 4096 sending slots: 1 to 255 bytes of UTF-8. A slot may be renamed at any time; frames already sent keep their name.
P2P_API int32_t p2p_channel(int32_t link, uint32_t slot, const uint8_t *name, uint32_t len);

// A new outlet (> 0), whose number no earlier outlet of the link had, or P2P_E_MEMORY when 65,535 are in use. A place that was used 32,767 times
// is not used again.
P2P_API int32_t p2p_outlet(int32_t link);

// Copies one message (len at least 1) as a frame under the slot's name. Small frames share a record, so that they leave in one write.
// Returns the bytes outstanding, this frame included: appended and not yet written to the stream.
P2P_API int32_t p2p_send(int32_t link, uint32_t outlet, uint32_t slot, const uint8_t *payload, uint32_t len);

// 1 when fewer than below bytes are outstanding; else 0, and one ROOM record follows when that has come true. With below 0 the record comes in
// any case, once nothing is outstanding: behind all that Go had to say of what was sent until then.
P2P_API int32_t p2p_wait(int32_t link, uint32_t outlet, uint32_t below);

// Ends the link: what Go queued is dropped, its nodes are closed, the number means nothing any more. The caller closes the JS end.
P2P_API int32_t p2p_close(int32_t link);

// One of the functions above with its arguments in memory. Node.js 26 takes 50 ns for a call with one address, and microseconds and an array
// for one with five arguments.
enum {
	P2P_CALL_OPEN = 1, // flags
	P2P_CALL_FD,
	P2P_CALL_WAKE,   // port, buf, len
	P2P_CALL_SUBMIT, // buf, len
	P2P_CALL_RING,
	P2P_CALL_DRAIN,   // buf, len, wait
	P2P_CALL_TAKE,    // buf, len
	P2P_CALL_CHANNEL, // slot, buf, len
	P2P_CALL_OUTLET,
	P2P_CALL_SEND, // outlet, slot, buf, len
	P2P_CALL_WAIT, // outlet, below
	P2P_CALL_CLOSE,
};

// What a function has no use for means nothing.
struct p2p_arguments {
	uint32_t function; // P2P_CALL_*
	int32_t link;
	uint32_t outlet;
	union {
		uint32_t slot, below, flags, port;
	};
	union {
		uint8_t *buf;
		uint64_t address;
	};
	uint32_t len;
	int32_t wait;
};

// Returns what the function returns, or P2P_E_RANGE when there is no such function.
P2P_API int32_t p2p_call(const struct p2p_arguments *call);

#endif
