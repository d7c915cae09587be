// Package program plays JavaScript's part on a link: it calls the functions of bridge.h as a runtime does, from a thread that belongs to the
// link. Only tests have it; the functions themselves are those of package bridge.
package program

// #cgo CFLAGS: -std=gnu11 -Wall
// #cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-all
// #cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
// #include "../bridge.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// CloseFD is P2P_OPEN_CLOSE_FD.
const CloseFD = C.P2P_OPEN_CLOSE_FD

// Refusal is a negative answer.
type Refusal int

// The refusals of bridge.h.
const (
	Closed   Refusal = C.P2P_E_CLOSED
	Outlet   Refusal = C.P2P_E_OUTLET
	Detached Refusal = C.P2P_E_DETACHED
	Range    Refusal = C.P2P_E_RANGE
	Memory   Refusal = C.P2P_E_MEMORY
)

func (r Refusal) Error() string { return fmt.Sprintf("p2p: refusal %d", int(r)) }

// Thread is a thread on which a program runs.
type Thread struct {
	calls chan func()
	ended chan struct{}
}

// Start starts a thread.
func Start() *Thread {
	t := &Thread{calls: make(chan func()), ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		// Never unlocked, so that the thread ends with this function.
		runtime.LockOSThread()
		for call := range t.calls {
			call()
		}
	}()
	return t
}

// End ends the thread, whatever it has not closed.
func (t *Thread) End() {
	close(t.calls)
	<-t.ended
}

func (t *Thread) do(call func()) {
	done := make(chan struct{})
	t.calls <- func() {
		call()
		close(done)
	}
	<-done
}

func (t *Thread) ask(call func() C.int32_t) (answer int, err error) {
	t.do(func() { answer = int(call()) })
	if answer < 0 {
		return answer, Refusal(answer)
	}
	return answer, nil
}

// Link is a link of a thread.
type Link struct {
	*Thread
	id C.int32_t
}

// Open opens the thread's link.
func (t *Thread) Open(flags uint32) (*Link, error) {
	id, err := t.ask(func() C.int32_t { return C.p2p_open(C.uint32_t(flags)) })
	return &Link{t, C.int32_t(id)}, err
}

// ID is the link's number.
func (l *Link) ID() int32 { return int32(l.id) }

// FD is the JS end of the wake socket.
func (l *Link) FD() (int, error) {
	return l.ask(func() C.int32_t { return C.p2p_fd(l.id) })
}

// Wake has the library connect to a port of this machine, and say a token there, instead of FD.
func (l *Link) Wake(port int, token []byte) error {
	_, err := l.ask(func() C.int32_t { return C.p2p_wake(l.id, C.uint32_t(port), bytes(token), C.uint32_t(len(token))) })
	return err
}

// Submit queues a request record and rings.
func (l *Link) Submit(record []byte) error {
	_, err := l.ask(func() C.int32_t {
		if answer := C.p2p_submit(l.id, bytes(record), C.uint32_t(len(record))); answer != 0 {
			return answer
		}
		return C.p2p_ring(l.id)
	})
	return err
}

// Drain moves records into a buffer.
func (l *Link) Drain(into []byte, wait int) (int, error) {
	return l.ask(func() C.int32_t { return C.p2p_drain(l.id, bytes(into), C.uint32_t(len(into)), C.int32_t(wait)) })
}

// Take fetches the body of a detached record.
func (l *Link) Take(into []byte) (int, error) {
	return l.ask(func() C.int32_t { return C.p2p_take(l.id, bytes(into), C.uint32_t(len(into))) })
}

// Channel names a sending slot.
func (l *Link) Channel(slot uint32, name string) error {
	_, err := l.ask(func() C.int32_t {
		return C.p2p_channel(l.id, C.uint32_t(slot), bytes([]byte(name)), C.uint32_t(len(name)))
	})
	return err
}

// Outlet makes an outlet.
func (l *Link) Outlet() (uint32, error) {
	outlet, err := l.ask(func() C.int32_t { return C.p2p_outlet(l.id) })
	return uint32(outlet), err
}

// Send appends a message to an outlet, rings, and returns the bytes outstanding.
func (l *Link) Send(outlet, slot uint32, payload []byte) (int, error) {
	return l.ask(func() C.int32_t {
		answer := C.p2p_send(l.id, C.uint32_t(outlet), C.uint32_t(slot), bytes(payload), C.uint32_t(len(payload)))
		if answer > 0 {
			C.p2p_ring(l.id)
		}
		return answer
	})
}

// Wait says whether fewer than below bytes are outstanding, and else has a ROOM record sent.
func (l *Link) Wait(outlet, below uint32) (bool, error) {
	answer, err := l.ask(func() C.int32_t { return C.p2p_wait(l.id, C.uint32_t(outlet), C.uint32_t(below)) })
	return answer == 1, err
}

// Close ends the link.
func (l *Link) Close() error {
	_, err := l.ask(func() C.int32_t { return C.p2p_close(l.id) })
	return err
}

func bytes(data []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(data)) }
