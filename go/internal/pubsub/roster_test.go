package pubsub

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p"
	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/stretchr/testify/require"
)

func TestAPeerIsInATopicOnceItSubscribedAndIsReached(t *testing.T) {
	events := newHeard()
	r := newRoster(events)
	r.joined("t", "early")
	require.Empty(t, r.of("t"), "not reached yet")
	r.reach("late", true)
	require.Empty(t, r.of("t"), "not in the topic")
	r.reach("early", true)
	require.Equal(t, []peer.ID{"early"}, r.of("t"))
	r.joined("t", "late")
	require.Equal(t, []peer.ID{"early", "late"}, r.of("t"))
	r.reach("early", false)
	require.Equal(t, []peer.ID{"late"}, r.of("t"))
	r.reach("early", true)
	r.left("t", "late")
	require.Equal(t, []peer.ID{"early"}, r.of("t"))
	events.awaitPeers(t, "t", "early")
	r.leave("t")
	events.awaitPeers(t, "t")
	r.reach("early", false)
	r.reach("early", true)
	require.Empty(t, r.of("t"), "the topic was left")
}

func TestAPeerThatComesAndGoesWithoutEndIsToldOfNowAndThen(t *testing.T) {
	events := newHeard()
	r := newRoster(events)
	r.reach("restless", true)
	for range 10_000 {
		r.joined("t", "restless")
		r.left("t", "restless")
	}
	r.joined("t", "restless")
	events.awaitPeers(t, "t", "restless")
	events.mu.Lock()
	defer events.mu.Unlock()
	require.Less(t, events.toldPeers, 1000)
}

// awaitPeers waits until these were told of in a topic.
func (h *heard) awaitPeers(t *testing.T, topic string, peers ...peer.ID) {
	t.Helper()
	await(t, "peers in "+topic, h.change, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return slices.Equal(h.peers[topic], peers)
	})
}

// A peer's subscription can come before the router has a stream to the peer, and what is published in between reaches nobody.
func TestASubscriberIsToldOfOnceAMessageReachesIt(t *testing.T) {
	a := newEnd(t, true)
	raw, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.DisableMetrics())
	require.NoError(t, err)
	defer raw.Close()
	topic, err := a.join("t")
	require.NoError(t, err)
	joins, err := topic.handle.EventHandler()
	require.NoError(t, err)
	defer joins.Cancel()

	require.NoError(t, raw.Connect(t.Context(), peer.AddrInfo{ID: a.host.ID(), Addrs: a.host.Addrs()}))
	hello, err := raw.NewStream(t.Context(), a.host.ID(), libp2ppubsub.FloodSubID)
	require.NoError(t, err)
	name, subscribe := "t", true
	require.NoError(t, pbio.NewDelimitedWriter(hello).WriteMsg(
		&pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Topicid: &name, Subscribe: &subscribe}}}))
	join, err := joins.NextPeerEvent(t.Context())
	require.NoError(t, err)
	require.Equal(t, libp2ppubsub.PeerEvent{Type: libp2ppubsub.PeerJoin, Peer: raw.ID()}, join)
	// Events of a topic come in order: with the next peer's, that of the first has been heard too.
	b := newEnd(t, true)
	require.NoError(t, b.Subscribe("t"))
	a.connect(t, b)
	a.awaitPeer(t, "t", b.host.ID())
	a.events.mu.Lock()
	require.Equal(t, []peer.ID{b.host.ID()}, a.events.peers["t"], "there is no stream to the first yet")
	a.events.mu.Unlock()

	came := make(chan string, 1)
	raw.SetStreamHandler(libp2ppubsub.FloodSubID, func(s network.Stream) {
		reader := pbio.NewDelimitedReader(s, maxMessage)
		for {
			var rpc pb.RPC
			if reader.ReadMsg(&rpc) != nil {
				return
			}
			for _, m := range rpc.Publish {
				came <- string(m.Data)
			}
		}
	})
	a.awaitPeer(t, "t", raw.ID())
	a.publish(t, "t", "there")
	require.Equal(t, "there", <-came)
}
