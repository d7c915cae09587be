package node

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func TestAPanicAtOneEventDoesNotKeepTheNextFromBeingHeard(t *testing.T) {
	n, port := newNode(t, testOptions(t))
	n.Start()
	identified, err := n.host.EventBus().Emitter(new(event.EvtPeerIdentificationCompleted))
	require.NoError(t, err)
	defer identified.Close()
	reachability, err := n.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged))
	require.NoError(t, err)
	defer reachability.Close()
	// There is no connection in it, which is a fault of nobody but this test.
	require.NoError(t, identified.Emit(event.EvtPeerIdentificationCompleted{Peer: newPeerID(t)}))
	require.NoError(t, reachability.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPublic}))
	require.Equal(t, "public", await(t, port, "reachability", 1)[0]["reachability"])
}

func TestAPanicInWhatALibraryAsksIsAnAnswerAllTheSame(t *testing.T) {
	addrs := []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1")}
	advertised := &advertised{}
	advertised.add(func([]ma.Multiaddr) []ma.Multiaddr { panic("on purpose") })
	advertised.add(func(addrs []ma.Multiaddr) []ma.Multiaddr { return append(addrs, addrs...) })
	require.Len(t, advertised.addrs(addrs), 2)

	g := newGate()
	g.open(true)
	allowed, _ := g.InterceptUpgraded(nil)
	require.False(t, allowed)

	n, _ := newNode(t, testOptions(t))
	resources := n.host.Network().ResourceManager().(*admission)
	resources.arriving = nil
	_, err := resources.OpenConnection(network.DirInbound, false, ma.StringCast("/ip4/192.0.2.1/tcp/1"))
	require.ErrorContains(t, err, "panic")
}
