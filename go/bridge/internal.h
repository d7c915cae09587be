// What the C files share, and the functions that only bridge.go calls. Those may be called from any thread.
#ifndef UNAIVERSE_P2P_INTERNAL_H
#define UNAIVERSE_P2P_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What the library gives out, and nothing else.
#ifdef _WIN32
#define P2P_API __declspec(dllexport)
#else
#define P2P_API __attribute__((visibility("default")))
#endif
#include "bridge.h"

// A file descriptor; on Windows a HANDLE, in a wake socket a SOCKET.
typedef intptr_t descriptor;
#define NONE ((descriptor)-1)

#define SENDING_SLOTS 4096
#define CHANNELS 1024u // received names that have a number at one time
// What is larger than this is given back to the system at once; up to there a few are kept, because fresh memory costs a page fault every 4 KiB.
#define LARGEST_KEPT (4u << 20)

enum { KIND_MESSAGE = 3, KIND_CHANNEL = 4, KIND_ROOM = 5 };

// A record on its way to Go: one request, or frames gathered for one outlet.
struct record {
	struct record *next;
	uint32_t outlet; // 0: a request
	uint32_t len, cap;
	uint8_t data[];
};

// A run of memory that a Go reader fills and JavaScript drains; freed with its last reference.
struct chunk {
	int refs;
	uint32_t size;
	uint8_t data[];
};

// Something on its way to JavaScript: frames in a chunk (chunk != NULL), or one record with its body.
struct entry {
	struct entry *next;
	struct chunk *chunk;
	uint32_t from, to; // the frames left in the chunk
	uint32_t kind, a, b;
	double time;
	uint32_t len;
	uint8_t body[];
};

struct outlet {
	uint32_t id; // generation << 16 | index + 1; a free one has no index
	uint32_t next_free; // index + 1 of the next free one, 0: none
	uint64_t outstanding;
	uint32_t below;
	bool waiting;
	struct record *tail; // may still grow, while tail_epoch is the inbox's
	uint64_t tail_epoch;
};

// A few records to be used again: at most SPARES of them, none above LARGEST_KEPT.
struct pool {
	struct record *head;
	uint32_t count;
};

// The tables of a link have the size of what may be open at one time, and are freed with it.
struct inbox {
	struct record *head, *tail;
	struct pool gathering, large; // records that gather frames, and those for one large frame
	uint64_t epoch; // counts what Go has taken
	bool parked;    // Go waits for the bell
	descriptor bell[2]; // 0: what Go reads, 1: ours
	struct outlet *outlets;
	uint32_t outlet_count, outlet_cap;
	uint32_t free_outlet; // index + 1 of a free one, 0: none
	struct name *slots; // JS thread only
};

// The wake socket: a byte that arrives at its JS end says that records wait.
struct wake {
	descriptor js, ours;
	uint64_t device, number; // what js was when it was made
};

struct outbox {
	struct entry *head, *tail;
	bool armed; // the next entry sends a wake byte
	struct wake wake;
	// JS thread only:
	struct entry *draining;
	bool detached;
	struct name *channels;
	uint32_t last_channel; // most messages come on the channel of the one before
};

struct name {
	uint8_t len;
	uint8_t text[255];
};

struct link {
	pthread_mutex_t lock;
	int32_t id; // generation << 8 | index; 0: free
	bool closed;
	uint32_t flags;
	struct inbox in;
	struct outbox out;
};

// Ends the process where it could only go on with wrong memory or hang; it says what was wrong on standard error, as Go does.
_Noreturn void bridge_broken(const char *what);
#define OUT_OF_MEMORY "out of memory"
static inline void must(bool holds, const char *what) {
	if (!holds) bridge_broken(what);
}

// link.c
struct link *link_enter(int32_t id); // locked, or NULL when it is not open
void link_leave(struct link *link);
const struct inbox *link_inbox(int32_t id); // of a link that has not been released
descriptor bridge_links(void); // what becomes readable when a link opened
void bridge_started(void);     // the Go runtime is up
int32_t bridge_accept(void);   // a link that was opened, 0 when there is none
descriptor bridge_bell(int32_t link); // what p2p_ring writes to
void bridge_release(int32_t link);

// system_unix.c, system_windows.c: what each system does in its own way. Descriptors are inherited by no child process, and writing never waits.
bool bell_open(descriptor ends[2]);
void bell_ring(descriptor end);
void bell_close(descriptor ends[2]);
bool wake_open(struct wake *wake); // with a JS end that can be adopted, or without ends where a system has none
bool wake_dial(struct wake *wake, uint16_t port, const uint8_t *token, uint32_t len); // the ends before are closed
void wake_send(const struct wake *wake); // one byte
void wake_abandon(struct wake *wake); // closes the JS end, unless its adopter has
void wake_close(struct wake *wake);
bool threads_prepare(void (*ended)(int32_t link)); // which is called on a thread that ends while it has a link
int32_t thread_link(void); // 0: none
void thread_set_link(int32_t link);

// look.c
uint64_t look_until(uint32_t microseconds);
bool look_again(uint64_t until);

// inbox.c
void inbox_bell(struct inbox *in);
void inbox_free(struct inbox *in);
static inline uint8_t *record_data(struct record *record) { return record->data; } // cgo has no flexible arrays
struct record *bridge_take(int32_t link, int park, int *closed); // all records; NULL: none, and with park the bell will ring
void bridge_look_out(int32_t link, uint32_t microseconds);
void bridge_free(struct record *record);
void bridge_written(int32_t link, uintptr_t record);
void bridge_outlet_free(int32_t link, uint32_t outlet);

// outbox.c
void outbox_append(struct outbox *out, struct entry *entry);
void outbox_free(struct outbox *out);
void bridge_post(int32_t link, uint32_t kind, uint32_t a, uint32_t b, const void *body, uint32_t len);
void bridge_deliver(int32_t link, uint32_t inlet, uintptr_t chunk, uint32_t from, uint32_t to);
void bridge_deliver_one(int32_t link, uint32_t inlet, const void *channel, uint32_t channel_len, const void *payload, uint32_t len);

// chunk.c
static inline uint8_t *chunk_data(struct chunk *chunk) { return chunk->data; }
struct chunk *bridge_chunk(uint32_t size);
struct chunk *bridge_chunk_grow(uintptr_t chunk, uint32_t used, uint32_t size); // the used bytes stay, size is the least
void bridge_chunk_release(uintptr_t chunk);
int bridge_chunks(void); // how many exist

// channels.c
uint32_t channel_find(struct outbox *out, const uint8_t *text, uint8_t len, bool *known);

// signals_unix.c, system_windows.c
void bridge_signals_restore(void);

#endif
