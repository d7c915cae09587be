// The way from JavaScript to Go: requests, and frames gathered for the writer of each outlet.

#include <stdlib.h>
#include <string.h>

#include "internal.h"

// Frames are gathered into records of this size, which one write sends: four whole yamux frames of 64 KiB with their headers of 12 bytes. With
// 64 KiB records each write ended in a second, tiny frame, which cost a write and a cipher record of its own.
#define GATHER (4u * ((64u << 10) - 12))
#define SPARES 4
#define OUTLETS 65535
// An outlet's number is positive, so that 15 bits are left for how often its place was used.
#define GENERATIONS 0x7fffu

// Wakes Go if it sleeps. The caller holds the lock.
void inbox_bell(struct inbox *in) {
	if (!in->parked) return;
	in->parked = false;
	bell_ring(in->bell[1]);
}

static void append(struct inbox *in, struct record *record) {
	record->next = NULL;
	if (in->tail != NULL) {
		in->tail->next = record;
	} else {
		__atomic_store_n(&in->head, record, __ATOMIC_RELEASE);
	}
	in->tail = record;
}

static struct record *new_record(uint32_t outlet, uint32_t cap) {
	struct record *record = malloc(sizeof *record + cap);
	if (record != NULL) {
		record->outlet = outlet;
		record->len = 0;
		record->cap = cap;
	}
	return record;
}

// A record of at least a size: the one that was kept last, where it is large enough and not much larger, or a new one.
static struct record *take_record(struct pool *pool, uint32_t outlet, uint32_t cap) {
	struct record *record = pool->head;
	if (record == NULL || record->cap < cap || record->cap / 4 > cap) return new_record(outlet, cap);
	pool->head = record->next;
	pool->count--;
	record->outlet = outlet;
	record->len = 0;
	return record;
}

static bool keep_record(struct pool *pool, struct record *record) {
	if (record->cap > LARGEST_KEPT || pool->count == SPARES) return false;
	record->next = pool->head;
	pool->head = record;
	pool->count++;
	return true;
}

static struct outlet *find_outlet(struct inbox *in, uint32_t id) {
	uint32_t index = (id & 0xffff) - 1;
	if (index >= in->outlet_count || in->outlets[index].id != id) return NULL;
	return &in->outlets[index];
}

int32_t p2p_submit(int32_t id, const uint8_t *bytes, uint32_t len) {
	if (len < 16) return P2P_E_RANGE;
	struct record *record = new_record(0, len);
	if (record == NULL) return P2P_E_MEMORY;
	memcpy(record->data, bytes, len);
	record->len = len;
	struct link *link = link_enter(id);
	if (link == NULL) {
		free(record);
		return P2P_E_CLOSED;
	}
	append(&link->in, record);
	link_leave(link);
	return 0;
}

int32_t p2p_ring(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	if (link->in.head != NULL) inbox_bell(&link->in);
	link_leave(link);
	return 0;
}

int32_t p2p_channel(int32_t id, uint32_t slot, const uint8_t *text, uint32_t len) {
	if (slot >= SENDING_SLOTS || len < 1 || len > 255) return P2P_E_RANGE;
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	struct name *name = &link->in.slots[slot];
	name->len = (uint8_t)len;
	memcpy(name->text, text, len);
	link_leave(link);
	return 0;
}

// Makes room for one more outlet behind those that were ever open.
static bool grow_outlets(struct inbox *in) {
	if (in->outlet_count == OUTLETS) return false;
	if (in->outlet_count < in->outlet_cap) return true;
	uint32_t cap = in->outlet_cap ? in->outlet_cap * 2 : 8;
	struct outlet *outlets = realloc(in->outlets, cap * sizeof *outlets);
	if (outlets == NULL) return false;
	memset(outlets + in->outlet_cap, 0, (cap - in->outlet_cap) * sizeof *outlets);
	in->outlets = outlets;
	in->outlet_cap = cap;
	return true;
}

int32_t p2p_outlet(int32_t id) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	struct inbox *in = &link->in;
	uint32_t index = in->free_outlet;
	if (index == 0 && grow_outlets(in)) index = ++in->outlet_count;
	int32_t result = P2P_E_MEMORY;
	if (index > 0) {
		struct outlet *outlet = &in->outlets[index - 1];
		if (index == in->free_outlet) in->free_outlet = outlet->next_free;
		uint32_t generation = (outlet->id >> 16) + 1;
		memset(outlet, 0, sizeof *outlet);
		outlet->id = generation << 16 | index;
		result = (int32_t)outlet->id;
	}
	link_leave(link);
	return result;
}

static void put_frame(struct record *record, const struct name *name, const uint8_t *payload, uint32_t len) {
	uint8_t *at = record->data + record->len;
	uint32_t total = 1 + name->len + len;
	at[0] = (uint8_t)(total >> 24);
	at[1] = (uint8_t)(total >> 16);
	at[2] = (uint8_t)(total >> 8);
	at[3] = (uint8_t)total;
	at[4] = name->len;
	memcpy(at + 5, name->text, name->len);
	memcpy(at + 5 + name->len, payload, len);
	record->len += 4 + total;
}

int32_t p2p_send(int32_t id, uint32_t outlet_id, uint32_t slot, const uint8_t *payload, uint32_t len) {
	if (slot >= SENDING_SLOTS || len < 1 || len > INT32_MAX - 1024) return P2P_E_RANGE;
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	struct inbox *in = &link->in;
	struct outlet *outlet = find_outlet(in, outlet_id);
	const struct name *name = &in->slots[slot];
	int32_t result = outlet == NULL ? P2P_E_OUTLET : name->len == 0 ? P2P_E_RANGE : 0;
	if (result == 0) {
		uint32_t size = 5 + name->len + len;
		struct record *record = outlet->tail_epoch == in->epoch ? outlet->tail : NULL;
		if (record == NULL || record->cap - record->len < size) {
			bool alone = size > GATHER;
			record = alone ? take_record(&in->large, outlet_id, size) : take_record(&in->gathering, outlet_id, GATHER);
			if (record == NULL) {
				link_leave(link);
				return P2P_E_MEMORY;
			}
			append(in, record);
			outlet->tail = alone ? NULL : record;
			outlet->tail_epoch = in->epoch;
		}
		put_frame(record, name, payload, len);
		outlet->outstanding += size;
		result = outlet->outstanding > INT32_MAX ? INT32_MAX : (int32_t)outlet->outstanding;
	}
	link_leave(link);
	return result;
}

// Posts the record that is waited for, once there is room. The caller holds the lock.
static void tell_room(struct link *link, struct outlet *outlet) {
	if (!outlet->waiting || outlet->outstanding >= outlet->below) return;
	struct entry *room = calloc(1, sizeof *room);
	must(room != NULL, OUT_OF_MEMORY); // a record that never comes would be a hang
	outlet->waiting = false;
	room->kind = KIND_ROOM;
	room->a = outlet->id;
	outbox_append(&link->out, room);
}

int32_t p2p_wait(int32_t id, uint32_t outlet_id, uint32_t below) {
	struct link *link = link_enter(id);
	if (link == NULL) return P2P_E_CLOSED;
	struct outlet *outlet = find_outlet(&link->in, outlet_id);
	int32_t result = P2P_E_OUTLET;
	if (outlet != NULL) {
		result = outlet->outstanding < below;
		outlet->waiting = !result;
		outlet->below = below > 0 ? below : 1;
		tell_room(link, outlet);
	}
	link_leave(link);
	return result;
}

struct record *bridge_take(int32_t id, int park, int *closed) {
	struct link *link = link_enter(id);
	*closed = link == NULL;
	if (link == NULL) return NULL;
	struct inbox *in = &link->in;
	struct record *head = in->head;
	__atomic_store_n(&in->head, NULL, __ATOMIC_RELEASE);
	in->tail = NULL;
	in->epoch++;
	in->parked = park && head == NULL;
	link_leave(link);
	return head;
}

// Looks out for a record without parking. It is done here because a goroutine that yields in turns wakes another thread each time.
void bridge_look_out(int32_t id, uint32_t microseconds) {
	const struct inbox *in = link_inbox(id);
	uint64_t until = look_until(microseconds);
	while (__atomic_load_n(&in->head, __ATOMIC_ACQUIRE) == NULL && look_again(until)) {}
}

void bridge_free(struct record *record) { free(record); }

void bridge_written(int32_t id, uintptr_t ref) {
	struct record *record = (struct record *)ref;
	struct link *link = link_enter(id);
	if (link == NULL) {
		free(record);
		return;
	}
	struct inbox *in = &link->in;
	struct outlet *outlet = find_outlet(in, record->outlet);
	if (outlet != NULL) {
		must(outlet->outstanding >= record->len, "more was written than sent");
		outlet->outstanding -= record->len;
		tell_room(link, outlet);
	}
	if (keep_record(record->cap > GATHER ? &in->large : &in->gathering, record)) record = NULL;
	link_leave(link);
	free(record);
}

void bridge_outlet_free(int32_t id, uint32_t outlet_id) {
	struct link *link = link_enter(id);
	if (link == NULL) return;
	struct outlet *outlet = find_outlet(&link->in, outlet_id);
	if (outlet != NULL) {
		uint32_t index = outlet->id & 0xffff;
		outlet->id &= 0xffff0000; // the generation stays
		// One that has had all its numbers is never used again.
		if (outlet->id >> 16 < GENERATIONS) {
			outlet->next_free = link->in.free_outlet;
			link->in.free_outlet = index;
		}
	}
	link_leave(link);
}

static void free_records(struct record *record) {
	while (record != NULL) {
		struct record *next = record->next;
		free(record);
		record = next;
	}
}

void inbox_free(struct inbox *in) {
	free_records(in->head);
	free_records(in->gathering.head);
	free_records(in->large.head);
	free(in->outlets);
}
