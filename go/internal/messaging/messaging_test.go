package messaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

const maxMessage = 50 << 20

type events struct {
	mu     sync.Mutex
	closed []uint32
	// transports are those of the inlets that were opened.
	transports []string
	// limited is what was told of outlets, in order.
	limited []bool
	down    chan downEvent
	lost    chan Loss
}

type downEvent struct {
	outlet          uint32
	err             *boundary.Error
	messages, bytes int
}

func (e *events) InletOpened(_ uint32, _ peer.ID, transport string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.transports = append(e.transports, transport)
}

// opened says whether messages came by a transport.
func (e *events) opened(transport string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.transports, transport)
}

func (e *events) InletClosed(inlet uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = append(e.closed, inlet)
}

func (e *events) OutletDown(outlet uint32, _ peer.ID, err *boundary.Error, messages, bytes int) {
	e.down <- downEvent{outlet, err, messages, bytes}
}

func (e *events) Lost(loss Loss) { e.lost <- loss }

func (e *events) OutletLimited(_ uint32, limited bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.limited = append(e.limited, limited)
}

type end struct {
	*Service
	port   *porttest.Port
	events *events
}

func newHost(t *testing.T, listen string) host.Host { return newHostOf(t, listen, UserAgent+"test") }

func newHostOf(t *testing.T, listen, agent string) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings(listen), libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.UserAgent(agent))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func newEnd(t *testing.T, listen string) *end {
	t.Helper()
	return newEndOn(t, newHost(t, listen))
}

func newEndOn(t *testing.T, h host.Host) *end {
	t.Helper()
	e := &end{port: porttest.New(), events: &events{down: make(chan downEvent, 100), lost: make(chan Loss, 1000)}}
	dial := func(ctx context.Context, p peer.ID) error { return h.Connect(ctx, peer.AddrInfo{ID: p}) }
	e.Service = New(h, Config{
		MaxMessageSize: maxMessage, Unread: DefaultUnread, UnfinishedMemory: UnfinishedMemory, Port: e.port, Events: e.events, Dial: dial,
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		e.Close(ctx)
	})
	return e
}

// meet makes two ends that know each other's addresses.
func meet(t *testing.T, listen string) (a, b *end) {
	a, b = newEnd(t, listen), newEnd(t, listen)
	a.host.Peerstore().AddAddrs(b.host.ID(), b.host.Addrs(), peerstore.PermanentAddrTTL)
	b.host.Peerstore().AddAddrs(a.host.ID(), a.host.Addrs(), peerstore.PermanentAddrTTL)
	return a, b
}

func (e *end) open(t *testing.T, outlet uint32, to host.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := e.OpenOutlet(ctx, outlet, to.ID())
	require.NoError(t, err)
}

func (e *end) send(outlet uint32, payloads ...[]byte) {
	var data []byte
	for _, payload := range payloads {
		data = append(data, porttest.Frame("channel", payload)...)
	}
	e.Enqueue(boundary.Frames{Outlet: outlet, Data: data})
}

// await waits until the condition holds after one of the port's changes.
func (e *end) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		changed := e.port.Changed()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (e *end) awaitMessages(t *testing.T, count int) []porttest.Message {
	t.Helper()
	e.await(t, fmt.Sprintf("%d messages", count), func() bool { return len(e.port.Messages()) >= count })
	return e.port.Messages()
}

var transportsUnderTest = map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"}

func TestMessagesOfEverySizeArriveWholeAndInOrder(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			sizes := []int{1, 2, 100, 1 << 10, 65_000, 65_536, 70_000, 256 << 10, 262_000, 300_000, 1 << 20, 5 << 20, 1, 3}
			var want [][]byte
			for i, size := range sizes {
				payload := bytes.Repeat([]byte{byte(i + 1)}, size)
				want = append(want, payload)
				a.send(1, payload)
			}
			for inlet := 0; ; inlet++ {
				messages := b.awaitMessages(t, min(inlet+1, len(want)))
				for _, message := range messages[inlet:] {
					require.True(t, bytes.Equal(want[inlet], message.Payload), "message %d", inlet)
					require.Equal(t, "channel", message.Channel)
					b.Credit(message.Inlet, len(message.Payload)+boundary.MessageOverhead)
					inlet++
				}
				if inlet >= len(want) {
					break
				}
				inlet--
			}
		})
	}
}

func TestManyFramesOfOneWriteArriveAsManyMessages(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	var payloads [][]byte
	for i := range 5000 {
		payloads = append(payloads, fmt.Appendf(nil, "message %d", i))
	}
	for batch := range slices.Chunk(payloads, 100) {
		a.send(1, batch...)
	}
	for i, message := range b.awaitMessages(t, len(payloads)) {
		require.Equal(t, payloads[i], message.Payload)
	}
}

func TestTheReplyTakesTheStreamThatTheOtherSideOpened(t *testing.T) {
	a, b := meet(t, transportsUnderTest["quic"])
	a.open(t, 1, b.host)
	a.send(1, []byte("question"))
	b.awaitMessages(t, 1)
	b.open(t, 1, a.host)
	b.send(1, []byte("answer"))
	a.awaitMessages(t, 1)
	require.Len(t, a.pathsOf(a.peers[b.host.ID()]), 1)
	require.Len(t, b.pathsOf(b.peers[a.host.ID()]), 1)
}

// The Python node lets two senders write to one stream at once: their frames interleave and corrupt each other (its fault 7.1).
func TestMessagesKeepTheirOrderWhenThePeerHasOpenedStreamsToo(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	for range 4 {
		str, err := b.host.NewStream(t.Context(), a.host.ID(), Protocol)
		require.NoError(t, err)
		b.attach(str)
	}
	streams := func() int {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.peers[b.host.ID()].paths)
	}
	require.Eventually(t, func() bool { return streams() == 5 }, 10*time.Second, time.Millisecond)
	for i := range 200 {
		a.send(1, []byte{byte(i)})
	}
	for i, message := range b.awaitMessages(t, 200) {
		require.Equal(t, []byte{byte(i)}, message.Payload)
	}
}

func TestFramesOfTwoOutletsNeverInterleave(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	a.open(t, 2, b.host)
	const rounds = 6
	for i := range rounds {
		a.send(1, bytes.Repeat([]byte{1}, 4<<20))
		a.send(2, bytes.Repeat([]byte{2}, 1<<20+i))
	}
	for seen := 0; seen < 2*rounds; {
		messages := b.awaitMessages(t, seen+1)
		for _, message := range messages[seen:] {
			first := message.Payload[0]
			require.Equal(t, len(message.Payload), bytes.Count(message.Payload, []byte{first}), "a message holds bytes of another")
			b.Credit(message.Inlet, len(message.Payload)+boundary.MessageOverhead)
			seen++
		}
	}
}

func TestAReaderStopsAtTheWindowAndLosesNothing(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	payload := make([]byte, 64<<10)
	const count = 600
	for i := range count {
		binary.BigEndian.PutUint32(payload, uint32(i))
		a.send(1, payload)
	}
	cost := len(payload) + boundary.MessageOverhead
	b.await(t, "a full window", func() bool { return len(b.port.Messages())*cost >= boundary.Window })
	limit := boundary.Window/cost + chunkSize/len(payload) + 1
	require.LessOrEqual(t, len(b.port.Messages()), limit)
	for taken := 0; taken < count; taken++ {
		message := b.awaitMessages(t, taken+1)[taken]
		require.EqualValues(t, taken, binary.BigEndian.Uint32(message.Payload))
		require.LessOrEqual(t, len(b.port.Messages())-taken, limit)
		b.Credit(message.Inlet, cost)
	}
}

func TestWhatWasNotWrittenGoesOutOnANewStream(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	a.send(1, []byte("before"))
	b.awaitMessages(t, 1)
	for _, conn := range a.host.Network().ConnsToPeer(b.host.ID()) {
		require.NoError(t, conn.Close())
	}
	a.send(1, []byte("after"))
	require.Equal(t, []byte("after"), b.awaitMessages(t, 2)[1].Payload)
}

func TestAPeerThatIsGoneIsReportedWithWhatWasLost(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	a.send(1, []byte("one"))
	b.awaitMessages(t, 1)
	require.NoError(t, b.host.Close())
	down := <-a.events.down
	require.Zero(t, down.messages)
	a.send(1, []byte("two"), []byte("three"))
	for down.messages == 0 {
		down = <-a.events.down
	}
	require.Equal(t, 2, down.messages)
	require.NotEmpty(t, down.err.Message)
}

func TestAnUnknownPeerAndOneWithoutTheProtocolAreTwoErrors(t *testing.T) {
	a := newEnd(t, transportsUnderTest["tcp"])
	plain := newHost(t, transportsUnderTest["tcp"])
	var coded *boundary.Error
	_, err := a.OpenOutlet(t.Context(), 1, plain.ID())
	require.ErrorAs(t, err, &coded)
	require.Equal(t, boundary.DialFailed, coded.Code)
	require.NoError(t, a.host.Connect(t.Context(), peer.AddrInfo{ID: plain.ID(), Addrs: plain.Addrs()}))
	_, err = a.OpenOutlet(t.Context(), 2, plain.ID())
	require.ErrorAs(t, err, &coded)
	require.Equal(t, boundary.ProtocolUnsupported, coded.Code)
	_, err = a.OpenOutlet(t.Context(), 3, a.host.ID())
	require.ErrorAs(t, err, &coded)
	require.Equal(t, boundary.PeerSelf, coded.Code)
}

func TestHangingUpWaitsUntilThePeerHasReadEverything(t *testing.T) {
	a, b := meet(t, transportsUnderTest["quic"])
	a.open(t, 1, b.host)
	const count = 40
	for i := range count {
		a.send(1, bytes.Repeat([]byte{byte(i)}, 50_000))
	}
	a.HangUp(t.Context(), b.host.ID())
	require.NoError(t, a.host.Close())
	b.awaitMessages(t, count)
}

func TestClosingLeavesNoChunkAndNoStream(t *testing.T) {
	a, b := meet(t, transportsUnderTest["quic"])
	a.open(t, 1, b.host)
	b.open(t, 1, a.host)
	for range 100 {
		a.send(1, []byte("to b"))
		b.send(1, []byte("to a"))
	}
	a.awaitMessages(t, 100)
	b.awaitMessages(t, 100)
	a.Close(t.Context())
	b.Close(t.Context())
	require.Zero(t, a.port.Chunks())
	require.Zero(t, b.port.Chunks())
	require.Equal(t, a.port.WrittenBytes(), 100*len(porttest.Frame("channel", []byte("to b"))))
}

func FuzzTheReaderTakesAnySplitOfAnyFrames(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, seed uint64, raw []byte) {
		random := rand.New(rand.NewPCG(seed, 0))
		var data []byte
		count := 1 + random.IntN(20)
		for range count {
			data = append(data, porttest.Frame("c", append([]byte{1}, raw...))...)
		}
		frames, end := countFrames(data, len(data))
		if frames != count || end != len(data) {
			t.Fatalf("counted %d frames of %d in %d of %d bytes", frames, count, end, len(data))
		}
		cut := random.IntN(len(data) + 1)
		_, end = countFrames(data, cut)
		if end > cut {
			t.Fatal("a frame ends behind the cut")
		}
		if _, _, err := frameAt(data[end:cut], maxMessage); err != nil {
			t.Fatalf("%v at %d", err, end)
		}
	})
}

var _ io.Reader = (*stream)(nil)
