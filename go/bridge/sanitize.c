//go:build sanitize

// A fault that a sanitizer finds ends the process, instead of a line that nobody reads.
const char *__ubsan_default_options(void) { return "halt_on_error=1:print_stacktrace=1"; }
