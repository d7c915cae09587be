package bridge

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/bridge/program"
	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

// recorder is the session of a link in these tests: it shows what crosses.
type recorder struct {
	port     boundary.Port
	frames   chan boundary.Frames
	requests chan request
	closed   chan struct{}
}

type request struct {
	op         boundary.Op
	id, handle uint32
	body       []byte
}

func (r *recorder) Frames(frames boundary.Frames) { r.frames <- frames }

func (r *recorder) Request(op boundary.Op, id, handle uint32, body []byte) {
	r.requests <- request{op, id, handle, slices.Clone(body)}
}

func (r *recorder) Close() { close(r.closed) }

// sessions are those of the links that were opened, by number.
var sessions = struct {
	mu      sync.Mutex
	changed *sync.Cond
	byLink  map[int32]*recorder
}{byLink: map[int32]*recorder{}}

func init() {
	sessions.changed = sync.NewCond(&sessions.mu)
	open = func(p boundary.Port) session {
		r := &recorder{port: p, frames: make(chan boundary.Frames, 1000), requests: make(chan request, 1000), closed: make(chan struct{})}
		sessions.mu.Lock()
		defer sessions.mu.Unlock()
		sessions.byLink[int32(p.(port))] = r
		sessions.changed.Broadcast()
		return r
	}
}

func sessionOf(link int32) *recorder {
	sessions.mu.Lock()
	defer sessions.mu.Unlock()
	for sessions.byLink[link] == nil {
		sessions.changed.Wait()
	}
	return sessions.byLink[link]
}

// jsEnd is a link as a JavaScript runtime has it, with Go's end beside it.
type jsEnd struct {
	*program.Link
	t       *testing.T
	session *recorder
	slots   map[string]uint32
	// channels are the names of the received slots.
	channels map[uint16]string
	buffer   []byte
	over     bool
}

func openLink(t *testing.T) *jsEnd {
	t.Helper()
	thread := program.Start()
	link, err := thread.Open(program.CloseFD)
	require.NoError(t, err)
	js := &jsEnd{
		Link: link, t: t, session: sessionOf(link.ID()), slots: map[string]uint32{}, channels: map[uint16]string{}, buffer: make([]byte, 256<<10),
	}
	t.Cleanup(func() {
		js.End()
		thread.End()
		js.awaitClosed()
	})
	return js
}

func (js *jsEnd) awaitClosed() {
	js.t.Helper()
	select {
	case <-js.session.closed:
	case <-time.After(20 * time.Second):
		js.t.Fatal("Go does not close the link's session")
	}
}

func (js *jsEnd) Port() boundary.Port { return js.session.port }

func (js *jsEnd) Drain() (items []porttest.Item) {
	for !js.over {
		n, err := js.Link.Drain(js.buffer, 0)
		require.NoError(js.t, err)
		if n == 0 {
			break
		}
		for at := 0; at < n; {
			var item *porttest.Item
			if item, at = js.record(at); item != nil {
				items = append(items, *item)
			}
		}
	}
	return items
}

// record reads the record at a place of the buffer, as docs/boundary.md lays it out.
func (js *jsEnd) record(at int) (item *porttest.Item, next int) {
	const header = 24
	head := js.buffer[at:]
	kind, detached := boundary.Kind(head[0]), head[1]&1 != 0
	slot, length := binary.LittleEndian.Uint16(head[2:]), int(binary.LittleEndian.Uint32(head[4:]))
	a, b := binary.LittleEndian.Uint32(head[8:]), binary.LittleEndian.Uint32(head[12:])
	next = at + header
	var body []byte
	if detached {
		_, err := js.Link.Drain(js.buffer[next:], 0)
		require.ErrorIs(js.t, err, program.Detached)
		_, err = js.Take(make([]byte, length-1))
		require.ErrorIs(js.t, err, program.Range)
		body = make([]byte, length)
		n, err := js.Take(body)
		require.NoError(js.t, err)
		require.Equal(js.t, length, n)
	} else {
		body = slices.Clone(head[header : header+length])
		next += (length + 7) &^ 7
	}
	switch kind {
	case boundary.KindChannel:
		js.channels[slot] = string(body)
		return nil, next
	case boundary.KindMessage:
		name, known := js.channels[slot]
		require.True(js.t, known, "slot %d has no name", slot)
		return &porttest.Item{Message: &porttest.Message{Inlet: a, Channel: name, Payload: body}}, next
	}
	return &porttest.Item{Record: &porttest.Record{Kind: kind, A: a, B: b, Body: body}}, next
}

func (js *jsEnd) Outlet() uint32 {
	outlet, err := js.Link.Outlet()
	require.NoError(js.t, err)
	return outlet
}

func (js *jsEnd) Send(outlet uint32, channel string, payload []byte) (outstanding int, known bool) {
	slot, named := js.slots[channel]
	if !named {
		slot = uint32(len(js.slots))
		js.slots[channel] = slot
		require.NoError(js.t, js.Channel(slot, channel))
	}
	outstanding, err := js.Link.Send(outlet, slot, payload)
	if err != nil {
		require.ErrorIs(js.t, err, program.Outlet)
	}
	return outstanding, err == nil
}

func (js *jsEnd) Frames() boundary.Frames { return <-js.session.frames }

func (js *jsEnd) Wait(outlet, below uint32) bool {
	enough, err := js.Link.Wait(outlet, below)
	require.NoError(js.t, err)
	return enough
}

func (js *jsEnd) End() {
	if !js.over {
		js.over = true
		require.NoError(js.t, js.Close())
	}
}

func TestTheBridgeIsAPort(t *testing.T) {
	porttest.Conformance(t, func(t *testing.T) porttest.Program { return openLink(t) })
}
