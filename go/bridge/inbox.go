package bridge

// #include "internal.h"
import "C"

import (
	"os"
	"runtime"
	"time"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

const (
	// lookOut is how long the queue is watched before the goroutine sleeps; it has to be longer than a round trip.
	lookOut = 600 * time.Microsecond
	// A sleep shorter than dense is one that watching would perhaps have spared; denseAfter of them in a row begin it, since watching pays
	// only while requests come that fast.
	dense      = time.Millisecond
	denseAfter = 3
	// Who sends more than this at once waits for no answer.
	few = 16 << 10
)

// inbox is the Go end of what a link submits.
type inbox struct {
	link C.int32_t
	bell *os.File
	ring [64]byte
	// short counts the last sleeps that watching would have spared.
	short int
}

// take waits for records and returns all there are; nil when the link is closed.
func (in *inbox) take() *C.struct_record {
	record := in.wait()
	if record != nil && bulk(record) {
		in.short = 0
	}
	return record
}

func (in *inbox) wait() *C.struct_record {
	if in.short >= denseAfter {
		// First those have their turn to whom the last records were given: while this goroutine looks out its processor runs nothing else.
		runtime.Gosched()
		C.bridge_look_out(in.link, C.uint32_t(lookOut.Microseconds()))
		if record, closed := in.look(0); record != nil || closed {
			return record
		}
		in.short = 0
	}
	for {
		if record, closed := in.look(1); record != nil || closed {
			return record
		}
		slept := time.Now()
		if _, err := in.bell.Read(in.ring[:]); err != nil {
			return nil
		}
		in.short++
		if time.Since(slept) > dense {
			in.short = 0
		}
	}
}

// bulk tells what nobody waits for: many bytes at once, and credit, which comes back while many are received.
func bulk(record *C.struct_record) bool {
	if record.outlet != 0 {
		return record.len > few
	}
	op, _, _, _ := boundary.DecodeRequest(data(record))
	return op == boundary.OpCredit
}

func (in *inbox) look(park C.int) (record *C.struct_record, closed bool) {
	var ended C.int
	record = C.bridge_take(in.link, park, &ended)
	return record, ended != 0
}
