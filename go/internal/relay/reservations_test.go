package relay

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

type told struct {
	relay   peer.ID
	expires time.Time
	addrs   []ma.Multiaddr
	// reason is empty for a reservation.
	reason string
}

type events chan told

func (e events) Reserved(relay peer.ID, expires time.Time, addrs []ma.Multiaddr) {
	e <- told{relay: relay, expires: expires, addrs: addrs}
}

func (e events) ReservationLost(relay peer.ID, reason string) {
	e <- told{relay: relay, reason: reason}
}

func (e events) next(t *testing.T) told {
	t.Helper()
	select {
	case got := <-e:
		return got
	case <-time.After(20 * time.Second):
		t.Fatal("waited in vain for an event")
		return told{}
	}
}

type relayServer struct {
	host.Host
	service *circuit.Relay
}

func newRelay(t *testing.T, key crypto.PrivKey, listen string, ttl time.Duration) *relayServer {
	t.Helper()
	h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings(listen), libp2p.DisableRelay(), libp2p.DisableMetrics())
	require.NoError(t, err)
	resources := circuit.DefaultResources()
	resources.ReservationTTL = ttl
	service, err := circuit.New(h, circuit.WithResources(resources))
	require.NoError(t, err)
	r := &relayServer{h, service}
	t.Cleanup(r.stop)
	return r
}

func (r *relayServer) stop() {
	_ = r.service.Close()
	_ = r.Close()
}

func newKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	require.NoError(t, err)
	return key
}

func newClient(t *testing.T) (*Reservations, host.Host, events) {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay(), libp2p.DisableMetrics())
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	told := make(events, 100)
	dial := func(ctx context.Context, relay peer.ID) error { return h.Connect(ctx, peer.AddrInfo{ID: relay}) }
	r, err := New(h, told, dial)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r, h, told
}

func know(h, relay host.Host) {
	h.Peerstore().AddAddrs(relay.ID(), relay.Addrs(), peerstore.PermanentAddrTTL)
}

const anyPort = "/ip4/127.0.0.1/tcp/0"

func TestAReservationIsRenewedBeforeItExpiresAndItsAddressesStay(t *testing.T) {
	relay := newRelay(t, newKey(t), anyPort, 6*time.Second)
	r, h, told := newClient(t)
	know(h, relay)
	expires, err := r.Reserve(t.Context(), relay.ID())
	require.NoError(t, err)
	first := told.next(t)
	require.Equal(t, expires, first.expires)
	want := relay.Addrs()[0].String() + "/p2p/" + relay.ID().String() + "/p2p-circuit"
	require.Equal(t, want, first.addrs[0].String())
	require.Equal(t, first.addrs, r.Addrs())
	second := told.next(t)
	require.Empty(t, second.reason)
	require.True(t, second.expires.After(first.expires))
	require.True(t, time.Now().Before(first.expires), "renewed in time")
	require.Equal(t, first.addrs, r.Addrs())
	listens := 0
	for _, addr := range h.Network().ListenAddresses() {
		if strings.Contains(addr.String(), "p2p-circuit") {
			listens++
		}
	}
	require.Equal(t, 1, listens, "libp2p listens for circuits once, whatever the number of relays and renewals")
}

func TestOthersReachThisNodeThroughItsRelay(t *testing.T) {
	relay := newRelay(t, newKey(t), anyPort, time.Hour)
	r, h, _ := newClient(t)
	know(h, relay)
	_, err := r.Reserve(t.Context(), relay.ID())
	require.NoError(t, err)
	_, other, _ := newClient(t)
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	require.NoError(t, other.Connect(ctx, peer.AddrInfo{ID: h.ID(), Addrs: r.Addrs()}))
}

func TestAReservationIsLostWithItsRelayAndTakenAgainWhenThatComesBack(t *testing.T) {
	key := newKey(t)
	relay := newRelay(t, key, anyPort, time.Hour)
	r, h, told := newClient(t)
	know(h, relay)
	listen := relay.Addrs()[0].String()
	_, err := r.Reserve(t.Context(), relay.ID())
	require.NoError(t, err)
	require.Empty(t, told.next(t).reason)
	relay.stop()
	require.NotEmpty(t, told.next(t).reason)
	require.Empty(t, r.Addrs())
	newRelay(t, key, listen, time.Hour)
	require.Empty(t, told.next(t).reason)
	require.NotEmpty(t, r.Addrs())
}

func TestAReservationThatCannotBeRenewedIsLostWhenItExpiresAndItsAddressesWithIt(t *testing.T) {
	relay := newRelay(t, newKey(t), anyPort, 4*time.Second)
	r, h, told := newClient(t)
	know(h, relay)
	expires, err := r.Reserve(t.Context(), relay.ID())
	require.NoError(t, err)
	require.Empty(t, told.next(t).reason)
	// The connection stays, the service goes.
	require.NoError(t, relay.service.Close())
	require.NotEmpty(t, r.Addrs())
	require.Contains(t, told.next(t).reason, "expired")
	require.False(t, time.Now().Before(expires))
	require.Empty(t, r.Addrs())
	require.Equal(t, network.Connected, h.Network().Connectedness(relay.ID()))
}

func TestSeveralRelaysAreUsedAtOnceAndOneIsReleased(t *testing.T) {
	first, second := newRelay(t, newKey(t), anyPort, time.Hour), newRelay(t, newKey(t), anyPort, time.Hour)
	r, h, told := newClient(t)
	for _, relay := range []host.Host{first, second} {
		know(h, relay)
		_, err := r.Reserve(t.Context(), relay.ID())
		require.NoError(t, err)
		told.next(t)
	}
	require.Len(t, r.Addrs(), 2)
	r.Release(first.ID())
	lost := told.next(t)
	require.Equal(t, first.ID(), lost.relay)
	require.Len(t, r.Addrs(), 1)
	require.False(t, r.Uses(first.ID()))
	require.True(t, r.Uses(second.ID()))
}

func TestAPeerThatIsNoRelayOrUnknownGivesAnErrorAndNothingIsRetried(t *testing.T) {
	plain, err := libp2p.New(libp2p.ListenAddrStrings(anyPort), libp2p.DisableRelay(), libp2p.DisableMetrics())
	require.NoError(t, err)
	t.Cleanup(func() { _ = plain.Close() })
	r, h, _ := newClient(t)
	var coded *boundary.Error
	_, err = r.Reserve(t.Context(), plain.ID())
	require.ErrorAs(t, err, &coded)
	require.Equal(t, boundary.ReservationFailed, coded.Code)
	require.Equal(t, plain.ID().String(), coded.Peer)
	know(h, plain)
	_, err = r.Reserve(t.Context(), plain.ID())
	require.ErrorAs(t, err, &coded)
	require.Equal(t, boundary.ReservationFailed, coded.Code)
	require.False(t, r.Uses(plain.ID()))
	_, err = r.Reserve(t.Context(), h.ID())
	require.ErrorAs(t, err, &coded)
	require.Equal(t, boundary.PeerSelf, coded.Code)
}

func TestARequestThatIsCancelledReservesNothing(t *testing.T) {
	r, _, _ := newClient(t)
	relay := newRelay(t, newKey(t), anyPort, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Reserve(ctx, relay.ID())
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, r.Uses(relay.ID()))
}

func TestWhatAutoRelayUsesIsToldByRelay(t *testing.T) {
	r, h, told := newClient(t)
	emitter, err := h.EventBus().Emitter(new(event.EvtAutoRelayAddrsUpdated))
	require.NoError(t, err)
	defer emitter.Close()
	relay := newRelay(t, newKey(t), anyPort, time.Hour)
	addr := relay.Addrs()[0].Encapsulate(ma.StringCast("/p2p/" + relay.ID().String() + "/p2p-circuit"))
	require.NoError(t, emitter.Emit(event.EvtAutoRelayAddrsUpdated{RelayAddrs: []ma.Multiaddr{addr}}))
	got := told.next(t)
	require.Equal(t, relay.ID(), got.relay)
	require.True(t, got.expires.IsZero())
	require.True(t, r.Uses(relay.ID()))
	require.NoError(t, emitter.Emit(event.EvtAutoRelayAddrsUpdated{}))
	require.NotEmpty(t, told.next(t).reason)
	require.False(t, r.Uses(relay.ID()))
}

func TestAPlaceThatIsGivenUpWhileItIsAskedForIsNotHeld(t *testing.T) {
	relay := newRelay(t, newKey(t), anyPort, time.Hour)
	r, h, told := newClient(t)
	know(h, relay)
	dial := r.dial
	r.dial = func(ctx context.Context, p peer.ID) error {
		err := dial(ctx, p)
		r.Release(p)
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Second):
			t.Error("the request goes on")
		}
		return err
	}
	_, err := r.Reserve(t.Context(), relay.ID())
	var coded *boundary.Error
	require.ErrorAs(t, err, &coded)
	require.Equal(t, boundary.ReservationFailed, coded.Code)
	require.Contains(t, coded.Message, "given up")
	require.False(t, h.ConnManager().IsProtected(relay.ID(), protection))

	r.dial = dial
	p, err := r.place(relay.ID())
	require.NoError(t, err)
	r.Release(relay.ID())
	require.False(t, p.hold(time.Now().Add(time.Hour), relay.Addrs()), "the answer was already on its way")
	require.False(t, h.ConnManager().IsProtected(relay.ID(), protection))
	require.Empty(t, r.Addrs())
	_, err = r.Reserve(t.Context(), relay.ID())
	require.NoError(t, err)
	require.Empty(t, told.next(t).reason, "nothing was told before")
}
