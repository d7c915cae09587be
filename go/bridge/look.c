// Looking out: asking again and again for a moment instead of sleeping, since waking a sleeping processor takes longer than a dense exchange.
// It must yield each time: on two processors whoever is to bring what is looked out for may be waiting for this one.

#include <sched.h>
#include <time.h>

#include "internal.h"

static uint64_t microseconds(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

uint64_t look_until(uint32_t length) { return microseconds() + length; }

// Gives the processor away once; false when the moment is over.
bool look_again(uint64_t until) {
	sched_yield();
	return microseconds() < until;
}
