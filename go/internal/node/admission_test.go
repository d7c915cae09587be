package node

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// visitor is a host whose connections come from an address of the loopback network.
func visitor(t *testing.T, from string) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/"+from+"/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func visit(t *testing.T, h host.Host, n *Node) error {
	t.Helper()
	h.Network().(*swarm.Swarm).Backoff().Clear(n.host.ID())
	if err := h.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: addrsOf(n)}); err != nil {
		return err
	}
	// Whoever is refused once it is known who it is has been connected for a moment.
	if len(n.host.Network().ConnsToPeer(h.ID())) == 0 {
		return errors.New("the connection was closed again")
	}
	return nil
}

// crowdedNode is one that takes so many connections.
func crowdedNode(t *testing.T, connections int) *Node {
	t.Helper()
	options := testOptions(t)
	options.Transports = []string{"tcp"}
	options.Limits.Connections = &connections
	n, _ := newNode(t, options)
	n.Start()
	return n
}

func TestOneAddressDoesNotFillANode(t *testing.T) {
	n := crowdedNode(t, 16)
	for i := range 12 {
		require.NoError(t, visit(t, visitor(t, "127.0.0.1"), n), "visitor %d", i)
	}
	require.Error(t, visit(t, visitor(t, "127.0.0.1"), n), "three quarters of the connections at most")
	require.NoError(t, visit(t, visitor(t, "127.0.0.2"), n))
}

func TestAFriendIsTakenWhereStrangersAreRefused(t *testing.T) {
	n := crowdedNode(t, 16)
	friend := visitor(t, "127.0.0.1")
	require.NoError(t, visit(t, friend, n))
	require.NoError(t, n.dialer.dial(t.Context(), friend.ID(), nil))
	require.NoError(t, friend.Network().ClosePeer(n.host.ID()))
	awaitNoConns(t, n.host, friend.ID())
	for i := range 12 {
		require.NoError(t, visit(t, visitor(t, "127.0.0.1"), n), "visitor %d", i)
	}
	require.Error(t, visit(t, visitor(t, "127.0.0.1"), n))
	require.NoError(t, visit(t, friend, n))
	for i := range 1 {
		require.NoError(t, visit(t, visitor(t, "127.0.0.2"), n), "visitor %d from elsewhere", i)
	}
	require.Error(t, visit(t, visitor(t, "127.0.0.3"), n), "the last places are for friends")
	require.True(t, n.host.ConnManager().IsProtected(friend.ID(), ""), "its connection is the last to be closed")
}

func TestANewcomerHasThePlaceOfAStrangerWhoDoesNothing(t *testing.T) {
	before := newcomerTime
	newcomerTime = 0
	t.Cleanup(func() { newcomerTime = before })
	n := crowdedNode(t, 3)
	friend := visitor(t, "127.0.0.1")
	require.NoError(t, visit(t, friend, n))
	require.NoError(t, n.dialer.dial(t.Context(), friend.ID(), nil))
	busy := visitor(t, "127.0.0.1")
	require.NoError(t, visit(t, busy, n))
	n.host.SetStreamHandler("/test/1", func(network.Stream) {})
	str, err := busy.NewStream(t.Context(), n.host.ID(), "/test/1")
	require.NoError(t, err)
	_, err = str.Write([]byte{1})
	require.NoError(t, err)
	idle := visitor(t, "127.0.0.1")
	require.NoError(t, visit(t, idle, n))
	newcomer := visitor(t, "127.0.0.1")
	require.Eventually(t, func() bool { return visit(t, newcomer, n) == nil }, 20*time.Second, 10*time.Millisecond)
	awaitNoConns(t, idle, n.host.ID())
	require.Equal(t, network.Connected, n.host.Network().Connectedness(friend.ID()))
	require.Equal(t, network.Connected, n.host.Network().Connectedness(busy.ID()))
}

func TestConnectionsFromPublicAddressesAreBoundedAsByLibp2p(t *testing.T) {
	n := startNode(t, nil, "tcp")
	resources := n.host.Network().ResourceManager()
	open := func(dir network.Direction, addr string) (network.ConnManagementScope, error) {
		return resources.OpenConnection(dir, false, ma.StringCast(addr))
	}
	admit := func(count int, addr string) (scopes []network.ConnManagementScope) {
		for i := range count {
			scope, err := open(network.DirInbound, fmt.Sprintf(addr, i))
			require.NoError(t, err, addr, i)
			require.NoError(t, scope.SetPeer(newPeerID(t)))
			scopes = append(scopes, scope)
		}
		return scopes
	}
	end := func(scopes []network.ConnManagementScope) {
		for _, scope := range scopes {
			scope.Done()
			scope.Done()
		}
	}
	refused := func(addr string) {
		t.Helper()
		_, err := open(network.DirInbound, addr)
		require.ErrorIs(t, err, errCrowded)
	}
	v4 := admit(perAddress, "/ip4/192.0.2.1/tcp/%d")
	refused("/ip4/192.0.2.1/udp/1/quic-v1")
	elsewhere := admit(1, "/ip4/192.0.2.2/tcp/%d")
	home := admit(perAddress, "/ip6/2001:db8:1:%x::1/tcp/1")
	refused("/ip6/2001:db8:1:99::1/tcp/1")
	var site []network.ConnManagementScope
	for i := range homesOfSite - 1 {
		site = append(site, admit(perAddress, fmt.Sprintf("/ip6/2001:db8:1:%x%%02x::1/tcp/1", i+1))...)
	}
	refused("/ip6/2001:db8:1:ff00::1/tcp/1")

	// What this node dials, and what comes through one relay, does not count.
	var free []network.ConnManagementScope
	for i := range 4 * perAddress {
		scope, err := open(network.DirOutbound, fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i))
		require.NoError(t, err)
		require.NoError(t, scope.SetPeer(newPeerID(t)))
		scope2, err := open(network.DirInbound, "/ip4/192.0.2.1/tcp/1/p2p/"+newPeerID(t).String()+"/p2p-circuit")
		require.NoError(t, err)
		require.NoError(t, scope2.SetPeer(newPeerID(t)))
		free = append(free, scope, scope2)
	}
	for _, scopes := range [][]network.ConnManagementScope{v4, elsewhere, home, site, free} {
		end(scopes)
	}
	require.Empty(t, resources.(*admission).counts)
	end(admit(1, "/ip4/192.0.2.1/tcp/%d"))

	// Nor do they come faster than so many at once, however short they last.
	taken := 0
	for range 10 * perAddress {
		if scope, err := open(network.DirInbound, "/ip4/198.51.100.1/tcp/1"); err == nil {
			taken++
			scope.Done()
		}
	}
	require.InDelta(t, 2*perAddress, taken, 1)
	require.False(t, resources.VerifySourceAddress(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}))
	verified := false
	for range perAddress {
		verified = verified || resources.VerifySourceAddress(&net.UDPAddr{IP: net.IPv4(198, 51, 100, 2), Port: 1})
	}
	require.True(t, verified)
}

func TestTheBoundOfAnAddressIsAnOption(t *testing.T) {
	options := testOptions(t)
	bound := 2
	options.Limits.ConnectionsPerAddress = &bound
	n, _ := newNode(t, options)
	resources := n.host.Network().ResourceManager()
	for i := range 3 {
		_, err := resources.OpenConnection(network.DirInbound, false, ma.StringCast("/ip4/192.0.2.1/tcp/1"))
		require.Equal(t, i == 2, err != nil)
	}
}
