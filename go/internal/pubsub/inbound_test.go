package pubsub

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// wire is a stream that brings what a test has written down, a few bytes at a time.
type wire struct {
	network.Stream
	from   peer.ID
	reader io.Reader
	most   int
}

type wireConn struct {
	network.Conn
	remote peer.ID
}

func (c wireConn) RemotePeer() peer.ID { return c.remote }

func (w *wire) Conn() network.Conn              { return wireConn{remote: w.from} }
func (w *wire) Scope() network.StreamScope      { return &network.NullScope{} }
func (w *wire) ReserveMemory(int, uint8) error  { return nil }
func (w *wire) ReleaseMemory(int)               {}
func (w *wire) SetReadDeadline(time.Time) error { return nil }
func (w *wire) Reset() error                    { return nil }
func (w *wire) Read(p []byte) (n int, err error) {
	return w.reader.Read(p[:min(len(p), 1+rand.IntN(w.most))])
}

func (e *end) inbound(encoded []byte, most int) *inbound {
	return newInbound(e.streams, &wire{from: "writer", reader: bytes.NewReader(encoded), most: most})
}

// readRPCs reads what the router would, and settles it.
func readRPCs(t *testing.T, in *inbound) (rpcs []*pb.RPC, err error) {
	t.Helper()
	reader := pbio.NewDelimitedReader(in, 2*maxMessage)
	for {
		rpc := &pb.RPC{}
		if err := reader.ReadMsg(rpc); err != nil {
			in.end()
			return rpcs, err
		}
		rpcs = append(rpcs, rpc)
		in.streams.validation.settle(in.streams.validation.of(in.peer), costOfAll(&libp2ppubsub.RPC{RPC: *proto.CloneOf(rpc)}))
		in.handed = 0
	}
}

func encodeRPCs(t *testing.T, rpcs ...*pb.RPC) []byte {
	t.Helper()
	var encoded []byte
	for _, rpc := range rpcs {
		one, err := proto.Marshal(rpc)
		require.NoError(t, err)
		encoded = append(encoded, frame(one)...)
	}
	return encoded
}

func TestWhatAPeerWritesArrivesWhateverItsSizeAndHoweverItIsCut(t *testing.T) {
	e := newEnd(t, false)
	topic := "t"
	sizes := []int{0, 1, 100, 1000, 16 << 10, 64<<10 - 100, 64 << 10, 100_000, 300_000}
	for range 100 {
		var rpcs []*pb.RPC
		var sent []int
		for range 1 + rand.IntN(6) {
			rpc := &pb.RPC{}
			for range rand.IntN(5) {
				size := sizes[rand.IntN(len(sizes))]
				sent = append(sent, size)
				rpc.Publish = append(rpc.Publish, &pb.Message{Topic: &topic, Data: bytes.Repeat([]byte{byte(len(sent))}, size)})
			}
			if rand.IntN(2) == 0 {
				rpc.Control = &pb.ControlMessage{Graft: []*pb.ControlGraft{{TopicID: &topic}}}
			}
			rpcs = append(rpcs, rpc)
		}
		received, err := readRPCs(t, e.inbound(encodeRPCs(t, rpcs...), 1+rand.IntN(200_000)))
		require.ErrorIs(t, err, io.EOF)
		var got []*pb.Message
		for _, rpc := range received {
			got = append(got, rpc.Publish...)
		}
		require.Len(t, got, len(sent))
		for i, size := range sent {
			require.True(t, bytes.Equal(bytes.Repeat([]byte{byte(i + 1)}, size), got[i].Data))
		}
	}
	require.Empty(t, e.streams.validation.peers)
	require.Zero(t, e.streams.unfinished.held+e.streams.unfinished.bytes)
}

func TestOnlyWhatIsTooLargeIsLeftOutOfAnRPC(t *testing.T) {
	e := newEnd(t, false)
	_, err := e.join("t")
	require.NoError(t, err)
	topic, other, yes := "t", "somebody else's", true
	rpc := &pb.RPC{
		Subscriptions: []*pb.RPC_SubOpts{{Topicid: &topic, Subscribe: &yes}},
		Publish: []*pb.Message{
			{Topic: &topic, Data: []byte("first")},
			{Topic: &topic, Data: make([]byte, maxMessage)},
			{Topic: &other, Data: make([]byte, 2*maxMessage)},
			{Topic: &topic, Data: []byte("last")},
		},
		Control: &pb.ControlMessage{Graft: []*pb.ControlGraft{{TopicID: &topic}}},
	}
	received, err := readRPCs(t, e.inbound(encodeRPCs(t, rpc, rpc), 5000))
	require.ErrorIs(t, err, io.EOF)
	var whole pb.RPC
	for _, part := range received {
		proto.Merge(&whole, part)
	}
	require.Len(t, whole.Publish, 4)
	require.Equal(t, "last", string(whole.Publish[3].Data))
	require.Len(t, whole.Subscriptions, 1, "the second says nothing new")
	require.Len(t, whole.Control.Graft, 2)
	e.drops.tell()
	require.ElementsMatch(t, []Drop{
		{Reason: tooLarge, Topic: "t", Peer: "writer", Messages: 2, Bytes: 2 * maxMessage},
		{Reason: tooLarge, Peer: "writer", Messages: 2, Bytes: 4 * maxMessage},
	}, e.events.told)
}

func TestAStreamThatIsNoRPCEnds(t *testing.T) {
	e := newEnd(t, false)
	long := binary.AppendUvarint(nil, longestRPC+1)
	for name, encoded := range map[string][]byte{
		"too long":          long,
		"a group":           {1, 0x0b},
		"field 0":           {2, 0x02, 0},
		"longer than whole": {3, 0x12, 9, 0},
		"cut off":           {9, 0x12, 7, 0},
		"no length":         {0x80},
		"endless number":    bytes.Repeat([]byte{0xff}, 20),
		"bad subscription":  {4, 0x0a, 2, 0x12, 9},
	} {
		t.Run(name, func(t *testing.T) {
			in := e.inbound(encoded, 3)
			_, err := readRPCs(t, in)
			require.Error(t, err)
			require.NotErrorIs(t, err, io.EOF)
			_, again := in.Read(make([]byte, 1))
			require.Equal(t, in.err, again, "and stays ended")
			require.False(t, in.left)
		})
	}
	in := e.inbound(nil, 1)
	_, err := readRPCs(t, in)
	require.ErrorIs(t, err, io.EOF)
	require.True(t, in.left, "the peer has nothing more to say")
}

func TestFieldsThatNobodyKnowsArePassedOver(t *testing.T) {
	e := newEnd(t, false)
	rpc := protowire.AppendVarint(protowire.AppendTag(nil, 20, protowire.VarintType), 1<<40)
	rpc = protowire.AppendFixed32(protowire.AppendTag(rpc, 21, protowire.Fixed32Type), 7)
	rpc = protowire.AppendFixed64(protowire.AppendTag(rpc, 22, protowire.Fixed64Type), 7)
	rpc = appendField(rpc, 10, make([]byte, 100_000))
	rpc = appendField(rpc, fieldControl, make([]byte, maxControl+1))
	rpc = append(rpc, encodeRPCs(t, &pb.RPC{Publish: []*pb.Message{{Data: []byte("here")}}})[1:]...)
	received, err := readRPCs(t, e.inbound(frame(rpc), 100))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, received, 1)
	require.True(t, proto.Equal(&pb.RPC{Publish: []*pb.Message{{Data: []byte("here")}}}, received[0]))
}

func TestAMessageWhoseNameOrTopicIsEndlessIsLeftOut(t *testing.T) {
	e := newEnd(t, false)
	topic, endless := "t", string(make([]byte, maxMessageHead))
	rpc := &pb.RPC{Publish: []*pb.Message{
		{Topic: &topic, From: []byte("from"), Seqno: make([]byte, maxMessageID)},
		{Topic: &endless, Data: []byte("x")},
		{Topic: &topic, Data: []byte("good")},
	}}
	received, err := readRPCs(t, e.inbound(encodeRPCs(t, rpc), 1000))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, received, 1)
	require.Len(t, received[0].Publish, 1)
	require.Equal(t, "good", string(received[0].Publish[0].Data))
	require.Positive(t, e.streams.faults.current["writer"])
}

func TestSubscriptionsWithoutEndTakeNoMoreThanTheirBoundAndOwnTopicsAreStillKnown(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e := newEnd(t, floodSub)
		_, err := e.join("own")
		require.NoError(t, err)
		r := newRaw(t, e, readAll)
		const rounds, each = 60, 1000
		for i := range rounds {
			topics := make([]string, each)
			for j := range topics {
				topics[j] = fmt.Sprintf("a topic that nobody has asked for, number %d of %d", j, i)
			}
			r.subscribe(t, topics...)
		}
		r.subscribe(t, "own")
		e.awaitPeer(t, "own", r.host.ID())
		e.streams.subscriptions.mu.Lock()
		cost := e.streams.subscriptions.cost
		e.streams.subscriptions.mu.Unlock()
		require.LessOrEqual(t, cost, maxPeerTopics+topicOverhead+len("own"))
		require.Greater(t, cost, maxPeerTopics/2)
		e.events.awaitWarning(t, string(tooManyTopics))
		require.Less(t, len(e.events.warnings), 10)

		// What a peer has been refused it may have once it gives something up.
		e.publish(t, "own", "still here")
		require.NoError(t, r.host.Close())
		require.Eventually(t, func() bool {
			e.streams.subscriptions.mu.Lock()
			defer e.streams.subscriptions.mu.Unlock()
			return e.streams.subscriptions.cost == 0
		}, patience, tick)
	})
}

func TestSubscriptionsOfAllPeersAreBoundedAndEachMayHaveSome(t *testing.T) {
	all := newSubscriptions()
	all.join("own")
	var peers []*interests
	for p := range 100 {
		i := all.of()
		for n := range maxPeerTopics / topicOverhead {
			i.add(fmt.Sprint("topic ", p, " ", n))
		}
		peers = append(peers, i)
	}
	require.LessOrEqual(t, all.cost, maxTopics+100*someTopics*(topicOverhead+longestTopic))
	last := peers[99]
	require.Len(t, last.topics, someTopics)
	require.False(t, last.add("one more"))
	require.True(t, last.add("own"))
	require.True(t, last.remove("own"))
	require.False(t, last.remove("own"), "that is known")
	require.True(t, last.remove("topic 99 0"))
	require.True(t, last.add("topic 99 0"), "there is a place again")
	require.False(t, last.add("topic 99 0"), "that is known")
	require.False(t, all.of().add(string(make([]byte, longestTopic+1))))
	for _, i := range peers {
		i.close()
	}
	require.Zero(t, all.cost)
}

func TestARefusedSubscriptionIsToldAtTheFirstTheTenthAndTheHundredth(t *testing.T) {
	var told []int
	i := &interests{}
	require.False(t, i.telling())
	for i.refused = 1; i.refused <= 2000; i.refused++ {
		if i.telling() {
			told = append(told, i.refused)
		}
	}
	require.Equal(t, []int{1, 10, 100, 1000}, told)
}

func TestLargeMessagesThatDoNotEndTakeNoMoreThanTheirBound(t *testing.T) {
	e := newEnd(t, false)
	e.streams.maxMessage = 50 << 20
	largest := func() int {
		u := e.streams.unfinished
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.bytes + u.held
	}
	var begun []*raw
	for range 4 {
		r := newRaw(t, e, readAll)
		rpc := appendField(nil, fieldMessage, make([]byte, 30<<20))
		framed := frame(rpc)
		_, err := r.stream.Write(framed[:len(framed)-1])
		require.NoError(t, err)
		begun = append(begun, r)
		require.LessOrEqual(t, largest(), maxUnfinished+maxRPC)
	}
	// The first two had to make room, and the rest can still be ended.
	await(t, "the drops", e.events.change, func() bool { return e.events.sum(tooSlow).messages >= 2 })
	require.LessOrEqual(t, largest(), maxUnfinished+maxRPC)
	for _, r := range begun {
		_ = r.host.Close()
	}
	require.Eventually(t, func() bool { return largest() == 0 }, patience, tick)
}
