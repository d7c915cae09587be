// Package bridge is the Go side of the C boundary: it accepts links, moves their requests and frames to package dispatch, and is the Port
// through which the rest of the Go side reaches JavaScript. It is the only package that imports "C", and exports no Go function to C.
package bridge

// #cgo CFLAGS: -std=gnu11 -Wall
// #cgo windows LDFLAGS: -lws2_32 -lntdll
// #include "internal.h"
import "C"

import (
	"os"
	"runtime"
	"unsafe"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/dispatch"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// session is what a link's records are handed to.
type session interface {
	// Frames takes frames until Port.Written.
	Frames(frames boundary.Frames)
	// Request takes a request, whose body is valid for the length of the call.
	Request(op boundary.Op, id, handle uint32, body []byte)
	// Close returns when nothing of the session runs any more.
	Close()
}

// open begins the session of a link. Tests put their own in its place, to see what crosses.
var open = func(p boundary.Port) session { return dispatch.Open(p) }

// With one processor the goroutine that a doorbell wakes waits for the one that is running: a round trip takes three times as long.
const leastProcessors = 2

func init() {
	C.bridge_signals_restore()
	if runtime.GOMAXPROCS(0) < leastProcessors {
		runtime.GOMAXPROCS(leastProcessors)
	}
	guard.Go("bridge", accept)
	C.bridge_started()
}

// accept serves every link that a JavaScript thread opens, for as long as the process lives.
func accept() {
	bell := os.NewFile(uintptr(C.bridge_links()), "links")
	ring := make([]byte, 64)
	for {
		for id := C.bridge_accept(); id != 0; id = C.bridge_accept() {
			guard.Go("bridge: link", func() { serve(id) })
		}
		if _, err := bell.Read(ring); err != nil {
			return
		}
	}
}

// serve moves what one link submits until it is closed, then closes all that its session holds.
func serve(id C.int32_t) {
	defer C.bridge_release(id)
	queue := inbox{link: id, bell: os.NewFile(uintptr(C.bridge_bell(id)), "bell")}
	defer func() { _ = queue.bell.Close() }()
	session := open(port(id))
	defer guard.Do("bridge: close", session.Close)
	for {
		record := queue.take()
		if record == nil {
			return
		}
		for record != nil {
			next := record.next
			guard.Do("bridge: record", func() { hand(session, record) })
			record = next
		}
	}
}

func data(record *C.struct_record) []byte {
	return unsafe.Slice((*byte)(C.record_data(record)), int(record.len))
}

// hand gives one record away: frames until Port.Written, a request for the length of the call.
func hand(session session, record *C.struct_record) {
	data := data(record)
	if record.outlet != 0 {
		session.Frames(boundary.Frames{Outlet: uint32(record.outlet), Data: data, Ref: uintptr(unsafe.Pointer(record))})
		return
	}
	session.Request(boundary.DecodeRequest(data))
	C.bridge_free(record)
}
