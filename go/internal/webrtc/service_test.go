package webrtc

import (
	"bytes"
	"context"
	"encoding/binary"
	"runtime"
	"slices"
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
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

type side struct {
	*Service
	opened chan *Channel
	// gate holds Changed up.
	gate    sync.Mutex
	mu      sync.Mutex
	changes [][]Connection
}

func newSide(t testing.TB, h host.Host, wait time.Duration) *side {
	t.Helper()
	x := &side{opened: make(chan *Channel, 100)}
	service, err := New(h, Config{
		IPs: []string{"127.0.0.1"}, Wait: wait,
		Open: func(_ peer.ID, c *Channel) { x.opened <- c },
		Changed: func(connections []Connection) {
			x.gate.Lock()
			defer x.gate.Unlock()
			x.mu.Lock()
			defer x.mu.Unlock()
			x.changes = append(x.changes, connections)
		},
	})
	require.NoError(t, err)
	t.Cleanup(service.Close)
	x.Service = service
	return x
}

func (x *side) next(t testing.TB) *Channel {
	t.Helper()
	select {
	case c := <-x.opened:
		return c
	case <-time.After(30 * time.Second):
		t.Fatal("no channel was opened")
		return nil
	}
}

func (x *side) last() []Connection {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.changes) == 0 {
		return nil
	}
	return x.changes[len(x.changes)-1]
}

// toldOf says whether there was ever told of one connection alone.
func (x *side) toldOf(connection Connection) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.ContainsFunc(x.changes, func(told []Connection) bool { return slices.Equal(told, []Connection{connection}) })
}

func (x *side) awaitTold(t testing.TB, connections ...Connection) {
	t.Helper()
	require.Eventually(t, func() bool { return slices.Equal(connections, x.last()) }, 30*time.Second, time.Millisecond)
}

func newHost(t testing.TB, options ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append(options, libp2p.DisableMetrics(), libp2p.UserAgent("unaiverse-p2p/test"))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// relayed makes two hosts, the first of which can dial the second by way of a relay alone.
func relayed(t testing.TB) (a, b host.Host, dial func(from, to host.Host)) {
	t.Helper()
	relayHost := newHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	service, err := relay.New(relayHost)
	require.NoError(t, err)
	t.Cleanup(func() { _ = service.Close() })
	info := peer.AddrInfo{ID: relayHost.ID(), Addrs: relayHost.Addrs()}
	circuit := relayHost.Addrs()[0].Encapsulate(ma.StringCast("/p2p/" + relayHost.ID().String() + "/p2p-circuit"))
	hosts := []host.Host{newHost(t, libp2p.NoListenAddrs, libp2p.EnableRelay()), newHost(t, libp2p.NoListenAddrs, libp2p.EnableRelay())}
	for _, h := range hosts {
		require.NoError(t, h.Connect(t.Context(), info))
		_, err = client.Reserve(t.Context(), h, info)
		require.NoError(t, err)
	}
	return hosts[0], hosts[1], func(from, to host.Host) {
		ctx := network.WithAllowLimitedConn(t.Context(), "test")
		require.NoError(t, from.Connect(ctx, peer.AddrInfo{ID: to.ID(), Addrs: []ma.Multiaddr{circuit}}))
	}
}

// channels makes two sides with an open channel.
func channels(t testing.TB) (a, b *side, ours, theirs *Channel) {
	t.Helper()
	ha, hb, dial := relayed(t)
	a, b = newSide(t, ha, 0), newSide(t, hb, 0)
	dial(ha, hb)
	return a, b, a.next(t), b.next(t)
}

func frame(payload []byte) []byte {
	body := append([]byte{1, 'c'}, payload...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestFramesOfEverySizeGoBothWaysWholeAndInOrder(t *testing.T) {
	a, b, ours, theirs := channels(t)
	a.awaitTold(t, Connection{b.host.ID(), true})
	b.awaitTold(t, Connection{a.host.ID(), true})
	var want [][]byte
	for i, size := range []int{1, 2, 100, maxChunk - 8, maxChunk - 7, maxChunk - 6, 2 * maxChunk, 1 << 20} {
		want = append(want, frame(bytes.Repeat([]byte{byte(i)}, size)))
	}
	for i := range 6 {
		want = append(want, frame(bytes.Repeat([]byte{byte(100 + i)}, 1<<20)))
	}
	for _, way := range [][2]*Channel{{ours, theirs}, {theirs, ours}} {
		sent := make(chan error, 1)
		go func() {
			_, err := way[0].WriteFrames(bytes.Join(want, nil))
			sent <- err
		}()
		for _, expected := range want {
			got, err := way[1].ReadFrame()
			require.NoError(t, err)
			require.True(t, bytes.Equal(expected, got))
		}
		require.NoError(t, <-sent)
		require.NoError(t, way[0].Flush(t.Context()))
		frames, left := way[0].Unacknowledged()
		require.Zero(t, frames)
		require.Zero(t, left)
	}
}

func TestASenderWaitsWhileNobodyReads(t *testing.T) {
	_, _, ours, theirs := channels(t)
	const count = 12
	written := make(chan int, count)
	go func() {
		for i := range count {
			_, _ = ours.WriteFrames(frame(bytes.Repeat([]byte{byte(i)}, 1<<20)))
			written <- i
		}
	}()
	require.Eventually(t, func() bool {
		before := len(written)
		time.Sleep(300 * time.Millisecond)
		return len(written) == before
	}, 20*time.Second, time.Millisecond)
	require.Less(t, len(written), 8, "the windows of both sides hold about 2 MiB")
	for i := range count {
		got, err := theirs.ReadFrame()
		require.NoError(t, err)
		require.Equal(t, byte(i), got[10])
	}
}

func TestWhatIsSentAtOnceIsNotLost(t *testing.T) {
	for range 10 {
		_, _, ours, theirs := channels(t)
		for _, way := range [][2]*Channel{{ours, theirs}, {theirs, ours}} {
			_, err := way[0].WriteFrames(frame([]byte("first")))
			require.NoError(t, err)
			got, err := way[1].ReadFrame()
			require.NoError(t, err)
			require.Equal(t, frame([]byte("first")), got)
		}
	}
}

func TestOffersThatCrossLeaveOneChannel(t *testing.T) {
	for range 5 {
		ha, hb, dial := relayed(t)
		dial(ha, hb)
		// A second connection, so that both have dialled.
		ctx := network.WithAllowLimitedConn(t.Context(), "test")
		circuit := ha.Network().ConnsToPeer(hb.ID())[0].RemoteMultiaddr()
		hb.Peerstore().AddAddrs(ha.ID(), []ma.Multiaddr{circuit}, peerstore.PermanentAddrTTL)
		_ = hb.Connect(ctx, peer.AddrInfo{ID: ha.ID()})
		a, b := newSide(t, ha, 0), newSide(t, hb, 0)
		ours, theirs := a.next(t), b.next(t)
		a.awaitTold(t, Connection{hb.ID(), true})
		b.awaitTold(t, Connection{ha.ID(), true})
		require.Empty(t, a.opened)
		require.Empty(t, b.opened)
		_, err := ours.WriteFrames(frame([]byte("one")))
		require.NoError(t, err)
		got, err := theirs.ReadFrame()
		require.NoError(t, err)
		require.Equal(t, frame([]byte("one")), got)
	}
}

func TestAChannelOutlivesTheConnectionThatMadeIt(t *testing.T) {
	a, b, ours, theirs := channels(t)
	require.NoError(t, a.host.Network().ClosePeer(b.host.ID()))
	require.Eventually(t, func() bool { return len(b.host.Network().ConnsToPeer(a.host.ID())) == 0 }, 10*time.Second, time.Millisecond)
	_, err := ours.WriteFrames(frame([]byte("still here")))
	require.NoError(t, err)
	got, err := theirs.ReadFrame()
	require.NoError(t, err)
	require.Equal(t, frame([]byte("still here")), got)
}

func TestAChannelThatOneSideClosesEndsOnTheOtherAndIsMadeAnew(t *testing.T) {
	a, b, ours, theirs := channels(t)
	_, err := ours.WriteFrames(frame([]byte("last words")))
	require.NoError(t, err)
	require.NoError(t, ours.Flush(t.Context()))
	require.NoError(t, ours.Close())
	got, err := theirs.ReadFrame()
	require.NoError(t, err)
	require.Equal(t, frame([]byte("last words")), got)
	_, err = theirs.ReadFrame()
	require.Error(t, err)
	again, other := a.next(t), b.next(t)
	_, err = again.WriteFrames(frame([]byte("anew")))
	require.NoError(t, err)
	got, err = other.ReadFrame()
	require.NoError(t, err)
	require.Equal(t, frame([]byte("anew")), got)
}

func TestNothingIsOfferedWhileThereIsADirectConnection(t *testing.T) {
	ha, hb, dial := relayed(t)
	a, _ := newSide(t, ha, 5*time.Second), newSide(t, hb, 0)
	require.NoError(t, hb.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0")))
	listening, err := hb.Network().InterfaceListenAddresses()
	require.NoError(t, err)
	attempts := func() bool {
		a.Service.mu.Lock()
		defer a.Service.mu.Unlock()
		return a.peers[hb.ID()] != nil
	}
	dial(ha, hb)
	require.Eventually(t, attempts, 10*time.Second, time.Millisecond)
	direct := network.WithForceDirectDial(t.Context(), "test")
	require.NoError(t, ha.Connect(direct, peer.AddrInfo{ID: hb.ID(), Addrs: listening}))
	require.Eventually(t, func() bool { return !attempts() }, 10*time.Second, time.Millisecond)
	require.Empty(t, a.opened)
}

func TestTooManyHandshakesAndNonsenseAreRefused(t *testing.T) {
	ha, hb, dial := relayed(t)
	b := newSide(t, hb, 0)
	dial(ha, hb)
	say := func(message signal) signal {
		str, err := ha.NewStream(network.WithAllowLimitedConn(t.Context(), "test"), hb.ID(), Protocol)
		require.NoError(t, err)
		defer str.Close()
		require.NoError(t, writeSignal(str, message))
		reply, err := readSignal(str)
		require.NoError(t, err)
		return reply
	}
	require.Equal(t, "error", say(signal{Type: "answer"}).Type)
	require.Equal(t, "error", say(signal{Type: "offer", SDP: "nonsense"}).Type)
	for range maxHandshakes {
		b.answering <- struct{}{}
	}
	require.Contains(t, say(signal{Type: "offer"}).Message, "too many")
}

func TestAnAttemptThatFailsIsMadeAgain(t *testing.T) {
	ha, hb, dial := relayed(t)
	refused := make(chan struct{}, 10)
	hb.SetStreamHandler(Protocol, func(str network.Stream) {
		_, _ = readSignal(str)
		_ = writeSignal(str, signal{Type: "error", Message: "not now"})
		_ = str.Close()
		refused <- struct{}{}
	})
	a := newSide(t, ha, 0)
	dial(ha, hb)
	<-refused
	newSide(t, hb, 0)
	a.next(t)
}

func TestDisconnectAndCloseLeaveNothingRunning(t *testing.T) {
	ha, hb, dial := relayed(t)
	dial(ha, hb)
	require.Eventually(t, func() bool {
		known, _ := ha.Peerstore().SupportsProtocols(hb.ID(), "/ipfs/ping/1.0.0")
		return len(known) > 0
	}, 10*time.Second, time.Millisecond)
	before := runtime.NumGoroutine()
	for range 3 {
		a, b := newSide(t, ha, 0), newSide(t, hb, time.Hour)
		a.consider(hb.ID())
		a.next(t)
		theirs := b.next(t)
		a.Disconnect(hb.ID())
		_, err := theirs.ReadFrame()
		require.Error(t, err)
		a.Close()
		b.Close()
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 10*time.Second, 10*time.Millisecond)
}

func TestFlushEndsWithItsContext(t *testing.T) {
	_, _, ours, _ := channels(t)
	go func() {
		for range 8 {
			_, _ = ours.WriteFrames(frame(make([]byte, 1<<20)))
		}
	}()
	require.Eventually(t, func() bool { return ours.dc.BufferedAmount() > highWater }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, ours.Flush(ctx), context.DeadlineExceeded)
	frames, left := ours.Unacknowledged()
	require.Positive(t, frames)
	require.Positive(t, left)
	require.NoError(t, ours.Close())
	after, _ := ours.Unacknowledged()
	require.Positive(t, after)
}

func TestFramesAreReceivedAndSentWithoutABufferEach(t *testing.T) {
	_, _, ours, theirs := channels(t)
	const count = 2000
	one := frame(make([]byte, 100))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sent := make(chan error, 1)
	go func() {
		for range count {
			if _, err := ours.WriteFrames(one); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for range count {
		_, err := theirs.ReadFrame()
		require.NoError(t, err)
	}
	require.NoError(t, <-sent)
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/count, uint64(maxChunk/2))
}
