package node

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// expire is what becomes of a peer's addresses 15 minutes after its connection ended.
func expire(n *Node, p peer.ID) {
	n.host.Peerstore().UpdateAddrs(p, peerstore.RecentlyConnectedAddrTTL, 0)
	n.host.Peerstore().UpdateAddrs(p, peerstore.TempAddrTTL, 0)
	n.host.Peerstore().UpdateAddrs(p, peerstore.ConnectedAddrTTL, 0)
}

func TestWhatConnectWasGivenIsKeptForTheLifeOfTheNode(t *testing.T) {
	a, b, stranger := startNode(t, nil, "tcp"), startNode(t, nil, "tcp"), startNode(t, nil, "tcp")
	_, err := a.Connect(t.Context(), []string{over(t, b, "tcp")})
	require.NoError(t, err)
	_, err = stranger.Connect(t.Context(), []string{over(t, a, "tcp")})
	require.NoError(t, err)
	// What the stranger says of its own addresses has to have come before it is forgotten.
	for _, conn := range a.host.Network().ConnsToPeer(stranger.host.ID()) {
		<-a.dialer.identify.IdentifyWait(conn)
	}
	apart(t, a, b)
	apart(t, stranger, a)
	expire(a, b.host.ID())
	expire(a, stranger.host.ID())
	_, err = a.OpenOutlet(t.Context(), 1, b.host.ID().String())
	require.NoError(t, err)
	_, err = a.OpenOutlet(t.Context(), 2, stranger.host.ID().String())
	require.Equal(t, boundary.PeerUnknown, boundary.AsError(err).Code, "nobody has named it")
}

func TestThePeersThatTheOptionsNameAreFriends(t *testing.T) {
	options := testOptions(t)
	relay, bootstrap := newPeerID(t), newPeerID(t)
	options.Relays = []string{"/ip4/127.0.0.1/tcp/1/p2p/" + relay.String()}
	options.BootstrapPeers = []string{"/ip4/127.0.0.1/tcp/1/p2p/" + bootstrap.String()}
	n, _ := newNode(t, options)
	for _, p := range []peer.ID{relay, bootstrap} {
		require.True(t, n.friends.includes(p))
		require.True(t, n.host.ConnManager().IsProtected(p, friendship))
	}
	require.False(t, n.friends.includes(newPeerID(t)))
}

func newPeerID(t *testing.T) peer.ID {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	require.NoError(t, err)
	p, err := peer.IDFromPrivateKey(key)
	require.NoError(t, err)
	return p
}

func TestFriendsAreBoundedInNumberAndBytes(t *testing.T) {
	a := startNode(t, nil, "tcp")
	var addrs []ma.Multiaddr
	for port := range maxFriendAddrs + 4 {
		addrs = append(addrs, ma.StringCast(fmt.Sprintf("/dns4/%0200d.test/tcp/%d", 1, port+1)))
	}
	var met []peer.ID
	for range 2 * maxFriendBytes / size(addrs) {
		p := newPeerID(t)
		met = append(met, p)
		a.friends.meet(p, addrs)
		require.LessOrEqual(t, a.friends.bytes, maxFriendBytes)
	}
	require.Equal(t, len(a.friends.known), a.friends.recent.Len())
	first, last := met[0], met[len(met)-1]
	require.False(t, a.friends.includes(first))
	require.False(t, a.host.ConnManager().IsProtected(first, friendship))
	require.True(t, a.host.ConnManager().IsProtected(last, friendship))
	for _, p := range met {
		expire(a, p)
	}
	require.LessOrEqual(t, len(a.host.Peerstore().PeersWithAddrs()), len(a.friends.known)+1)
	require.Len(t, a.host.Peerstore().Addrs(last), maxFriendAddrs)

	// Peers alone are bounded as well.
	for range maxFriends + 10 {
		a.friends.meet(newPeerID(t), nil)
	}
	require.Len(t, a.friends.known, maxFriends)
	require.Zero(t, a.friends.bytes)
}
