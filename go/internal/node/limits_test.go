package node

import (
	"runtime"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func limitedNode(t *testing.T, limits Limits) *Node {
	t.Helper()
	options := testOptions(t)
	options.Transports = []string{"tcp"}
	options.Limits = limits
	n, _ := newNode(t, options)
	n.Start()
	return n
}

func pointer[T any](value T) *T { return &value }

func TestTheLimitOfConnectionsHoldsInBothDirections(t *testing.T) {
	n := limitedNode(t, Limits{Connections: pointer(3)})
	others := []*Node{startNode(t, nil, "tcp"), startNode(t, nil, "tcp"), startNode(t, nil, "tcp"), startNode(t, nil, "tcp"), startNode(t, nil, "tcp")}
	dial := func(from, to *Node) error {
		_, err := from.Connect(t.Context(), []string{over(t, to, "tcp")})
		return err
	}
	require.NoError(t, dial(n, others[0]))
	require.NoError(t, dial(n, others[1]))
	require.NoError(t, dial(others[2], n))
	require.Error(t, dial(n, others[3]))
	require.Error(t, dial(others[4], n))
	apart(t, n, others[0])
	require.NoError(t, dial(n, others[3]))
}

func TestTheLimitOfConnectionsWithOnePeerHolds(t *testing.T) {
	n := limitedNode(t, Limits{ConnectionsPerPeer: pointer(2)})
	resources, p := n.host.Network().ResourceManager(), newPeerID(t)
	for i := range 3 {
		scope, err := resources.OpenConnection(network.DirOutbound, false, ma.StringCast("/ip4/192.0.2.1/tcp/1"))
		require.NoError(t, err)
		require.Equal(t, i == 2, scope.SetPeer(p) != nil)
	}
}

func TestTheLimitOfStreamsWithOnePeerHolds(t *testing.T) {
	const limit = 5
	n := limitedNode(t, Limits{StreamsPerPeer: pointer(limit)})
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	require.NoError(t, err)
	defer h.Close()
	h.SetStreamHandler("/test/1", func(network.Stream) {})
	require.NoError(t, n.host.Connect(t.Context(), peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}))
	opened := 0
	for range 2 * limit {
		str, err := n.host.NewStream(t.Context(), h.ID(), "/test/1")
		if err != nil {
			require.ErrorIs(t, err, network.ErrResourceLimitExceeded)
			break
		}
		_, err = str.Write([]byte{1})
		require.NoError(t, err)
		opened++
	}
	require.LessOrEqual(t, opened, limit)
	require.Positive(t, opened)
}

func TestTheLimitOfMemoryHolds(t *testing.T) {
	const limit = 64 << 20
	n := limitedNode(t, Limits{Memory: pointer(int64(limit))})
	require.NoError(t, n.host.Network().ResourceManager().ViewSystem(func(system network.ResourceScope) error {
		require.ErrorIs(t, system.ReserveMemory(limit+1, network.ReservationPriorityAlways), network.ErrResourceLimitExceeded)
		require.NoError(t, system.ReserveMemory(limit/2, network.ReservationPriorityAlways))
		system.ReleaseMemory(limit / 2)
		return nil
	}))
}

// running says whether a goroutine of this process is inside a function with such a name.
func running(name string) bool {
	stacks := make([]byte, 1<<20)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			return strings.Contains(string(stacks[:n]), name)
		}
		stacks = make([]byte, 2*len(stacks))
	}
}

func TestARouterIsAskedForPortsOnlyWhereTheOptionsSaySo(t *testing.T) {
	options := testOptions(t)
	for _, asked := range []bool{false, true} {
		options.NATPortMap = asked
		var config libp2p.Config
		require.NoError(t, config.Apply(reachabilityOptions(options)))
		require.Equal(t, asked, config.NATManager != nil)
	}
	startNode(t, nil, "tcp")
	require.False(t, running("natManager"), "a node of these tests never asks")
}

func TestHolesArePunchedOnlyWhereTheOptionsSaySo(t *testing.T) {
	const waiting = "holepunch.(*Service).waitForPublicAddr"
	options := testOptions(t)
	options.HolePunching = false
	n, _ := newNode(t, options)
	require.False(t, running(waiting))
	n.Close(0)
	options.HolePunching = true
	newNode(t, options)
	require.True(t, running(waiting))
}

func TestADHTThatIsToBeKeptGoesOnOnceTheReachabilityIsKnown(t *testing.T) {
	options := testOptions(t)
	options.DHTEnabled, options.DHTKeep = true, true
	n, port := newNode(t, options)
	n.Start()
	emitter, err := n.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged))
	require.NoError(t, err)
	defer emitter.Close()
	require.NoError(t, emitter.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPublic}))
	await(t, port, "reachability", 1)
	kept := false
	n.dht.closing.Do(func() {
		kept = true
		require.NoError(t, n.dht.Close())
		close(n.dht.closed)
	})
	require.True(t, kept)
}
