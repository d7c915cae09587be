package pubsub

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// messageReader hands on the payloads of the messages that come on a stream.
func messageReader(took func([]byte)) network.StreamHandler {
	return func(s network.Stream) {
		reader := pbio.NewDelimitedReader(s, 100<<20)
		for {
			var rpc pb.RPC
			if reader.ReadMsg(&rpc) != nil {
				return
			}
			for _, m := range rpc.Publish {
				took(m.Data)
			}
		}
	}
}

func TestASubscriberThatDoesNotReadTakesNoMoreThanItsBoundAndWhatIsLostIsTold(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e := newEnd(t, floodSub)
		stuck := newRaw(t, e, readNothing)
		stuck.subscribe(t, "t")
		var read atomic.Int64
		good := newRaw(t, e, messageReader(func(data []byte) { read.Add(int64(len(data))) }))
		good.subscribe(t, "t")
		e.known(t, "t", stuck.host.ID())
		e.awaitPeer(t, "t", good.host.ID())

		const size, count = 512 << 10, 60
		largest := 0
		for i := range count {
			require.NoError(t, e.Publish(t.Context(), "t", bytes.Repeat([]byte{byte(i)}, size)))
			// The good one is waited for: it is not what is measured.
			require.Eventually(t, func() bool { return read.Load() == int64(i+1)*size }, patience, tick)
			e.streams.backlog.mu.Lock()
			largest = max(largest, e.streams.backlog.bytes)
			e.streams.backlog.mu.Unlock()
		}
		// One message is with the transport, and one that goes over the bound makes the oldest go.
		require.LessOrEqual(t, largest, maxPeerBacklog+3*size)
		require.Greater(t, largest, maxPeerBacklog/2)
		d := e.events.awaitDrop(t, outboundFull)
		require.Equal(t, "t", d.Topic)
		require.Equal(t, stuck.host.ID(), d.Peer)
		require.Empty(t, e.events.warnings, "slow is not dead")

		// What is neither dropped nor waiting was written; when the peer goes, all of that is told.
		require.NoError(t, stuck.host.Close())
		await(t, "all is told", e.events.change, func() bool {
			return e.events.sum(outboundFull).messages+e.events.sum(unconfirmed).messages == count
		})
		require.EqualValues(t, count*size, read.Load())
		for _, told := range e.events.told {
			require.Equal(t, stuck.host.ID(), told.Peer)
			require.Equal(t, told.Reason == unconfirmed, told.UpTo)
		}
	})
}

func TestTheOldestOfAllMessagesThatWaitMakeRoom(t *testing.T) {
	events := newHeard()
	b := newBacklog(newDrops(events))
	queues := make([]*queue, 8)
	for i := range queues {
		queues[i] = b.queue(peer.ID(fmt.Sprint(i)))
	}
	topic := "t"
	add := func(q *queue, name string, size int) {
		data := append(make([]byte, size), name...)
		rpc, err := proto.Marshal(&pb.RPC{Publish: []*pb.Message{{Topic: &topic, Data: data}}})
		require.NoError(t, err)
		require.NoError(t, q.addMessages(rpc, load{1, len(data)}))
	}
	const size = 4 << 20
	for round := range 3 {
		for i, q := range queues {
			add(q, fmt.Sprint(round, i), size)
		}
	}
	require.LessOrEqual(t, b.bytes, maxBacklog)
	require.Greater(t, b.bytes, maxBacklog-2*size)
	for i, q := range queues {
		require.LessOrEqual(t, q.bytes, 2*size+100, "each has lost the oldest of three: %d", i)
	}
	for _, q := range queues {
		q.close()
	}
	require.Zero(t, b.bytes)
	require.Nil(t, b.oldest)
	require.Nil(t, b.newest)
	b.drops.close()
	require.Equal(t, load{24, 24*size + 24*len("0 0")}, events.sum(outboundFull))
	require.ErrorIs(t, queues[0].addMessages(nil, load{}), errGone)

	// What many are sent is there once.
	for i := range queues {
		queues[i] = b.queue(peer.ID(fmt.Sprint(i)))
		add(queues[i], "the same", size)
	}
	require.Less(t, b.bytes, 2*size)
	for _, q := range queues {
		require.NotEmpty(t, q.take())
		q.written()
	}
	require.Zero(t, b.bytes)
}

func TestWhatWaitsIsJoinedAndTriedAgainWhenTheStreamBreaks(t *testing.T) {
	b := newBacklog(newDrops(newHeard()))
	q := b.queue("peer")
	small := func(i int) []byte { return []byte{0x12, 2, 0x0a, byte(i)} }
	for i := range 3 {
		require.NoError(t, q.addMessages(small(i), load{1, 1}))
	}
	large := append([]byte{0x12}, make([]byte, 2*maxRPC)...)
	require.NoError(t, q.addMessages(large, load{1, 2 * maxRPC}))
	require.NoError(t, q.addControl([]byte{0x1a, 0}))
	first := q.take()
	require.Equal(t, []byte{2, 0x1a, 0, 4, 0x12, 2, 0x0a, 0, 4, 0x12, 2, 0x0a, 1, 4, 0x12, 2, 0x0a, 2}, first)
	q.failed()
	require.Equal(t, first[3:], q.take(), "the messages, and not what else there was")
	q.written()
	require.Equal(t, frame(large), q.take())
	q.failed()
	require.Empty(t, q.take(), "a message that may have broken the stream is not sent again")
	require.Equal(t, load{4, 3 + 2*maxRPC}, q.unconfirmed())
	require.Zero(t, q.unconfirmed())
	require.Zero(t, b.bytes)
}

func TestAPeerThatDoesNotReadIsToldLessAndThenAnew(t *testing.T) {
	b := newBacklog(newDrops(newHeard()))
	q := b.queue("peer")
	topic, yes := "t", true
	gossip := &pb.RPC{Control: &pb.ControlMessage{Ihave: []*pb.ControlIHave{{TopicID: &topic, MessageIDs: make([]string, 20_000)}}}}
	encoded, err := proto.Marshal(gossip)
	require.NoError(t, err)
	for range 100 {
		require.NoError(t, q.addControl(encoded))
	}
	require.LessOrEqual(t, q.controlBytes, gossipBacklog+len(encoded)+10)
	long := strings.Repeat("t", 10_000)
	encoded, err = proto.Marshal(&pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Topicid: &long, Subscribe: &yes}}})
	require.NoError(t, err)
	overrun := false
	for range maxControlBacklog / len(encoded) {
		if err := q.addControl(encoded); err != nil {
			require.ErrorIs(t, err, errOverrun)
			overrun = true
			break
		}
	}
	require.True(t, overrun)
	require.Empty(t, q.control)
}

func TestWhatWasWrittenLastIsKnownToAWindow(t *testing.T) {
	var r recent
	for range 1000 {
		r.add(100_000, load{1, 99_000})
	}
	require.GreaterOrEqual(t, r.bytes, recentBytes)
	require.Less(t, r.bytes, recentBytes+200_000)
	require.Equal(t, r.bytes, 100_000*r.sum.messages)
	for range 1_000_000 {
		r.add(100, load{1, 50})
	}
	require.GreaterOrEqual(t, r.bytes, recentBytes)
	require.Less(t, r.bytes, recentBytes+2*recentStep)
	require.Less(t, len(r.steps), 400)
}
