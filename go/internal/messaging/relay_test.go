package messaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

// newRelayedHost listens nowhere by itself until it is told to.
func newRelayedHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay(), libp2p.DisableMetrics(), libp2p.UserAgent(UserAgent+"test"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// meetThroughRelay makes two ends that are connected by way of a relay alone.
func meetThroughRelay(t *testing.T, limit *relay.RelayLimit) (a, b *end) {
	t.Helper()
	a, b = newEndOn(t, newRelayedHost(t)), newEndOn(t, newRelayedHost(t))
	connectThroughRelay(t, limit, a.host, b.host)
	return a, b
}

// connectThroughRelay connects two hosts by way of a relay alone.
func connectThroughRelay(t *testing.T, limit *relay.RelayLimit, a, b host.Host) {
	t.Helper()
	relayHost := newHost(t, "/ip4/127.0.0.1/tcp/0")
	resources := relay.DefaultResources()
	resources.Limit = limit
	service, err := relay.New(relayHost, relay.WithResources(resources))
	require.NoError(t, err)
	t.Cleanup(func() { _ = service.Close() })
	info := peer.AddrInfo{ID: relayHost.ID(), Addrs: relayHost.Addrs()}
	require.NoError(t, a.Connect(t.Context(), info))
	require.NoError(t, b.Connect(t.Context(), info))
	_, err = client.Reserve(t.Context(), b, info)
	require.NoError(t, err)
	circuit := relayHost.Addrs()[0].Encapsulate(ma.StringCast("/p2p/" + relayHost.ID().String() + "/p2p-circuit"))
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	require.NoError(t, a.Connect(ctx, peer.AddrInfo{ID: b.ID(), Addrs: []ma.Multiaddr{circuit}}))
}

// connectDirectly lets one host listen and the other dial it.
func connectDirectly(t *testing.T, a, b host.Host) {
	t.Helper()
	require.NoError(t, b.Network().Listen(ma.StringCast("/ip4/127.0.0.1/udp/0/quic-v1")))
	listening, err := b.Network().InterfaceListenAddresses()
	require.NoError(t, err)
	a.Peerstore().AddAddrs(b.ID(), listening, peerstore.PermanentAddrTTL)
	ctx := network.WithForceDirectDial(t.Context(), "test")
	require.NoError(t, a.Connect(ctx, peer.AddrInfo{ID: b.ID()}))
}

func TestALimitedCircuitTakesWhatWillArriveAndRefusesTheRest(t *testing.T) {
	a, b := meetThroughRelay(t, relay.DefaultLimit())
	limited, err := a.OpenOutlet(t.Context(), 1, b.host.ID())
	require.NoError(t, err)
	require.True(t, limited)
	payload := bytes.Repeat([]byte{7}, 16<<10)
	taken := 0
	for range 10 {
		written := a.port.WrittenBytes()
		a.send(1, payload)
		a.await(t, "the frame to be dealt with", func() bool { return a.port.WrittenBytes() > written })
		select {
		case down := <-a.events.down:
			require.Equal(t, boundary.RelayLimit, down.err.Code)
			require.Equal(t, 1, down.messages)
		default:
			taken++
		}
	}
	require.Equal(t, 6, taken, "128 KiB hold six, with what else goes over the circuit")
	// A small one still fits.
	a.send(1, []byte("last"))
	messages := b.awaitMessages(t, taken+1)
	require.Equal(t, []byte("last"), messages[taken].Payload)
}

func TestACircuitAboutToEndTakesNothingMore(t *testing.T) {
	a, b := meetThroughRelay(t, &relay.RelayLimit{Duration: circuitMargin, Data: 1 << 20})
	_, err := a.OpenOutlet(t.Context(), 1, b.host.ID())
	require.NoError(t, err)
	a.send(1, []byte("too late"))
	require.Equal(t, boundary.RelayLimit, (<-a.events.down).err.Code)
}

func TestACircuitWithoutLimitsTakesEverything(t *testing.T) {
	a, b := meetThroughRelay(t, nil)
	limited, err := a.OpenOutlet(t.Context(), 1, b.host.ID())
	require.NoError(t, err)
	require.False(t, limited)
	for range 20 {
		a.send(1, make([]byte, 16<<10))
	}
	b.awaitMessages(t, 20)
}

// numbered sends numbers from one end to the other until stop is closed, and says how many.
func numbered(from *end, outlet uint32, stop <-chan struct{}) (sent func() int) {
	var wg sync.WaitGroup
	count := 0
	wg.Add(1)
	go func() {
		defer wg.Done()
		ticks := time.NewTicker(time.Millisecond)
		defer ticks.Stop()
		for {
			from.send(outlet, binary.BigEndian.AppendUint64(nil, uint64(count)))
			count++
			select {
			case <-ticks.C:
			case <-stop:
				return
			}
		}
	}()
	return func() int { wg.Wait(); return count }
}

func requireNumbers(t *testing.T, to *end, count int) {
	t.Helper()
	for i, message := range to.awaitMessages(t, count) {
		require.Equal(t, uint64(i), binary.BigEndian.Uint64(message.Payload))
	}
	require.Len(t, to.port.Messages(), count)
}

func TestMessagesGoOverToADirectConnectionWithoutLossDoublingOrDisorder(t *testing.T) {
	a, b := meetThroughRelay(t, nil)
	a.open(t, 1, b.host)
	b.open(t, 2, a.host)
	stop := make(chan struct{})
	fromA, fromB := numbered(a, 1, stop), numbered(b, 2, stop)
	b.awaitMessages(t, 100)
	a.awaitMessages(t, 100)
	connectDirectly(t, a.host, b.host)
	require.Eventually(t, func() bool {
		return a.events.opened("quic") && b.events.opened("quic")
	}, 10*time.Second, time.Millisecond)
	have := len(b.port.Messages())
	b.awaitMessages(t, have+100)
	close(stop)
	requireNumbers(t, b, fromA())
	requireNumbers(t, a, fromB())
	require.Equal(t, direct, a.usable(b.host.ID()).base().rank)
	require.Equal(t, direct, b.usable(a.host.ID()).base().rank)
	a.Close(within(t, 20*time.Second))
	require.Zero(t, a.told(), "a switch that went well left something uncertain")
}

// TestNothingIsWrittenToTheBetterPath: a peer that is not one of our nodes takes what two streams bring as it comes.
func TestNothingIsWrittenToTheBetterPathBeforeTheOtherHasBeenRead(t *testing.T) {
	before := switchTimeout
	switchTimeout = time.Minute
	t.Cleanup(func() { switchTimeout = before })
	a, b := newEndOn(t, newRelayedHost(t)), newRelayedHost(t)
	connectThroughRelay(t, nil, a.host, b)
	left, closing, inTime := make(chan struct{}), make(chan struct{}), make(chan bool, 1)
	b.SetStreamHandler(Protocol, func(str network.Stream) {
		defer str.Close()
		if rankOf(str.Conn()) == relayed {
			_, _ = io.Copy(io.Discard, str)
			close(left)
			<-closing
			return
		}
		_, _ = str.Read(make([]byte, 1))
		select {
		case <-closing:
			inTime <- true
		default:
			inTime <- false
		}
		_, _ = io.Copy(io.Discard, str)
	})
	ping.NewPingService(b)
	a.open(t, 1, b)
	a.send(1, []byte("by the relay"))
	connectDirectly(t, a.host, b)
	<-left
	a.send(1, []byte("by the better path"))
	// A message that goes out now comes before all of these.
	answers := ping.Ping(t.Context(), a.host, b.ID())
	for range 50 {
		require.NoError(t, (<-answers).Error)
	}
	close(closing)
	require.True(t, <-inTime)
}

// pipe is a WebRTC channel in memory, which acknowledges what was read.
type pipe struct {
	out, in chan []byte
	ended   chan struct{}
	once    *sync.Once
	mu      sync.Mutex
	open    []int
	other   *pipe
}

func newPipes() (a, b *pipe) {
	first, second := make(chan []byte, 4), make(chan []byte, 4)
	ended, once := make(chan struct{}), &sync.Once{}
	a = &pipe{out: first, in: second, ended: ended, once: once}
	b = &pipe{out: second, in: first, ended: ended, once: once}
	a.other, b.other = b, a
	return a, b
}

func (p *pipe) Tell(Receiving) {}

func (p *pipe) ReadFrame() ([]byte, error) {
	select {
	case frame := <-p.in:
		p.other.mu.Lock()
		p.other.open = p.other.open[1:]
		p.other.mu.Unlock()
		return frame, nil
	case <-p.ended:
		return nil, io.EOF
	}
}

func (p *pipe) WriteFrames(data []byte) (n int, err error) {
	for n < len(data) {
		end := frameEnd(data[n:])
		p.mu.Lock()
		p.open = append(p.open, end)
		p.mu.Unlock()
		select {
		case p.out <- bytes.Clone(data[n : n+end]):
		case <-p.ended:
			return n, io.ErrClosedPipe
		}
		n += end
	}
	return n, nil
}

func (p *pipe) Flush(ctx context.Context) error {
	for {
		if frames, _ := p.Unacknowledged(); frames == 0 {
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-p.ended:
			return io.ErrClosedPipe
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *pipe) Unacknowledged() (frames, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, size := range p.open {
		bytes += size
	}
	return len(p.open), bytes
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.ended) })
	return nil
}

func TestMessagesGoOverToAWebRTCChannelWithoutLossDoublingOrDisorder(t *testing.T) {
	t.Run("one hangs up", func(t *testing.T) { testGoingOverToWebRTC(t, false) })
	t.Run("both hang up", func(t *testing.T) { testGoingOverToWebRTC(t, true) })
}

func testGoingOverToWebRTC(t *testing.T, both bool) {
	a, b := meetThroughRelay(t, nil)
	a.open(t, 1, b.host)
	b.open(t, 2, a.host)
	stop := make(chan struct{})
	fromA, fromB := numbered(a, 1, stop), numbered(b, 2, stop)
	b.awaitMessages(t, 100)
	a.awaitMessages(t, 100)
	ours, theirs := newPipes()
	a.Carry(b.host.ID(), ours)
	b.Carry(a.host.ID(), theirs)
	require.Eventually(t, func() bool {
		return a.usable(b.host.ID()).base().rank == webRTC && b.usable(a.host.ID()).base().rank == webRTC
	}, 10*time.Second, time.Millisecond)
	have := len(b.port.Messages())
	b.awaitMessages(t, have+100)
	close(stop)
	sentByA, sentByB := fromA(), fromB()
	// Also what is under way when one of them hangs up, or both do. What the other has not written yet would open a stream anew.
	b.await(t, "everything to be written", func() bool {
		return b.port.WrittenBytes() == sentByB*len(porttest.Frame("channel", make([]byte, 8)))
	})
	var closing sync.WaitGroup
	closing.Go(func() { a.Close(within(t, 20*time.Second)) })
	if both {
		closing.Go(func() { b.Close(within(t, 20*time.Second)) })
	}
	closing.Wait()
	b.Close(within(t, 20*time.Second))
	requireNumbers(t, b, sentByA)
	requireNumbers(t, a, sentByB)
	require.Zero(t, a.told()+b.told(), "a switch that went well left something uncertain")
}

func TestWhatABrokenChannelHeldIsToldAndTheRestTakesTheRelay(t *testing.T) {
	a, b := meetThroughRelay(t, nil)
	a.open(t, 1, b.host)
	ours, _ := newPipes()
	a.Carry(b.host.ID(), ours)
	require.Eventually(t, func() bool { return a.usable(b.host.ID()).base().rank == webRTC }, 10*time.Second, time.Millisecond)
	a.send(1, []byte("one"), []byte("two"))
	a.await(t, "both to be written", func() bool { return a.port.WrittenBytes() > 0 })
	require.NoError(t, ours.Close())
	lost := <-a.events.lost
	require.Equal(t, Loss{Reason: unconfirmed, Peer: b.host.ID(), Messages: 2, Bytes: lost.Bytes, UpTo: true}, lost)
	a.send(1, []byte("three"))
	require.Equal(t, []byte("three"), b.awaitMessages(t, 1)[0].Payload)
}
