package node

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

func testOptions(t *testing.T) *Options {
	return &Options{
		IdentityDir: t.TempDir(), IPs: []string{"127.0.0.1"}, EnableRelayClient: true, HolePunching: true,
		Transports: []string{"tcp", "quic"}, Agent: "test/1",
	}
}

func newNode(t *testing.T, options *Options) (*Node, *porttest.Port) {
	t.Helper()
	port := porttest.New()
	n, err := New(t.Context(), port, options, 1<<20)
	require.NoError(t, err)
	t.Cleanup(func() { n.Close(0) })
	return n, port
}

func await(t *testing.T, port *porttest.Port, kind string, count int) []map[string]any {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		changed := port.Changed()
		if events := port.Events(kind); len(events) >= count {
			return events
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain for %d %s", count, kind)
		}
	}
}

// dialOnce makes a host that connects to the node: first its end of the connection is up, then the peers know each other, or not.
func dialOnce(t *testing.T, n *Node) (up <-chan struct{}, outcome <-chan error) {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	connected, result := make(chan struct{}, 1), make(chan error, 1)
	h.Network().Notify(&network.NotifyBundle{ConnectedF: func(network.Network, network.Conn) { connected <- struct{}{} }})
	go func() {
		result <- h.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()[:1]})
	}()
	return connected, result
}

func TestAPeerThatComesBeforeStartIsHeldBackUntilThen(t *testing.T) {
	n, port := newNode(t, testOptions(t))
	up, outcome := dialOnce(t, n)
	<-up
	require.Empty(t, port.Records())
	n.Start()
	require.NoError(t, <-outcome)
	connected := await(t, port, "peerconnect", 1)
	require.Equal(t, "inbound", connected[0]["peer"].(map[string]any)["direction"])
}

func TestANodeThatNeverStartedTurnsPeersAwayAndTellsNothing(t *testing.T) {
	n, port := newNode(t, testOptions(t))
	up, outcome := dialOnce(t, n)
	<-up
	n.Close(0)
	// To the peer, a connection that ends before it could identify itself is no failed dial.
	<-outcome
	require.Empty(t, n.host.Network().Peers())
	require.Empty(t, port.Records())
}

func TestReachabilityIsToldAndEndsADHTThatIsNotToBeKept(t *testing.T) {
	options := testOptions(t)
	options.DHTEnabled = true
	n, port := newNode(t, options)
	n.Start()
	require.Nil(t, n.Created().IsPublic)
	emitter, err := n.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged))
	require.NoError(t, err)
	defer emitter.Close()
	for _, reachability := range []network.Reachability{
		network.ReachabilityUnknown, network.ReachabilityPublic, network.ReachabilityUnknown, network.ReachabilityPrivate,
	} {
		require.NoError(t, emitter.Emit(event.EvtLocalReachabilityChanged{Reachability: reachability}))
	}
	var told [][2]any
	for _, e := range await(t, port, "reachability", 3) {
		told = append(told, [2]any{e["reachability"], e["isPublic"]})
	}
	require.Equal(t, [][2]any{{"public", true}, {"unknown", true}, {"private", false}}, told)
	select {
	case <-n.dht.closed:
	case <-time.After(20 * time.Second):
		t.Fatal("the DHT goes on")
	}
}

func TestAnAddressThatOthersReachOutweighsADoubtAboutTheNode(t *testing.T) {
	n, port := newNode(t, testOptions(t))
	n.Start()
	node, err := n.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged))
	require.NoError(t, err)
	defer node.Close()
	address, err := n.host.EventBus().Emitter(new(event.EvtHostReachableAddrsChanged))
	require.NoError(t, err)
	defer address.Close()
	require.NoError(t, node.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPrivate}))
	await(t, port, "reachability", 1)
	require.NoError(t, address.Emit(event.EvtHostReachableAddrsChanged{Reachable: n.host.Addrs()}))
	require.Equal(t, "public", await(t, port, "reachability", 2)[1]["reachability"])
	require.NoError(t, address.Emit(event.EvtHostReachableAddrsChanged{Unreachable: n.host.Addrs()}))
	require.Equal(t, "private", await(t, port, "reachability", 3)[2]["reachability"])
}

func TestAFailedNewLeavesNothingBehind(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	options := testOptions(t)
	options.Transports = []string{"quic"}
	options.Port = taken.LocalAddr().(*net.UDPAddr).Port - 1
	port := porttest.New()
	_, err = New(t.Context(), port, options, 1<<20)
	require.Equal(t, boundary.AddressInUse, boundary.AsError(err).Code)

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	options.Port = 0
	_, err = New(cancelled, port, options, 1<<20)
	require.Equal(t, boundary.Aborted, boundary.AsError(err).Code)

	blocked := testOptions(t)
	blocked.IdentityDir = filepath.Join("/dev/null", "identity")
	_, err = New(t.Context(), port, blocked, 1<<20)
	require.Equal(t, boundary.IdentityUnreadable, boundary.AsError(err).Code)

	require.Empty(t, port.Records())
	newNode(t, options)
}

func TestListenAddressesFollowTheLayoutOfThePythonNode(t *testing.T) {
	addrs, err := listenAddrs(&Options{
		Port: 4000, IPs: []string{"0.0.0.0", "::1", "0.0.0.0"}, Transports: []string{"ws", "webrtc-direct", "webtransport", "quic", "tcp"},
	}, nil)
	require.NoError(t, err)
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.addr.String())
	}
	require.Equal(t, []string{
		"/ip4/0.0.0.0/tcp/4000", "/ip4/0.0.0.0/udp/4001/quic-v1", "/ip4/0.0.0.0/udp/4002/quic-v1/webtransport",
		"/ip4/0.0.0.0/udp/4003/webrtc-direct", "/ip4/0.0.0.0/tcp/4000/ws",
		"/ip6/::1/tcp/4000", "/ip6/::1/udp/4001/quic-v1", "/ip6/::1/udp/4002/quic-v1/webtransport",
		"/ip6/::1/udp/4003/webrtc-direct", "/ip6/::1/tcp/4000/ws",
	}, texts)
}
