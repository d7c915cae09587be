// Package guard keeps a panic from ending the host process: every goroutine that the project starts, and every callback by which a library
// asks or tells it something, runs under it. A panic becomes a log record, a call of the reporter, and for Call an error.
package guard

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

var reporter atomic.Pointer[func(*boundary.Error)]

// OnPanic sets what is told of every panic; it must not block.
func OnPanic(report func(*boundary.Error)) { reporter.Store(&report) }

// Go runs fn in a goroutine that survives a panic in it. The name says what the goroutine is for.
func Go(name string, fn func()) {
	go Do(name, fn)
}

// Do runs fn and survives a panic in it.
func Do(name string, fn func()) {
	_ = Call(name, func() error {
		fn()
		return nil
	})
}

// Call runs fn; a panic in it is returned as INTERNAL.
func Call(name string, fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			slog.Error("panic", "logger", "guard", "in", name, "value", fmt.Sprint(value), "stack", string(debug.Stack()))
			failure := boundary.Errorf(boundary.Internal, "panic in %s: %v", name, value)
			if report := reporter.Load(); report != nil {
				(*report)(failure)
			}
			err = failure
		}
	}()
	return fn()
}
