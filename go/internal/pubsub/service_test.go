package pubsub

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-msgio"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

const (
	maxMessage = 1 << 20
	patience   = 20 * time.Second
	tick       = 10 * time.Millisecond
)

type end struct {
	*Service
	host   host.Host
	port   *porttest.Port
	events *heard
}

func newEnd(t *testing.T, floodSub bool) *end {
	t.Helper()
	e := &end{host: newHost(t), port: porttest.New(), events: newHeard()}
	var err error
	e.Service, err = New(e.host, Config{
		FloodSub: floodSub, MaxMessageSize: maxMessage, MaxTopicMessageSize: maxMessage, Port: e.port, Events: e.events,
	})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

func meet(t *testing.T, floodSub bool) (a, b *end) {
	t.Helper()
	a, b = newEnd(t, floodSub), newEnd(t, floodSub)
	a.connect(t, b)
	return a, b
}

func (e *end) connect(t *testing.T, other *end) {
	t.Helper()
	require.NoError(t, e.host.Connect(t.Context(), peer.AddrInfo{ID: other.host.ID(), Addrs: other.host.Addrs()}))
}

func await(t *testing.T, what string, changed func() <-chan struct{}, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		next := changed()
		if condition() {
			return
		}
		select {
		case <-next:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// awaitPeer waits until e sees other in a topic, which is when what e publishes goes there.
func (e *end) awaitPeer(t *testing.T, topic string, other peer.ID) {
	t.Helper()
	await(t, "a peer in "+topic, e.events.change, func() bool {
		e.events.mu.Lock()
		defer e.events.mu.Unlock()
		return slices.Contains(e.events.peers[topic], other)
	})
}

func (e *end) awaitMessages(t *testing.T, want ...string) {
	t.Helper()
	await(t, fmt.Sprintf("%d messages", len(want)), e.port.Changed, func() bool { return len(e.port.Messages()) >= len(want) })
	var got []string
	for _, m := range e.port.Messages() {
		got = append(got, string(m.Payload))
	}
	require.Equal(t, want, got)
}

func (e *end) publish(t *testing.T, topic string, payloads ...string) {
	t.Helper()
	for _, payload := range payloads {
		require.NoError(t, e.Publish(t.Context(), topic, []byte(payload)))
	}
}

func bothRouters(t *testing.T, fn func(t *testing.T, floodSub bool)) {
	t.Run("GossipSub", func(t *testing.T) { fn(t, false) })
	t.Run("FloodSub", func(t *testing.T) { fn(t, true) })
}

func TestMessagesArriveInOrderFromTheirAuthorAndNotAtTheirAuthor(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		a, b := meet(t, floodSub)
		require.NoError(t, b.Subscribe("owner::ps:news"))
		// Publishing joins, and joining tells who is there.
		a.publish(t, "owner::ps:other", "nobody hears this")
		_, err := a.join("owner::ps:news")
		require.NoError(t, err)
		a.awaitPeer(t, "owner::ps:news", b.host.ID())
		var sent []string
		for i := range 500 {
			sent = append(sent, fmt.Sprint(i))
		}
		a.publish(t, "owner::ps:news", sent...)
		b.awaitMessages(t, sent...)
		m := b.port.Messages()[0]
		require.Equal(t, "owner::ps:news", m.Channel)
		require.Equal(t, a.host.ID(), b.events.authors[m.Inlet])
		require.Len(t, b.events.opened, 1)
		require.Empty(t, a.port.Messages())
	})
}

func TestATopicWorksWhateverCameBeforeOnIt(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, e *end){
		"publish, then subscribe": func(t *testing.T, e *end) {
			e.publish(t, "t", "early")
			require.NoError(t, e.Subscribe("t"))
		},
		"subscribe twice": func(t *testing.T, e *end) {
			require.NoError(t, e.Subscribe("t"))
			require.NoError(t, e.Subscribe("t"))
		},
		"subscribe, unsubscribe, subscribe": func(t *testing.T, e *end) {
			require.NoError(t, e.Subscribe("t"))
			require.NoError(t, e.Unsubscribe("t"))
			require.NoError(t, e.Subscribe("t"))
		},
		"unsubscribe without a subscription": func(t *testing.T, e *end) {
			require.NoError(t, e.Unsubscribe("t"))
			e.publish(t, "t", "early")
			require.NoError(t, e.Unsubscribe("t"))
			require.NoError(t, e.Unsubscribe("t"))
			require.NoError(t, e.Subscribe("t"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, true)
			before(t, b)
			require.NoError(t, a.Subscribe("t"))
			a.awaitPeer(t, "t", b.host.ID())
			a.publish(t, "t", "there")
			b.awaitMessages(t, "there")

			b.awaitPeer(t, "t", a.host.ID())
			b.publish(t, "t", "and back")
			a.awaitMessages(t, "and back")
			require.NoError(t, b.Unsubscribe("t"))
			require.Empty(t, b.events.peers["t"], "nobody is told of in a topic that was left")
			_, err := b.join("t")
			require.NoError(t, err)
			b.awaitPeer(t, "t", a.host.ID())
			b.publish(t, "t", "after leaving")
			a.awaitMessages(t, "and back", "after leaving")
		})
	}
}

func TestWhatWasPublishedLeavesBeforeTheNodeEnds(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		a, b := meet(t, floodSub)
		require.NoError(t, b.Subscribe("t"))
		_, err := a.join("t")
		require.NoError(t, err)
		a.awaitPeer(t, "t", b.host.ID())
		var sent []string
		for i := range 100 {
			sent = append(sent, fmt.Sprint(i))
		}
		a.publish(t, "t", sent...)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		a.Flush(ctx)
		require.NoError(t, ctx.Err())
		a.Close()
		b.awaitMessages(t, sent...)
	})
}

func TestAMessageThatIsTooLargeWithItsSignatureIsRefused(t *testing.T) {
	a, b := meet(t, true)
	require.NoError(t, b.Subscribe("t"))
	_, err := a.join("t")
	require.NoError(t, err)
	a.awaitPeer(t, "t", b.host.ID())
	err = a.Publish(t.Context(), "t", make([]byte, maxMessage))
	require.Equal(t, boundary.TopicFailed, boundary.AsError(err).Code)
	size := maxMessage - (a.wireSize("t", make([]byte, maxMessage)) - maxMessage)
	require.NoError(t, a.Publish(t.Context(), "t", make([]byte, size)), "the largest that fits")
	await(t, "the largest message", b.port.Changed, func() bool { return len(b.port.Messages()) == 1 })
	require.Len(t, b.port.Messages()[0].Payload, size)
}

func TestAClosedServiceSaysSo(t *testing.T) {
	e := newEnd(t, false)
	require.NoError(t, e.Subscribe("t"))
	e.Close()
	for _, err := range []error{e.Subscribe("t"), e.Subscribe("u"), e.Unsubscribe("t"), e.Publish(t.Context(), "t", []byte("x"))} {
		require.Equal(t, boundary.Closed, boundary.AsError(err).Code)
	}
	e.Credit(1, 1)
	e.Close()
}

func TestDropsInsideTheRouterAreTold(t *testing.T) {
	events := newHeard()
	d := newDrops(events)
	tracer := tracer{router: &router{}, drops: d}
	rpc := a100BytePacket("t")
	tracer.DropRPC(rpc, "peer")
	tracer.DropRPC(rpc, "peer")
	await(t, "the drops", events.change, func() bool {
		events.mu.Lock()
		defer events.mu.Unlock()
		return events.drops["pubsub-outbound t"] == load{2, 200}
	})
}

func a100BytePacket(topic string) *libp2ppubsub.RPC {
	rpc := &libp2ppubsub.RPC{}
	rpc.Publish = []*pb.Message{{Topic: &topic, Data: make([]byte, 100)}}
	return rpc
}

func TestWhatASubscriberPublishesAtOnceGoesToEverySubscriberItKnows(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		a, b := meet(t, floodSub)
		c := newEnd(t, floodSub)
		c.connect(t, a)
		require.NoError(t, a.Subscribe("t"))
		require.NoError(t, b.Subscribe("t"))
		a.awaitPeer(t, "t", b.host.ID())
		require.NoError(t, c.Subscribe("t"))
		a.awaitPeer(t, "t", c.host.ID())
		a.publish(t, "t", "first", "second")
		b.awaitMessages(t, "first", "second")
		c.awaitMessages(t, "first", "second")
	})
}

func TestTheLargestMessageByDefaultGoesInAnRPCThatEveryImplementationTakes(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e := newEnd(t, floodSub)
		e.MaxTopicMessageSize = maxRPC
		sizes := make(chan int, 100)
		r := newRaw(t, e, func(s network.Stream) {
			reader := msgio.NewVarintReader(s)
			for {
				rpc, err := reader.ReadMsg()
				if err != nil {
					return
				}
				sizes <- len(rpc)
			}
		})
		r.subscribe(t, "t")
		e.known(t, "t", r.host.ID())
		size := maxRPC - (e.wireSize("t", make([]byte, maxRPC)) - maxRPC)
		require.Equal(t, maxRPC, e.wireSize("t", make([]byte, size)))
		require.NoError(t, e.Publish(t.Context(), "t", make([]byte, size)))
		largest := 0
		for largest < size {
			largest = max(largest, <-sizes)
		}
		require.Equal(t, maxRPC, largest)
		require.Error(t, e.Publish(t.Context(), "t", make([]byte, size+1)))
	})
}

// broken panics whenever it is told something, until it is mended.
type broken struct {
	*heard
	mended atomic.Bool
}

func (b *broken) panic() {
	if !b.mended.Load() {
		panic("on purpose")
	}
}

func (b *broken) TopicPeers(string, []peer.ID) { b.panic() }

func (b *broken) Dropped(Drop) { b.panic() }

func (b *broken) Warn(boundary.Code, string) { b.panic() }

func TestAPanicInARouterStaysThere(t *testing.T) {
	// There is nothing behind it: every call panics.
	r := &router{gossip: &libp2ppubsub.GossipSubRouter{}}
	hello := &libp2ppubsub.RPC{}
	require.NotPanics(t, func() {
		require.Same(t, hello, r.OnNewOutboundStream("peer", "", hello))
		r.OnClosedOutboundStream("peer")
		r.OnClosedIncomingStream("peer", "")
		r.Preprocess("peer", nil)
		r.HandleRPC(hello)
		r.Publish(&libp2ppubsub.Message{})
	})
	require.False(t, asked(func() bool { panic("on purpose") }))
	m := &libp2ppubsub.Message{}
	require.NotPanics(t, func() {
		t := tracer{}
		t.SendRPC(hello, "peer")
		t.DropRPC(hello, "peer")
		t.UndeliverableMessage(m)
		t.ValidateMessage(m)
		t.DuplicateMessage(m)
		t.RejectMessage(m, "")
	})
}

func TestAPanicInWhatTheRouterCallsEndsNothing(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		a, b := &end{host: newHost(t), port: porttest.New(), events: newHeard()}, newEnd(t, floodSub)
		events := &broken{heard: a.events}
		var err error
		a.Service, err = New(a.host, Config{
			FloodSub: floodSub, MaxMessageSize: maxMessage, MaxTopicMessageSize: maxMessage, Port: a.port, Events: events,
		})
		require.NoError(t, err)
		t.Cleanup(func() {
			events.mended.Store(true)
			a.Close()
		})
		require.NoError(t, a.Subscribe("t"))
		require.NoError(t, b.Subscribe("t"))
		a.connect(t, b)
		arrives(t, "to b", a.publishTo("t"), b.received)
		arrives(t, "to a", b.publishTo("t"), a.received)
		r := newRaw(t, a, readAll)
		r.write(t, &pb.RPC{Publish: []*pb.Message{{Topic: proto.String("t"), Data: make([]byte, 2*maxMessage)}}})
		forged := signerOf(r.host).message(t, "t", nil)
		forged.Data = make([]byte, maxMessage/2)
		r.write(t, &pb.RPC{Publish: []*pb.Message{forged, forged, forged, forged, forged}})
		arrives(t, "to a again", b.publishTo("t"), a.received)
	})
}
