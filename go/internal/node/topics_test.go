package node

import (
	"slices"
	"testing"
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
	"github.com/unaiverse/p2p/go/internal/pubsub"
)

func TestANodeSpeaksTheProtocolsOfItsRouter(t *testing.T) {
	for _, floodSub := range []bool{false, true} {
		options := testOptions(t)
		options.FloodSub = floodSub
		n, _ := newNode(t, options)
		spoken := n.host.Mux().Protocols()
		require.Contains(t, spoken, libp2ppubsub.FloodSubID, "GossipSub speaks it too")
		require.Equal(t, !floodSub, slices.Contains(spoken, libp2ppubsub.GossipSubID_v12))
	}
}

func TestAMessageThatIsTooLargeForATopicIsRefusedByTheOptionsName(t *testing.T) {
	options := testOptions(t)
	options.MaxTopicMessageSize = 1000
	n, _ := newNode(t, options)
	n.Start()
	require.NoError(t, n.Publish(t.Context(), "t", make([]byte, 800)))
	err := n.Publish(t.Context(), "t", make([]byte, 1000))
	require.Equal(t, boundary.TopicFailed, boundary.AsError(err).Code)
	require.ErrorContains(t, err, "maxTopicMessageSize")
}

func TestDropsAndWarningsOfTopicsAreToldWithWhatIsKnownOfThem(t *testing.T) {
	n, port := newNode(t, testOptions(t))
	n.Dropped(pubsub.Drop{Reason: "unconfirmed", Peer: n.host.ID(), Messages: 2, Bytes: 30, UpTo: true})
	n.Dropped(pubsub.Drop{Reason: "too-large", Topic: "t", Messages: 1, Bytes: 10})
	require.Equal(t, []map[string]any{
		{"type": "drop", "reason": "unconfirmed", "peer": n.host.ID().String(), "messages": 2.0, "bytes": 30.0, "upTo": true},
		{"type": "drop", "reason": "too-large", "channel": "t", "messages": 1.0, "bytes": 10.0},
	}, port.Events("drop"))
}

// meetInTopic starts two nodes, of which the second subscribes, and waits until the first reaches it.
func meetInTopic(t *testing.T, transport string, maxMessageSize int) (nodes [2]*Node, ports [2]*porttest.Port) {
	t.Helper()
	for i := range nodes {
		options := testOptions(t)
		options.Transports = []string{transport}
		options.MaxTopicMessageSize = maxMessageSize
		ports[i] = porttest.New()
		n, err := New(t.Context(), ports[i], options, maxMessageSize)
		require.NoError(t, err)
		t.Cleanup(func() { n.Close(0) })
		n.Start()
		nodes[i] = n
	}
	require.NoError(t, nodes[1].Subscribe("t"))
	require.NoError(t, nodes[0].Publish(t.Context(), "t", []byte("joins")))
	require.NoError(t, nodes[0].host.Connect(t.Context(), peer.AddrInfo{ID: nodes[1].host.ID(), Addrs: nodes[1].host.Addrs()}))
	await(t, ports[0], "topicpeers", 1)
	return nodes, ports
}

func TestALargeMessageOfATopicFindsTheMemoryItNeeds(t *testing.T) {
	const size = 40 << 20
	nodes, ports := meetInTopic(t, "tcp", 2*size)
	require.NoError(t, nodes[0].Publish(t.Context(), "t", make([]byte, size)))
	require.Eventually(t, func() bool {
		messages := ports[1].Messages()
		return len(messages) == 1 && len(messages[0].Payload) == size
	}, time.Minute, 10*time.Millisecond, "%v %v", ports[0].Events("drop"), ports[1].Events("drop"))
}

func TestWhatWasPublishedArrivesAlthoughTheNodeIsClosedAtOnce(t *testing.T) {
	for _, transport := range []string{"tcp", "quic"} {
		t.Run(transport, func(t *testing.T) {
			const count, size = 100, 20_000
			nodes, ports := meetInTopic(t, transport, 1<<20)
			for range count {
				require.NoError(t, nodes[0].Publish(t.Context(), "t", make([]byte, size)))
			}
			nodes[0].Close(time.Minute)
			require.Eventually(t, func() bool { return len(ports[1].Messages()) == count }, time.Minute, 10*time.Millisecond)
			require.Empty(t, ports[0].Events("drop"))
			require.Empty(t, ports[1].Events("drop"))
		})
	}
}
