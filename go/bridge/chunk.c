// Chunks: what a Go reader reads a stream into and JavaScript drains, with no copy in between.

#include <stdlib.h>
#include <string.h>

#include "internal.h"

// A few chunks of the usual size are kept: fresh ones cost a page fault every 4 KiB.
#define USUAL (256u << 10)
#define SPARES 16
// A few large ones too, for a peer that sends one large message after another: a fresh megabyte costs as much as to encrypt it.
#define LARGE_SPARES 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *spare[SPARES];
static int spares;
static struct chunk *large[LARGE_SPARES];
static int count;

static struct chunk *take_spare(void) {
	pthread_mutex_lock(&lock);
	struct chunk *chunk = spares > 0 ? spare[--spares] : NULL;
	pthread_mutex_unlock(&lock);
	return chunk;
}

// A spare one of at least a size, and not so much above it that memory would be wasted.
static struct chunk *take_large(uint32_t size) {
	struct chunk *chunk = NULL;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < LARGE_SPARES && chunk == NULL; i++) {
		if (large[i] == NULL || large[i]->size < size || large[i]->size / 4 > size) continue;
		chunk = large[i];
		large[i] = NULL;
	}
	pthread_mutex_unlock(&lock);
	return chunk;
}

static bool keep_large(struct chunk *chunk) {
	bool kept = false;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < LARGE_SPARES && !kept; i++) {
		kept = large[i] == NULL;
		if (kept) large[i] = chunk;
	}
	pthread_mutex_unlock(&lock);
	return kept;
}

static bool keep_spare(struct chunk *chunk) {
	pthread_mutex_lock(&lock);
	bool kept = spares < SPARES;
	if (kept) spare[spares++] = chunk;
	pthread_mutex_unlock(&lock);
	return kept;
}

struct chunk *bridge_chunk(uint32_t size) {
	struct chunk *chunk = size == USUAL ? take_spare() : NULL;
	if (chunk == NULL) chunk = malloc(sizeof *chunk + size);
	must(chunk != NULL, OUT_OF_MEMORY);
	chunk->refs = 1;
	chunk->size = size;
	__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	return chunk;
}

// Nothing of the chunk was delivered, so its owner holds the only reference and it may move. A spare one may be larger than asked for.
struct chunk *bridge_chunk_grow(uintptr_t ref, uint32_t used, uint32_t size) {
	struct chunk *before = (struct chunk *)ref, *chunk = take_large(size);
	must(before->refs == 1 && used <= before->size && used <= size, "a chunk grows that was delivered, or loses what is in it");
	if (chunk != NULL) {
		memcpy(chunk->data, before->data, used);
		chunk->refs = 1;
		__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
		bridge_chunk_release(ref);
		return chunk;
	}
	chunk = realloc(before, sizeof *chunk + size);
	must(chunk != NULL, OUT_OF_MEMORY);
	chunk->size = size;
	return chunk;
}

void bridge_chunk_release(uintptr_t ref) {
	struct chunk *chunk = (struct chunk *)ref;
	int refs = __atomic_sub_fetch(&chunk->refs, 1, __ATOMIC_ACQ_REL);
	must(refs >= 0, "a chunk is released twice");
	if (refs > 0) return;
	__atomic_sub_fetch(&count, 1, __ATOMIC_RELAXED);
	if (chunk->size == USUAL && keep_spare(chunk)) return;
	if (chunk->size > USUAL && chunk->size <= LARGEST_KEPT && keep_large(chunk)) return;
	free(chunk);
}

int bridge_chunks(void) { return __atomic_load_n(&count, __ATOMIC_RELAXED); }
