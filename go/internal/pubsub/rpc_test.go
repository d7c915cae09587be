package pubsub

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestAnRPCIsTakenApartWithoutLosingAnything(t *testing.T) {
	topic, yes := "topic", true
	var rpc pb.RPC
	for i := range 3000 {
		rpc.Subscriptions = append(rpc.Subscriptions, &pb.RPC_SubOpts{Topicid: proto.String(fmt.Sprint("topic of some length ", i)), Subscribe: &yes})
	}
	for _, size := range []int{0, 10, 40_000, 40_000, 300_000, 1} {
		rpc.Publish = append(rpc.Publish, &pb.Message{Topic: &topic, Data: make([]byte, size), From: []byte("from")})
	}
	ids := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, strings.Repeat("i", 40)+fmt.Sprint(i))
		}
		return ids
	}
	rpc.Control = &pb.ControlMessage{
		Ihave: []*pb.ControlIHave{{TopicID: &topic, MessageIDs: ids(5000)}, {TopicID: &topic, MessageIDs: ids(3)}},
		Iwant: []*pb.ControlIWant{{MessageIDs: ids(5000)}},
		Graft: []*pb.ControlGraft{{TopicID: &topic}},
		Prune: []*pb.ControlPrune{{TopicID: &topic}},
	}
	encoded, err := proto.Marshal(&rpc)
	require.NoError(t, err)
	control, messages, err := parts(encoded)
	require.NoError(t, err)

	var whole pb.RPC
	var have, want []string
	for _, part := range slices.Concat(control, messages) {
		var decoded pb.RPC
		require.NoError(t, proto.Unmarshal(part, &decoded))
		require.True(t, len(part) <= maxRPC || len(decoded.Publish) == 1 && len(decoded.Subscriptions) == 0 && decoded.Control == nil)
		for _, entry := range decoded.GetControl().GetIhave() {
			require.Equal(t, topic, entry.GetTopicID())
			have = append(have, entry.MessageIDs...)
		}
		for _, entry := range decoded.GetControl().GetIwant() {
			want = append(want, entry.MessageIDs...)
		}
		proto.Merge(&whole, &decoded)
	}
	require.Equal(t, slices.Concat(ids(5000), ids(3)), have)
	require.Equal(t, ids(5000), want)
	whole.Control.Ihave, whole.Control.Iwant = rpc.Control.Ihave, rpc.Control.Iwant
	require.True(t, proto.Equal(&rpc, &whole))
}

func TestWhatTheRouterWritesAtOnceLeavesInRPCsOfModerateSize(t *testing.T) {
	e := newEnd(t, false)
	o := newOutbound(e.streams, "peer", nil, "")
	topic := "t"
	ids := make([]string, 5000)
	for i := range ids {
		ids[i] = strings.Repeat("i", 46)
	}
	written, err := o.Write(encodeRPCs(t, &pb.RPC{Control: &pb.ControlMessage{Ihave: []*pb.ControlIHave{{TopicID: &topic, MessageIDs: ids}}}}))
	require.NoError(t, err)
	require.Greater(t, written, 200_000)
	names := 0
	for batch := o.queue.take(); len(batch) > 0; batch = o.queue.take() {
		received, err := readRPCs(t, e.inbound(batch, 100))
		require.ErrorIs(t, err, io.EOF)
		for _, rpc := range received {
			require.LessOrEqual(t, proto.Size(rpc), maxRPC)
			for _, have := range rpc.Control.Ihave {
				require.Equal(t, topic, have.GetTopicID())
				names += len(have.MessageIDs)
			}
		}
		o.queue.written()
	}
	require.Equal(t, len(ids), names)
}

func TestAllSubscriptionsAreAnnouncedInRPCsOfModerateSize(t *testing.T) {
	var topics, announced []string
	for i := range 20_000 {
		topics = append(topics, fmt.Sprint("owner::ps:topic ", i))
	}
	for _, rpc := range announcements(topics) {
		require.LessOrEqual(t, len(rpc), maxRPC)
		var decoded pb.RPC
		require.NoError(t, proto.Unmarshal(rpc, &decoded))
		for _, option := range decoded.Subscriptions {
			require.True(t, option.GetSubscribe())
			announced = append(announced, option.GetTopicid())
		}
	}
	require.Equal(t, topics, announced)
	require.Empty(t, announcements(nil))
}

func TestAFrameBeginsWithItsLength(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 70_000} {
		framed := frame(make([]byte, size))
		length, n := binary.Uvarint(framed)
		require.EqualValues(t, size, length)
		require.Len(t, framed, n+size)
	}
}

func TestWhatIsNoProtobufIsRefused(t *testing.T) {
	for _, bad := range [][]byte{{0x12}, {0x12, 5, 1}, {0xff}, {0x0b}, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}} {
		_, _, err := parts(bad)
		require.ErrorIs(t, err, errMalformed)
		_, err = describe(bad)
		require.ErrorIs(t, err, errMalformed)
	}
}
