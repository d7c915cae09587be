package messaging

import (
	"bytes"
	"context"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

var cutsUnderTest = flag.Int("cuts", 2000, "how many reads the property test of the reader cuts its frames into")

const largestUnderTest = 8 << 20

// noise is what payloads are parts of.
var noise = func() []byte {
	data := make([]byte, 2*largestUnderTest)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(data)
	return data
}()

// scripted is a stream that brings what its reads say.
type scripted struct {
	network.Stream
	read func(into []byte) (int, error)
	// reset, when set, hears of the end that the reader makes.
	reset func(network.StreamErrorCode)
}

func (s *scripted) Read(into []byte) (int, error) { return s.read(into) }

func (s *scripted) Scope() network.StreamScope { return &network.NullScope{} }

func (s *scripted) SetWriteDeadline(time.Time) error { return nil }

func (s *scripted) ResetWithError(code network.StreamErrorCode) error {
	s.reset(code)
	return nil
}

// bareReader is a reader of a scripted stream, without a host.
func bareReader(t *testing.T, read func(into []byte) (int, error)) (*reader, *porttest.Port) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	port := porttest.New()
	s := &Service{Config: Config{MaxMessageSize: maxMessage, Port: port}, ctx: ctx, unfinished: newUnfinished(UnfinishedMemory)}
	remote := &remote{budget: budget{all: &allowance{most: DefaultUnread}}}
	return newReader(s, &stream{Stream: &scripted{read: read}, line: &line{remote: remote, ctx: ctx, cancel: cancel}}), port
}

// logarithmic is a number from 1 to most, of each magnitude as often.
func logarithmic(random *rand.Rand, most int) int {
	return int(math.Exp(random.Float64() * math.Log(float64(most)+1)))
}

// cutter brings frames in reads of any size; what it has brought is in payloads.
type cutter struct {
	random *rand.Rand
	// magnitude is the largest read of this round.
	magnitude int
	// left frames are still to come, and may be cut into as many reads.
	left  int
	reads int
	data  []byte
	// payloads waits to be compared with what is received.
	payloads [][]byte
}

func newCutter(random *rand.Rand) *cutter {
	return &cutter{random: random, magnitude: logarithmic(random, 4<<20), left: 1 + random.IntN(40), reads: 400}
}

func (c *cutter) frame() {
	size := logarithmic(c.random, largestUnderTest)
	at := c.random.IntN(len(noise) - size)
	payload := noise[at : at+size]
	c.payloads = append(c.payloads, payload)
	c.data = append(c.data, porttest.Frame("channel", payload)...)
	c.left--
}

func (c *cutter) read(into []byte) (int, error) {
	if len(into) == 0 {
		panic("a read into nothing")
	}
	want := min(len(into), logarithmic(c.random, c.magnitude))
	if c.reads--; c.reads < 0 {
		want = len(into)
	}
	for len(c.data) < want && c.left > 0 {
		c.frame()
	}
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(into[:want], c.data)
	c.data = c.data[n:]
	return n, nil
}

// The bridge once handed out larger chunks than asked for, and the end of a large frame came with the beginning of another: 28 of 1,600
// messages of 0.3 to 2 MB were lost over QUIC.
func TestFramesOfAnySizesArriveWholeHoweverReadsCutThem(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for cuts := 0; cuts < *cutsUnderTest; {
		cutter := newCutter(random)
		r, port := bareReader(t, func(into []byte) (int, error) {
			cuts++
			return cutter.read(into)
		})
		program := startProgram(r, port)
		require.ErrorIs(t, r.run(), io.EOF, "seed %d", seed)
		r.close()
		received := program.end()
		require.Len(t, received, len(cutter.payloads), "seed %d", seed)
		for i, payload := range received {
			require.True(t, bytes.Equal(cutter.payloads[i], payload), "message %d, seed %d", i, seed)
		}
		require.Zero(t, port.Chunks())
	}
}

// frugal sees that no more memory is asked for than what came justifies.
type frugal struct {
	boundary.Port
	t    *testing.T
	came *int
}

func (p frugal) NewChunk(size int) boundary.Chunk {
	require.LessOrEqual(p.t, size, max(chunkSize, 2**p.came))
	return p.Port.NewChunk(size)
}

func (p frugal) Grow(chunk boundary.Chunk, used, size int) boundary.Chunk {
	require.LessOrEqual(p.t, size, 2**p.came)
	return p.Port.Grow(chunk, used, size)
}

// The Python node allocates an announced length before any byte of it has come (its fault 7.11).
func TestAnAnnouncedLengthTakesNoMemoryBeforeItsBytesCome(t *testing.T) {
	frame := porttest.Frame("channel", noise[:3<<20])
	came := 0
	r, port := bareReader(t, func(into []byte) (int, error) {
		if came == len(frame) {
			return 0, io.EOF
		}
		n := copy(into[:min(len(into), 100_000)], frame[came:])
		came += n
		return n, nil
	})
	r.s.Port = frugal{port, t, &came}
	require.ErrorIs(t, r.run(), io.EOF)
	require.Len(t, port.Messages(), 1)
}

// The memory of a large message is not kept for the small ones that follow.
func TestAfterALargeMessageAStreamHoldsAChunkOfTheUsualSizeAgain(t *testing.T) {
	came := append(porttest.Frame("channel", noise[:3<<20]), porttest.Frame("channel", noise[:10])...)
	r, port := bareReader(t, nil)
	asked := 0
	r.s.Port = asking{port, &asked}
	r.str.Stream.(*scripted).read = func(into []byte) (int, error) {
		if len(came) == 0 {
			require.Equal(t, chunkSize, asked)
			require.Equal(t, chunkSize, r.reserved)
			return 0, io.EOF
		}
		n := copy(into, came)
		came = came[n:]
		return n, nil
	}
	require.ErrorIs(t, r.run(), io.EOF)
	require.Len(t, port.Messages(), 2)
}

// asking remembers what was asked for last.
type asking struct {
	boundary.Port
	last *int
}

func (p asking) NewChunk(size int) boundary.Chunk {
	*p.last = size
	return p.Port.NewChunk(size)
}

func (p asking) Grow(chunk boundary.Chunk, used, size int) boundary.Chunk {
	*p.last = size
	return p.Port.Grow(chunk, used, size)
}

// program consumes what a bare reader delivers, now and then.
type program struct {
	r        *reader
	port     *porttest.Port
	received [][]byte
	over     chan struct{}
	ended    chan struct{}
}

func startProgram(r *reader, port *porttest.Port) *program {
	p := &program{r: r, port: port, over: make(chan struct{}), ended: make(chan struct{})}
	changed := port.Changed()
	go func() {
		defer close(p.ended)
		for {
			select {
			case <-changed:
				changed = port.Changed()
				if r.str.remote.budget.holds() || rand.IntN(4) == 0 {
					p.take()
				}
			case <-p.over:
				p.take()
				return
			}
		}
	}()
	return p
}

func (p *program) take() {
	for _, message := range p.port.TakeMessages() {
		p.received = append(p.received, message.Payload)
		p.r.str.remote.budget.give(len(message.Payload) + boundary.MessageOverhead)
	}
}

func (p *program) end() [][]byte {
	close(p.over)
	<-p.ended
	return p.received
}

func TestWhatComesBeforeARefusedFrameIsDelivered(t *testing.T) {
	good := porttest.Frame("channel", []byte("good"))
	for reason, bad := range map[string][]byte{
		reasonTooLarge:  {0xff, 0, 0, 0},
		reasonMalformed: {0, 0, 0, 1, 0},
	} {
		t.Run(reason, func(t *testing.T) {
			burst := append(bytes.Repeat(good, 47), bad...)
			burst = append(burst, good...)
			r, port := bareReader(t, func(into []byte) (int, error) { return copy(into, burst), nil })
			var refused *refusal
			require.ErrorAs(t, r.run(), &refused)
			require.Equal(t, reason, refused.loss().Reason)
			require.Len(t, port.Messages(), 47)
		})
	}
}

// timedOut is what quic-go and yamux say of a connection that has timed out.
type timedOut struct{ error }

func (timedOut) Timeout() bool   { return true }
func (timedOut) Temporary() bool { return true }

// A peer that had vanished made the library read for ever: the idle time-out of QUIC was taken for a deadline of the reader's own.
func TestNoErrorOfAStreamIsReadOverWhateverItSaysOfItself(t *testing.T) {
	for name, began := range map[string][]byte{"between frames": nil, "within a frame": {0, 0, 1}} {
		t.Run(name, func(t *testing.T) {
			reads := 0
			gone := timedOut{io.ErrNoProgress}
			r, _ := bareReader(t, func(into []byte) (int, error) {
				reads++
				return copy(into, began), gone
			})
			require.Equal(t, gone, r.run())
			require.Equal(t, 1, reads)
		})
	}
}
