package porttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// Conformance holds a Port to what its interface promises. It is run on the Port of this package, which stands in for the bridge in the tests of
// all other packages, and on the bridge: what passes on one and not on the other is a fault of one of them.
func Conformance(t *testing.T, open func(t *testing.T) Program) {
	for name, test := range map[string]func(*testing.T, Program){
		"what is queued comes out in order, whatever its kind and size":   inOrder,
		"every goroutine's records stay in order":                         concurrent,
		"a chunk has the size asked for and keeps what is used":           chunksGrow,
		"delivered frames outlive their chunk's owner":                    framesOutlive,
		"its owner writes on behind what it delivered":                    writesBehind,
		"every message has its own channel, however many there are":       channels,
		"what is sent comes whole and in order, and is outstanding until": sends,
		"room is told once, when it is there":                             room,
		"an outlet's number means nothing once it is freed":               freed,
		"no outlet has the number of an earlier one":                      numbers,
		"a link that has ended takes everything and keeps nothing":        ended,
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			before := p.Port().Chunks()
			test(t, p)
			p.Drain()
			// A link that has ended gives back what it holds when Go has heard of its end.
			require.Eventually(t, func() bool { return p.Port().Chunks() == before }, 20*time.Second, time.Millisecond, "chunks are left")
		})
	}
}

// sizes are those around every bound of the bridge.
var sizes = []int{0, 1, 7, 8, 9, 1000, 32<<10 - 1, 32 << 10, 32<<10 + 1, 64 << 10, 256 << 10, 1 << 20, 4<<20 + 1}

func pattern(size int) []byte {
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(size)})
	_, _ = random.Read(data)
	return data
}

func inOrder(t *testing.T, p Program) {
	port := p.Port()
	var want []Item
	post := func(kind boundary.Kind, a, b uint32, body []byte) {
		port.Post(kind, a, b, body)
		want = append(want, Item{Record: &Record{kind, a, b, body}})
	}
	for i, size := range sizes {
		number := uint32(i)
		post(boundary.KindAnswer, number, 1, pattern(size))
		post(boundary.KindEvent, number, 0, pattern(size))
		port.DeliverOne(number, "one", pattern(size))
		want = append(want, Item{Message: &Message{number, "one", pattern(size)}})
		var run []byte
		for _, payload := range [][]byte{pattern(size + 1), pattern(1), pattern(size + 1)} {
			run = append(run, Frame("run", payload)...)
			want = append(want, Item{Message: &Message{number, "run", payload}})
		}
		chunk := port.NewChunk(len(run))
		copy(chunk.Data, run)
		port.Deliver(number, chunk, 0, len(run))
		port.Release(chunk)
	}
	requireItems(t, want, p.Drain())
	require.Empty(t, p.Drain())
}

func requireItems(t *testing.T, want, got []Item) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, item := range got {
		require.Equal(t, want[i].Record == nil, item.Record == nil, "item %d", i)
		if item.Record != nil {
			same := item.Record.Kind == want[i].Record.Kind && item.Record.A == want[i].Record.A && item.Record.B == want[i].Record.B
			require.True(t, same && bytes.Equal(item.Record.Body, want[i].Record.Body), "record %d", i)
			continue
		}
		same := item.Message.Inlet == want[i].Message.Inlet && item.Message.Channel == want[i].Message.Channel
		require.True(t, same && bytes.Equal(item.Message.Payload, want[i].Message.Payload), "message %d", i)
	}
}

func concurrent(t *testing.T, p Program) {
	const goroutines, each = 8, 500
	port := p.Port()
	var running sync.WaitGroup
	for g := range uint32(goroutines) {
		running.Go(func() {
			for i := range uint32(each) {
				body := pattern(int(i) % 100)
				if i%2 == 0 {
					port.Post(boundary.KindEvent, g, i, body)
					continue
				}
				frame := Frame(fmt.Sprint(i), append(body, byte(g)))
				chunk := port.NewChunk(len(frame))
				port.Deliver(g, chunk, 0, copy(chunk.Data, frame))
				port.Release(chunk)
			}
		})
	}
	next := make([]uint32, goroutines)
	take := func() {
		for _, item := range p.Drain() {
			if item.Record != nil {
				require.Equal(t, next[item.Record.A], item.Record.B)
				next[item.Record.A]++
				continue
			}
			require.Equal(t, fmt.Sprint(next[item.Message.Inlet]), item.Message.Channel)
			next[item.Message.Inlet]++
		}
	}
	over := make(chan struct{})
	go func() {
		running.Wait()
		close(over)
	}()
	for done := false; !done; take() {
		select {
		case <-over:
			done = true
		default:
		}
	}
	for _, count := range next {
		require.EqualValues(t, each, count)
	}
}

func chunksGrow(t *testing.T, p Program) {
	port, random := p.Port(), rand.New(rand.NewPCG(1, 2))
	content := pattern(16 << 20)
	for range 60 {
		size := 1 + random.IntN(1<<20)
		chunk := port.NewChunk(size)
		require.GreaterOrEqual(t, len(chunk.Data), size)
		used := copy(chunk.Data, content[:random.IntN(size)+1])
		for len(chunk.Data) < 3<<20 {
			size = len(chunk.Data) + 1 + random.IntN(size)
			chunk = port.Grow(chunk, used, size)
			require.GreaterOrEqual(t, len(chunk.Data), size)
			require.True(t, bytes.Equal(content[:used], chunk.Data[:used]), "a chunk of %d bytes of which %d are used", size, used)
			used = copy(chunk.Data, content[:used+random.IntN(len(chunk.Data)-used+1)])
		}
		port.Release(chunk)
	}
}

func framesOutlive(t *testing.T, p Program) {
	port := p.Port()
	frame := Frame("channel", pattern(1000))
	chunk := port.NewChunk(256 << 10)
	port.Deliver(1, chunk, 0, copy(chunk.Data, frame))
	port.Release(chunk)
	// What is given back is used again at once, and must not be this one.
	for range 20 {
		other := port.NewChunk(256 << 10)
		clear(other.Data)
		port.Release(other)
	}
	requireItems(t, []Item{{Message: &Message{1, "channel", pattern(1000)}}}, p.Drain())
}

func writesBehind(t *testing.T, p Program) {
	port := p.Port()
	var want []Item
	chunk := port.NewChunk(256 << 10)
	for at, size := 0, 1; at+size+100 < len(chunk.Data); size += 500 {
		end := at + copy(chunk.Data[at:], Frame("channel", pattern(size)))
		port.Deliver(2, chunk, at, end)
		want = append(want, Item{Message: &Message{2, "channel", pattern(size)}})
		at = end
	}
	port.Release(chunk)
	requireItems(t, want, p.Drain())
}

func channels(t *testing.T, p Program) {
	var want []Item
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 20_000 {
		name := fmt.Sprint(random.IntN(3000))
		switch i % 1000 {
		case 0:
			name = ""
		case 1:
			name = string(bytes.Repeat([]byte("c"), 255))
		case 2:
			name = "\xff\x00\xfe"
		}
		p.Port().DeliverOne(uint32(i), name, []byte{byte(i)})
		want = append(want, Item{Message: &Message{uint32(i), name, []byte{byte(i)}}})
	}
	requireItems(t, want, p.Drain())
}
