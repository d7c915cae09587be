package porttest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// The part of Conformance that is about what the program sends, and about the end of the link.

// took is what Go finds in the frames that it is given, until so many messages have come.
func took(p Program, messages int, give func(boundary.Frames)) (got []Message) {
	for len(got) < messages {
		frames := p.Frames()
		walk(frames.Data, func(channel string, payload []byte) {
			got = append(got, Message{frames.Outlet, channel, bytes.Clone(payload)})
		})
		give(frames)
	}
	return got
}

func sends(t *testing.T, p Program) {
	first, second := p.Outlet(), p.Outlet()
	var want []Message
	outstanding := map[uint32]int{}
	for i, size := range append(append(sizes[1:], sizes[1:]...), 5, 5, 5) {
		outlet := []uint32{first, second, first}[i%3]
		name := fmt.Sprint("channel ", i%5)
		outstanding[outlet] += len(Frame(name, pattern(size)))
		now, known := p.Send(outlet, name, pattern(size))
		require.True(t, known)
		require.Equal(t, outstanding[outlet], now)
		want = append(want, Message{outlet, name, pattern(size)})
	}
	got := took(p, len(want), p.Port().Written)
	for _, outlet := range []uint32{first, second} {
		require.Equal(t, of(outlet, want), of(outlet, got))
		require.True(t, p.Wait(outlet, 1), "nothing is outstanding")
	}
}

func of(outlet uint32, messages []Message) (its []Message) {
	for _, message := range messages {
		if message.Inlet == outlet {
			its = append(its, message)
		}
	}
	return its
}

func room(t *testing.T, p Program) {
	outlet := p.Outlet()
	// Each of these is a run of its own.
	for range 3 {
		_, _ = p.Send(outlet, "channel", pattern(1<<20))
	}
	require.True(t, p.Wait(outlet, 4<<20))
	require.False(t, p.Wait(outlet, 2<<20))
	var runs []boundary.Frames
	took(p, 3, func(frames boundary.Frames) { runs = append(runs, frames) })
	tells := []Item{{Record: &Record{Kind: boundary.KindRoom, A: outlet}}}
	p.Port().Written(runs[0])
	require.Empty(t, p.Drain())
	p.Port().Written(runs[1])
	requireItems(t, tells, p.Drain())
	require.False(t, p.Wait(outlet, 0))
	p.Port().Post(boundary.KindEvent, 0, 0, nil)
	p.Port().Written(runs[2])
	requireItems(t, append([]Item{{Record: &Record{Kind: boundary.KindEvent}}}, tells...), p.Drain())
	require.False(t, p.Wait(outlet, 0), "it is told in any case")
	requireItems(t, tells, p.Drain())
}

func freed(t *testing.T, p Program) {
	outlet, other := p.Outlet(), p.Outlet()
	_, _ = p.Send(outlet, "channel", pattern(10))
	frames := p.Frames()
	p.Port().FreeOutlet(outlet)
	p.Port().FreeOutlet(outlet)
	_, known := p.Send(outlet, "channel", pattern(10))
	require.False(t, known)
	again := p.Outlet()
	require.NotEqual(t, outlet, again)
	p.Port().Written(frames)
	require.True(t, p.Wait(again, 1), "what was sent on another is not outstanding here")
	_, known = p.Send(other, "channel", pattern(10))
	require.True(t, known)
	p.Port().Written(p.Frames())
}

func numbers(t *testing.T, p Program) {
	known := map[uint32]bool{}
	kept := p.Outlet()
	for range 3 * 32768 {
		outlet := p.Outlet()
		require.False(t, known[outlet], "outlet %d comes again", outlet)
		known[outlet] = true
		p.Port().FreeOutlet(outlet)
	}
	_, is := p.Send(kept, "channel", pattern(1))
	require.True(t, is)
	p.Port().Written(p.Frames())
}

func ended(t *testing.T, p Program) {
	port := p.Port()
	outlet := p.Outlet()
	_, _ = p.Send(outlet, "channel", pattern(10))
	frames := p.Frames()
	chunk := port.NewChunk(256 << 10)
	end := copy(chunk.Data, Frame("channel", pattern(10)))
	port.Deliver(1, chunk, 0, end)
	p.End()
	port.Post(boundary.KindAnswer, 1, 0, pattern(10))
	port.Deliver(1, chunk, 0, end)
	port.DeliverOne(1, "channel", pattern(10))
	port.Release(chunk)
	chunk = port.Grow(port.NewChunk(10), 0, 1<<20)
	port.Release(chunk)
	port.Written(frames)
	port.FreeOutlet(outlet)
}
