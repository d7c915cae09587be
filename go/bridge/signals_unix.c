//go:build unix

// The signal guard. Go sets SA_ONSTACK on every signal handler that it finds, its host's included, when it starts. With that flag on SIGPWR
// JavaScriptCore does not recognise a suspended thread's stack and tries for ever: after loading any Go library, Bun 1.3 hung at its first
// WebAssembly (Bun issues 29843 and 31158, Go issue 78883). Taking the flag off again is safe only because no JavaScript thread ever runs Go.

#include <signal.h>
#include <stddef.h>

#include "internal.h"

static struct sigaction before[NSIG];

// Priority 101 comes before the constructor that starts the Go runtime.
__attribute__((constructor(101))) static void snapshot(void) {
	for (int number = 1; number < NSIG; number++) sigaction(number, NULL, &before[number]);
}

static bool same_handler(const struct sigaction *a, const struct sigaction *b) {
	if ((a->sa_flags & SA_SIGINFO) != (b->sa_flags & SA_SIGINFO)) return false;
	return a->sa_flags & SA_SIGINFO ? a->sa_sigaction == b->sa_sigaction : a->sa_handler == b->sa_handler;
}

// Takes SA_ONSTACK off the handlers that Go left in place and that did not have it. Called when the Go runtime is up.
void bridge_signals_restore(void) {
	for (int number = 1; number < NSIG; number++) {
		struct sigaction now;
		if (sigaction(number, NULL, &now) != 0) continue;
		if (!(now.sa_flags & SA_ONSTACK) || before[number].sa_flags & SA_ONSTACK) continue;
		if (!same_handler(&now, &before[number])) continue;
		now.sa_flags &= ~SA_ONSTACK;
		sigaction(number, &now, NULL);
	}
}
