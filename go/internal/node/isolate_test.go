package node

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/messaging"
)

// quickly shortens the time that a peer has to show that it belongs to this network.
func quickly(t *testing.T, allowed time.Duration) {
	before := startingTime
	startingTime = allowed
	t.Cleanup(func() { startingTime = before })
}

func connectPlain(t *testing.T, n *Node, prepare func(host.Host)) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	prepare(h)
	require.NoError(t, h.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}))
	return h
}

func speakChat(h host.Host) {
	h.SetStreamHandler(messaging.Protocol, func(str network.Stream) { _ = str.Reset() })
}

func TestAnIsolatedNodeDisconnectsPeersOfOtherNetworks(t *testing.T) {
	quickly(t, 300*time.Millisecond)
	options := testOptions(t)
	options.IsIsolated = true
	n, port := newNode(t, options)
	n.Start()
	friend := connectPlain(t, n, speakChat)
	stranger := connectPlain(t, n, func(host.Host) {})
	left := await(t, port, "peerdisconnect", 1)
	require.Equal(t, stranger.ID().String(), left[0]["peer"].(map[string]any)["id"])
	require.Equal(t, "ISOLATED", await(t, port, "warning", 1)[0]["code"])
	require.Equal(t, network.Connected, n.host.Network().Connectedness(friend.ID()))
}

func TestAnIsolatedNodeWaitsForPeersThatAreStillStarting(t *testing.T) {
	quickly(t, 3*time.Second)
	options := testOptions(t)
	options.IsIsolated = true
	n, port := newNode(t, options)
	n.Start()
	late := connectPlain(t, n, func(host.Host) {})
	await(t, port, "peerconnect", 1)
	speakChat(late)
	stranger := connectPlain(t, n, func(host.Host) {})
	left := await(t, port, "peerdisconnect", 1)
	require.Equal(t, stranger.ID().String(), left[0]["peer"].(map[string]any)["id"], "the late one connected earlier and is still here")
	require.Equal(t, network.Connected, n.host.Network().Connectedness(late.ID()))
}

func TestAnIsolatedNodeKeepsTheRelaysOfItsOptions(t *testing.T) {
	quickly(t, 300*time.Millisecond)
	named, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	require.NoError(t, err)
	t.Cleanup(func() { _ = named.Close() })
	options := testOptions(t)
	options.IsIsolated = true
	options.Relays = []string{named.Addrs()[0].String() + "/p2p/" + named.ID().String()}
	n, port := newNode(t, options)
	n.Start()
	require.NoError(t, named.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}))
	stranger := connectPlain(t, n, func(host.Host) {})
	left := await(t, port, "peerdisconnect", 1)
	require.Equal(t, stranger.ID().String(), left[0]["peer"].(map[string]any)["id"])
	require.Equal(t, network.Connected, n.host.Network().Connectedness(named.ID()))
}
