// What cannot be goes no further: the process ends and says why, where going on would corrupt memory or wait for ever.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

_Noreturn void bridge_broken(const char *what) {
	static const char prefix[] = "libunaiverse_p2p: ";
	(void)!write(STDERR_FILENO, prefix, sizeof prefix - 1);
	(void)!write(STDERR_FILENO, what, strlen(what));
	(void)!write(STDERR_FILENO, "\n", 1);
	abort();
}
