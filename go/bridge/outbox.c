// The way from Go to JavaScript: answers, events and messages in the order in which Go queued them.

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define HEADER 24u
// A body above this is handed out by p2p_take, straight into the buffer that the program will own.
#define DETACH (32u << 10)
#define SMALLEST_BUFFER (64u << 10)
#define FLAG_DETACHED 1
#define LONGEST_LOOK 1000

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

// The caller holds the lock.
void outbox_append(struct outbox *out, struct entry *entry) {
	entry->next = NULL;
	if (out->tail != NULL) {
		out->tail->next = entry;
	} else {
		__atomic_store_n(&out->head, entry, __ATOMIC_RELEASE);
	}
	out->tail = entry;
	if (out->armed) {
		out->armed = false;
		wake_send(&out->wake);
	}
}

static void entry_free(struct entry *entry) {
	if (entry->chunk != NULL) bridge_chunk_release((uintptr_t)entry->chunk);
	free(entry);
}

static void post(int32_t id, struct entry *entry) {
	struct link *link = link_enter(id);
	if (link == NULL) {
		entry_free(entry);
		return;
	}
	outbox_append(&link->out, entry);
	link_leave(link);
}

void bridge_post(int32_t id, uint32_t kind, uint32_t a, uint32_t b, const void *body, uint32_t len) {
	struct entry *entry = malloc(sizeof *entry + len);
	must(entry != NULL, OUT_OF_MEMORY); // an answer that never comes would be a hang
	memset(entry, 0, sizeof *entry);
	entry->kind = kind;
	entry->a = a;
	entry->b = b;
	entry->len = len;
	if (len > 0) memcpy(entry->body, body, len);
	post(id, entry);
}

static void deliver(int32_t id, uint32_t inlet, struct chunk *chunk, uint32_t from, uint32_t to) {
	struct entry *entry = calloc(1, sizeof *entry);
	must(entry != NULL, OUT_OF_MEMORY);
	must(from < to && to <= chunk->size, "frames are delivered that lie outside their chunk");
	entry->chunk = chunk;
	entry->from = from;
	entry->to = to;
	entry->a = inlet;
	entry->time = now();
	post(id, entry);
}

void bridge_deliver(int32_t id, uint32_t inlet, uintptr_t ref, uint32_t from, uint32_t to) {
	struct chunk *chunk = (struct chunk *)ref;
	__atomic_add_fetch(&chunk->refs, 1, __ATOMIC_RELAXED);
	deliver(id, inlet, chunk, from, to);
}

void bridge_deliver_one(int32_t id, uint32_t inlet, const void *channel, uint32_t channel_len, const void *payload, uint32_t len) {
	uint32_t total = 1 + channel_len + len;
	struct chunk *chunk = bridge_chunk(4 + total);
	chunk->data[0] = (uint8_t)(total >> 24);
	chunk->data[1] = (uint8_t)(total >> 16);
	chunk->data[2] = (uint8_t)(total >> 8);
	chunk->data[3] = (uint8_t)total;
	chunk->data[4] = (uint8_t)channel_len;
	if (channel_len > 0) memcpy(chunk->data + 5, channel, channel_len);
	if (len > 0) memcpy(chunk->data + 5 + channel_len, payload, len);
	deliver(id, inlet, chunk, 0, 4 + total);
}

static uint32_t padded(uint32_t len) { return (len + 7) & ~7u; }

static void put_header(uint8_t *at, uint8_t kind, uint8_t flags, uint16_t slot, uint32_t len, uint32_t a, uint32_t b, double time) {
	at[0] = kind;
	at[1] = flags;
	memcpy(at + 2, &slot, 2);
	memcpy(at + 4, &len, 4);
	memcpy(at + 8, &a, 4);
	memcpy(at + 12, &b, 4);
	memcpy(at + 16, &time, 8);
}

struct frame {
	const uint8_t *channel, *payload;
	uint8_t channel_len;
	uint32_t size, len;
};

// The first of the frames that are left in the chunk.
static struct frame frame_of(const struct entry *entry) {
	const uint8_t *at = entry->chunk->data + entry->from;
	uint32_t left = entry->to - entry->from;
	must(left >= 5, "a part of a frame was delivered");
	uint32_t total = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	must(total <= left - 4 && total > at[4], "a part of a frame was delivered");
	struct frame frame = {.channel = at + 5, .channel_len = at[4], .size = 4 + total};
	frame.payload = frame.channel + frame.channel_len;
	frame.len = total - 1 - frame.channel_len;
	return frame;
}

// Emits the next record of the entry, with the definition of its channel where that is new. Returns the bytes used, 0 when they do not fit.
static uint32_t drain_one(struct outbox *out, struct entry *entry, uint8_t *into, uint32_t room) {
	const uint8_t *body = entry->body;
	uint32_t len = entry->len, used = 0, slot = 0;
	uint8_t kind = (uint8_t)entry->kind;
	struct frame frame = {0};
	bool known = true;
	if (entry->chunk != NULL) {
		frame = frame_of(entry);
		kind = KIND_MESSAGE;
		body = frame.payload;
		len = frame.len;
		slot = channel_find(out, frame.channel, frame.channel_len, &known);
	}
	bool detached = len > DETACH;
	uint32_t need = HEADER + (detached ? 0 : padded(len)) + (known ? 0 : HEADER + padded(frame.channel_len));
	if (need > room) return 0;
	if (!known) {
		out->channels[slot].len = frame.channel_len;
		memcpy(out->channels[slot].text, frame.channel, frame.channel_len);
		put_header(into, KIND_CHANNEL, 0, (uint16_t)slot, frame.channel_len, 0, 0, 0);
		memcpy(into + HEADER, frame.channel, frame.channel_len);
		used = HEADER + padded(frame.channel_len);
	}
	put_header(into + used, kind, detached ? FLAG_DETACHED : 0, (uint16_t)slot, len, entry->a, entry->b, entry->time);
	used += HEADER;
	out->detached = detached;
	if (!detached) {
		if (len > 0) memcpy(into + used, body, len);
		used += padded(len);
	}
	return used;
}

// Steps over the record that was drained or taken; true when the entry has no more.
static bool advance(struct entry *entry) {
	if (entry->chunk == NULL) return true;
	entry->from += frame_of(entry).size;
	return entry->from >= entry->to;
}

static void step(struct outbox *out) {
	struct entry *entry = out->draining;
	if (!advance(entry)) return;
	out->draining = entry->next;
	entry_free(entry);
}

// Fetches what Go has queued meanwhile. Only a drain that found nothing at all may arm the wake byte: a byte a record would cost a system call.
static bool refill(struct link *link, bool arm) {
	struct outbox *out = &link->out;
	out->draining = out->head;
	__atomic_store_n(&out->head, NULL, __ATOMIC_RELEASE);
	out->tail = NULL;
	if (out->draining == NULL && arm) out->armed = true;
	return out->draining != NULL;
}

// Looks out for a record without arming the wake byte.
static void look_out(const struct outbox *out, int32_t microseconds) {
	uint64_t until = look_until((uint32_t)microseconds);
	while (__atomic_load_n(&out->head, __ATOMIC_ACQUIRE) == NULL && look_again(until)) {}
}

int32_t p2p_drain(int32_t id, uint8_t *into, uint32_t cap, int32_t wait) {
	if (cap < SMALLEST_BUFFER || cap > INT32_MAX || wait > LONGEST_LOOK) return P2P_E_RANGE;
	uint32_t used = 0;
	for (;;) {
		struct link *link = link_enter(id);
		if (link == NULL) return P2P_E_CLOSED;
		struct outbox *out = &link->out;
		bool more = out->detached || out->draining != NULL || refill(link, used == 0 && wait < 0);
		link_leave(link);
		if (!more && used == 0 && wait > 0) {
			look_out(out, wait);
			wait = 0;
			continue;
		}
		if (out->detached) return used > 0 ? (int32_t)used : P2P_E_DETACHED;
		if (!more) return (int32_t)used;
		// Without the lock: draining belongs to this thread, which alone could close the link.
		while (out->draining != NULL) {
			uint32_t bytes = drain_one(out, out->draining, into + used, cap - used);
			used += bytes;
			must(used > 0, "a record is larger than the smallest buffer"); // it would never come out
			if (bytes == 0 || out->detached) return (int32_t)used;
			step(out);
		}
	}
}

int32_t p2p_take(int32_t id, uint8_t *into, uint32_t cap) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	struct outbox *out = &link->out;
	link_leave(link);
	if (!out->detached) return P2P_E_RANGE;
	const struct entry *entry = out->draining;
	const uint8_t *body = entry->body;
	uint32_t len = entry->len;
	if (entry->chunk != NULL) {
		struct frame frame = frame_of(entry);
		body = frame.payload;
		len = frame.len;
	}
	if (cap < len) return P2P_E_RANGE;
	memcpy(into, body, len);
	out->detached = false;
	step(out);
	return (int32_t)len;
}

static void free_entries(struct entry *entry) {
	while (entry != NULL) {
		struct entry *next = entry->next;
		entry_free(entry);
		entry = next;
	}
}

void outbox_free(struct outbox *out) {
	free_entries(out->draining);
	free_entries(out->head);
}
