package webrtc

import (
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// stateOf is what a service does for a peer.
func (x *side) stateOf(p peer.ID) state {
	x.Service.mu.Lock()
	defer x.Service.mu.Unlock()
	return x.remoteLocked(p).state
}

func (x *side) awaitState(t *testing.T, p peer.ID, wanted state) {
	t.Helper()
	require.Eventually(t, func() bool { return x.stateOf(p) == wanted }, 30*time.Second, time.Millisecond)
}

// ask opens a stream of the signalling and says nothing on it.
func ask(t *testing.T, from, to host.Host) network.Stream {
	t.Helper()
	str, err := from.NewStream(network.WithAllowLimitedConn(t.Context(), "test"), to.ID(), Protocol)
	require.NoError(t, err)
	t.Cleanup(func() { _ = str.Reset() })
	require.NoError(t, str.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = str.Write(nil)
	require.NoError(t, err)
	return str
}

// refusalOf is the answer to an offer that is refused before it is read.
func refusalOf(t *testing.T, str network.Stream) string {
	t.Helper()
	reply, err := readSignal(str)
	require.NoError(t, err)
	require.Equal(t, "error", reply.Type)
	return reply.Message
}

func TestAPeerGoesFromStateToStateAndBack(t *testing.T) {
	ha, hb, dial := relayed(t)
	a, b := newSide(t, ha, time.Hour), newSide(t, hb, time.Hour)
	require.Equal(t, idle, a.stateOf(hb.ID()))
	dial(ha, hb)
	a.awaitState(t, hb.ID(), waiting)
	b.awaitState(t, ha.ID(), waiting)
	silent := ask(t, ha, hb)
	b.awaitState(t, ha.ID(), answering)
	b.awaitTold(t, Connection{ha.ID(), false})
	require.NoError(t, silent.Reset())
	b.awaitState(t, ha.ID(), waiting)
	end := a.Quiet(hb.ID())
	require.Equal(t, leaving, a.stateOf(hb.ID()))
	again := a.Quiet(hb.ID())
	end()
	require.Equal(t, leaving, a.stateOf(hb.ID()), "it is still to be disconnected")
	again()
	require.Equal(t, waiting, a.stateOf(hb.ID()))
	require.NoError(t, ha.Network().ClosePeer(hb.ID()))
	a.awaitState(t, hb.ID(), idle)
	b.awaitState(t, ha.ID(), idle)
	require.Empty(t, a.peers)
	a.Stop()
	dial(ha, hb)
	b.awaitState(t, ha.ID(), waiting)
	require.Equal(t, idle, a.stateOf(hb.ID()), "nothing is begun after Stop")
}

func TestAStateThatCannotFollowIsAPanic(t *testing.T) {
	a := newSide(t, newHost(t), 0)
	a.Service.mu.Lock()
	defer a.Service.mu.Unlock()
	require.Panics(t, func() { a.becomeLocked(a.remoteLocked("somebody"), open) })
}

func TestAPeerHoldsOnePlaceAtMostWhateverItOpens(t *testing.T) {
	ha, hb, dial := relayed(t)
	b := newSide(t, hb, time.Hour)
	dial(ha, hb)
	ask(t, ha, hb)
	b.awaitState(t, ha.ID(), answering)
	for range maxHandshakes {
		require.Equal(t, string(refusedOnce), refusalOf(t, ask(t, ha, hb)))
	}
	require.Len(t, b.answering, 1)
}

func TestADirectlyConnectedPeerGetsNoPlace(t *testing.T) {
	_, hb, _ := relayed(t)
	b := newSide(t, hb, time.Hour)
	require.NoError(t, hb.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0")))
	listening, err := hb.Network().InterfaceListenAddresses()
	require.NoError(t, err)
	stranger := newHost(t, libp2p.NoListenAddrs)
	require.NoError(t, stranger.Connect(t.Context(), peer.AddrInfo{ID: hb.ID(), Addrs: listening}))
	for range maxHandshakes {
		require.Equal(t, string(refusedNeedless), refusalOf(t, ask(t, stranger, hb)))
	}
	require.Empty(t, b.answering)
	require.Empty(t, b.peers)
}

func TestAPeerThatHasAChannelGetsNoPlace(t *testing.T) {
	a, b, ours, _ := channels(t)
	require.Equal(t, string(refusedNeedless), refusalOf(t, ask(t, a.host, b.host)))
	require.Empty(t, b.answering)
	require.Equal(t, open, b.stateOf(a.host.ID()))
	require.NoError(t, ours.Close())
}

func TestAPeerThatIsSilentDoesNotKeepOthersFromAChannel(t *testing.T) {
	ha, hb, dial := relayed(t)
	b := newSide(t, hb, time.Hour)
	dial(ha, hb)
	for range maxHandshakes {
		ask(t, ha, hb)
	}
	b.awaitState(t, ha.ID(), answering)
	other := newHost(t, libp2p.NoListenAddrs, libp2p.EnableRelay())
	c := newSide(t, other, 0)
	circuit := ha.Network().ConnsToPeer(hb.ID())[0].RemoteMultiaddr()
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	require.NoError(t, other.Connect(ctx, peer.AddrInfo{ID: hb.ID(), Addrs: []ma.Multiaddr{circuit}}))
	c.next(t)
	b.next(t)
}

func TestWhenDisconnectReturnsNobodyIsTold(t *testing.T) {
	a, b, ours, _ := channels(t)
	a.awaitTold(t, Connection{b.host.ID(), true})
	// The channel ends by itself, and who tells of that is held up.
	a.gate.Lock()
	require.NoError(t, ours.Close())
	a.awaitState(t, b.host.ID(), idle)
	disconnected := make(chan []Connection)
	go func() {
		a.Disconnect(b.host.ID())
		disconnected <- a.last()
	}()
	runtime.Gosched()
	a.gate.Unlock()
	require.Empty(t, <-disconnected)
}

func TestChannelsMayEndWhileTheServiceCloses(t *testing.T) {
	for range 5 {
		a, b, ours, theirs := channels(t)
		done := make(chan struct{})
		for _, end := range []func(){a.Close, b.Close, func() { _ = ours.Close() }, func() { _ = theirs.Close() }, func() { a.Disconnect(b.host.ID()) }} {
			go func() {
				end()
				done <- struct{}{}
			}()
		}
		for range 5 {
			<-done
		}
		require.False(t, a.start(func() { t.Error("started after Close") }))
		// A channel that opens only now is nobody's.
		late := &handshake{s: a.Service, remote: &remote{id: b.host.ID()}, pc: ours.pc, failed: make(chan struct{})}
		_, err := newChannel(late, ours.dc)
		require.ErrorIs(t, err, io.ErrClosedPipe)
	}
}

func TestANodeThatHasAllItsChannelsMakesAndTakesNoOffers(t *testing.T) {
	ha, hb, dial := relayed(t)
	a, b := newSide(t, ha, 0), newSide(t, hb, time.Hour)
	fill := func(x *side, channels int) {
		x.Service.mu.Lock()
		defer x.Service.mu.Unlock()
		x.channels = channels
	}
	fill(a, maxChannels)
	fill(b, maxChannels)
	dial(ha, hb)
	require.Equal(t, string(refusedFull), refusalOf(t, ask(t, ha, hb)))
	fill(b, 0)
	require.Eventually(t, func() bool { return a.toldOf(Connection{hb.ID(), false}) }, 30*time.Second, time.Millisecond)
	a.awaitState(t, hb.ID(), waiting)
	require.Equal(t, waiting, b.stateOf(ha.ID()), "nothing was offered")
	ask(t, ha, hb)
	b.awaitState(t, ha.ID(), answering)
}

func TestAChannelCountsForAsLongAsThereIsOne(t *testing.T) {
	a, b, _, theirs := channels(t)
	count := func(x *side) int {
		x.Service.mu.Lock()
		defer x.Service.mu.Unlock()
		return x.Service.channels
	}
	require.Equal(t, []int{1, 1}, []int{count(a), count(b)})
	a.Stop()
	b.Stop()
	a.Disconnect(b.host.ID())
	<-theirs.done
	require.Eventually(t, func() bool { return count(a) == 0 && count(b) == 0 }, 30*time.Second, time.Millisecond)
}
