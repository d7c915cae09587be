// The names of received channels, so that a message carries a number. Peers choose the names, so the table does not grow: a name that finds
// its places taken replaces another, whose number then gets a new definition.

#include <string.h>

#include "internal.h"

#define PLACES 4u

static uint32_t hash(const uint8_t *text, uint8_t len) {
	uint32_t value = 2166136261u; // FNV-1a
	for (uint8_t i = 0; i < len; i++) value = (value ^ text[i]) * 16777619u;
	return value;
}

static bool same(const struct name *name, const uint8_t *text, uint8_t len) {
	return name->len == len && memcmp(name->text, text, len) == 0;
}

// The number for a name; known is false when the place has yet to be given to it. An empty name is never known, as free places have it.
uint32_t channel_find(struct outbox *out, const uint8_t *text, uint8_t len, bool *known) {
	const struct name *channels = out->channels;
	*known = len > 0;
	if (*known && same(&channels[out->last_channel], text, len)) return out->last_channel;
	uint32_t value = hash(text, len), free_place = CHANNELS;
	for (uint32_t i = 0; i < PLACES; i++) {
		uint32_t place = (value + i) % CHANNELS;
		if (*known && same(&channels[place], text, len)) return out->last_channel = place;
		if (free_place == CHANNELS && channels[place].len == 0) free_place = place;
	}
	*known = false;
	return free_place < CHANNELS ? free_place : (value + (value >> 16) % PLACES) % CHANNELS;
}
