//go:build sanitize

package bridge

// The C files with the address and the undefined behaviour sanitizers, for tests: `go test -tags sanitize ./bridge/...`.

// #cgo CFLAGS: -g -O1 -fsanitize=address,undefined
// #cgo LDFLAGS: -fsanitize=address,undefined
import "C"
