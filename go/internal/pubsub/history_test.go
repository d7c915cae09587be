package pubsub

import (
	"fmt"
	"sync"
	"testing"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-msgio"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestGossipSubKeepsNoMoreOfTheLastMessagesThanItsBound(t *testing.T) {
	e := newEnd(t, false)
	var mu sync.Mutex
	var ids []string
	asked := make(chan string, 10)
	r := newRaw(t, e, func(s network.Stream) {
		reader := pbio.NewDelimitedReader(s, 100<<20)
		for {
			var rpc pb.RPC
			if reader.ReadMsg(&rpc) != nil {
				return
			}
			mu.Lock()
			for _, m := range rpc.Publish {
				id := libp2ppubsub.DefaultMsgIdFn(m)
				if len(m.Data) == 0 {
					asked <- "nothing"
				} else if len(ids) == 40 {
					asked <- fmt.Sprint(m.Data[0])
				} else {
					ids = append(ids, id)
				}
			}
			mu.Unlock()
		}
	})
	r.subscribe(t, "t")
	e.known(t, "t", r.host.ID())
	for i := range 40 {
		data := make([]byte, maxMessage-1000)
		data[0] = byte(i)
		require.NoError(t, e.Publish(t.Context(), "t", data))
	}
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ids) == 40
	}, patience, tick)
	e.router.GetTopics()
	require.LessOrEqual(t, e.streams.history.bytes, maxHistory)
	r.write(t, &pb.RPC{Control: &pb.ControlMessage{Iwant: []*pb.ControlIWant{{MessageIDs: []string{ids[0], ids[39]}}}}})
	require.Equal(t, "39", <-asked, "and nothing for the first")
	require.Empty(t, asked)
}

func TestNobodyIsToldOfMessagesThatWereLetGo(t *testing.T) {
	h := newHistory()
	topic := "t"
	var ids []string
	var kept []*libp2ppubsub.Message
	for i := range 40 {
		m := &libp2ppubsub.Message{Message: &pb.Message{Topic: &topic, Data: make([]byte, maxMessage)}, ID: fmt.Sprint(i)}
		h.put(m)
		ids, kept = append(ids, m.ID), append(kept, m)
	}
	require.LessOrEqual(t, h.bytes, maxHistory)
	require.Equal(t, emptied, kept[0].Message)
	require.NotEqual(t, emptied, kept[39].Message)
	encoded, err := proto.Marshal(&pb.RPC{Control: &pb.ControlMessage{Ihave: []*pb.ControlIHave{{TopicID: &topic, MessageIDs: ids}}}})
	require.NoError(t, err)
	var told pb.RPC
	require.NoError(t, proto.Unmarshal(h.without(encoded), &told))
	require.Equal(t, ids[25:], told.Control.Ihave[0].MessageIDs)
	other := []byte{0x12, 0}
	require.Equal(t, other, h.without(other))

	// In time the router has forgotten all of them by itself.
	h.kept[0].at = h.kept[0].at.Add(-2 * historySpan)
	h.put(kept[0])
	require.NotEqual(t, emptied, kept[25].Message, "it is not looked at any more")
	for range 2 {
		h.letGo("another", h.began.Add(historySpan+1))
	}
	require.False(t, h.gone(ids[0]))
}

func TestWhatARouterJoinsGoesInRPCsThatEveryImplementationTakes(t *testing.T) {
	e := newEnd(t, false)
	sizes, ids := make(chan int, 1000), make(chan string, 100)
	r := newRaw(t, e, func(s network.Stream) {
		reader := msgio.NewVarintReader(s)
		for {
			encoded, err := reader.ReadMsg()
			if err != nil {
				return
			}
			var rpc pb.RPC
			if proto.Unmarshal(encoded, &rpc) != nil {
				return
			}
			sizes <- len(encoded)
			for _, m := range rpc.Publish {
				ids <- libp2ppubsub.DefaultMsgIdFn(m)
			}
		}
	})
	r.subscribe(t, "t")
	e.known(t, "t", r.host.ID())
	const count = 10
	var asked []string
	for range count {
		require.NoError(t, e.Publish(t.Context(), "t", make([]byte, 30_000)))
		asked = append(asked, <-ids)
	}
	// The router answers with one RPC.
	r.write(t, &pb.RPC{Control: &pb.ControlMessage{Iwant: []*pb.ControlIWant{{MessageIDs: asked}}}})
	var answered []string
	for range count {
		answered = append(answered, <-ids)
	}
	require.ElementsMatch(t, asked, answered)
	for range len(sizes) {
		require.LessOrEqual(t, <-sizes, maxRPC)
	}
}
