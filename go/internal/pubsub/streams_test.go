package pubsub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

func (e *end) meetPlain(t *testing.T, p *plain) {
	t.Helper()
	require.NoError(t, e.host.Connect(t.Context(), peer.AddrInfo{ID: p.host.ID(), Addrs: p.host.Addrs()}))
}

// known joins a topic and waits until another peer is known there.
func (e *end) known(t *testing.T, topic string, other peer.ID) {
	t.Helper()
	_, err := e.join(topic)
	require.NoError(t, err)
	e.awaitPeer(t, topic, other)
}

func (h *heard) awaitDrop(t *testing.T, reason string) (d Drop) {
	t.Helper()
	await(t, "a drop of "+reason, h.change, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, told := range h.told {
			if told.Reason == reason {
				d = told
				return true
			}
		}
		return false
	})
	return d
}

func (h *heard) awaitWarning(t *testing.T, code string) {
	t.Helper()
	await(t, "a warning "+code, h.change, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, warning := range h.warnings {
			if strings.HasPrefix(warning, code+": ") {
				return true
			}
		}
		return false
	})
}

func (h *heard) sum(reason string) (sum load) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.told {
		if d.Reason == reason {
			sum = sum.plus(load{d.Messages, d.Bytes})
		}
	}
	return sum
}

// arrives publishes a text until it comes: what is written at the moment of a break is lost, and told.
func arrives(t *testing.T, text string, publish func([]byte) error, received func() []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		require.NoError(t, publish([]byte(text)))
		return slices.Contains(received(), text)
	}, patience, tick, text)
}

// stream is the one that what is published goes through.
func (e *end) stream(p peer.ID) network.Stream {
	e.streams.mu.Lock()
	o := e.streams.peers[p].outbound
	e.streams.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.current
}

func (e *end) publishTo(topic string) func([]byte) error {
	return func(data []byte) error { return e.Publish(context.Background(), topic, data) }
}

func (e *end) received() (texts []string) {
	for _, m := range e.port.Messages() {
		texts = append(texts, string(m.Payload))
	}
	return texts
}

func TestAPlainSubscriberThatResetsTheStreamForALargeMessageHearsTheNextOnes(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e, p := newEnd(t, floodSub), newPlain(t, floodSub, 10_000)
		p.subscribe(t, "t")
		e.meetPlain(t, p)
		e.known(t, "t", p.host.ID())
		// Left to itself the router opens no more streams after the fourth break in ten minutes.
		for i := range 6 {
			broken := e.stream(p.host.ID())
			e.publish(t, "t", strings.Repeat("x", 20_000))
			require.Eventually(t, func() bool { return e.stream(p.host.ID()) != broken }, patience, tick)
			text := fmt.Sprint("after ", i)
			e.publish(t, "t", text)
			await(t, text, p.change, func() bool { return slices.Contains(p.received(), text) })
		}
		e.events.awaitWarning(t, string(streamBroken))
		d := e.events.awaitDrop(t, unconfirmed)
		require.True(t, d.UpTo)
		require.Equal(t, p.host.ID(), d.Peer)
	})
}

func TestAMessageThatIsTooLargeIsToldAndTheNextOnesCome(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e, p := newEnd(t, floodSub), newPlain(t, floodSub, 100<<20)
		require.NoError(t, e.Subscribe("t"))
		topic := p.join(t, "t")
		e.meetPlain(t, p)
		publish := func(data []byte) error { return topic.Publish(t.Context(), data) }
		arrives(t, "before", publish, e.received)
		large := make([]byte, 3*maxMessage)
		require.NoError(t, publish(large))
		require.NoError(t, publish(large))
		require.NoError(t, publish([]byte("after")))
		await(t, "after", e.port.Changed, func() bool { return slices.Contains(e.received(), "after") })
		await(t, "both drops", e.events.change, func() bool { return e.events.sum(tooLarge) == load{2, 2 * len(large)} })
		d := e.events.awaitDrop(t, tooLarge)
		require.Equal(t, "t", d.Topic)
		require.Equal(t, p.host.ID(), d.Peer)
		require.False(t, d.UpTo)
		require.Empty(t, e.events.warnings, "nothing broke")
	})
}

func TestAPlainPublisherWhoseStreamBrokeIsToldOfTheSubscriptionsAgain(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e, p := newEnd(t, floodSub), newPlain(t, floodSub, maxMessage)
		require.NoError(t, e.Subscribe("t"))
		topic := p.join(t, "t")
		e.meetPlain(t, p)
		publish := func(data []byte) error { return topic.Publish(t.Context(), data) }
		arrives(t, "before", publish, e.received)
		for i := range 3 {
			require.Positive(t, resetStreams(e.host, network.DirInbound))
			arrives(t, fmt.Sprint("after break ", i), publish, e.received)
		}
	})
}

func TestNothingIsForgottenWhenTheStreamsBetweenTwoNodesBreak(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		a, b := meet(t, floodSub)
		require.NoError(t, a.Subscribe("t"))
		require.NoError(t, b.Subscribe("t"))
		a.awaitPeer(t, "t", b.host.ID())
		b.awaitPeer(t, "t", a.host.ID())
		for i := range 4 {
			for _, direction := range []network.Direction{network.DirInbound, network.DirOutbound} {
				require.Positive(t, resetStreams(a.host, direction))
				text := fmt.Sprint(direction, i)
				arrives(t, text, a.publishTo("t"), b.received)
				arrives(t, text, b.publishTo("t"), a.received)
			}
		}
	})
}

func TestWhatThePeerLeavesBehindIsForgotten(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e := newEnd(t, floodSub)
		require.NoError(t, e.Subscribe("t"))
		for range 10 {
			r := newRaw(t, e, readAll)
			r.subscribe(t, "t", "u")
			e.awaitPeer(t, "t", r.host.ID())
			e.publish(t, "t", "something")
			require.NoError(t, r.host.Close())
			await(t, "nobody in the topic", e.events.change, func() bool { return len(e.roster.of("t")) == 0 })
		}
		require.Eventually(t, func() bool {
			e.streams.mu.Lock()
			defer e.streams.mu.Unlock()
			e.roster.mu.Lock()
			defer e.roster.mu.Unlock()
			e.streams.validation.mu.Lock()
			defer e.streams.validation.mu.Unlock()
			e.streams.backlog.mu.Lock()
			defer e.streams.backlog.mu.Unlock()
			e.streams.subscriptions.mu.Lock()
			defer e.streams.subscriptions.mu.Unlock()
			return len(e.streams.peers) == 0 && len(e.roster.reached) == 0 && len(e.streams.validation.peers) == 0 &&
				e.streams.backlog.bytes == 0 && e.streams.backlog.oldest == nil && e.streams.subscriptions.cost == 0
		}, patience, tick)
	})
}

func TestWhatTheRouterGivesUpIsTold(t *testing.T) {
	e := newEnd(t, false)
	e.streams.queued("peer", load{3, 300})
	e.streams.passed("peer", load{1, 100})
	e.streams.gone("peer")
	require.Equal(t, Drop{Reason: outboundFull, Peer: "peer", Messages: 2, Bytes: 200}, e.events.awaitDrop(t, outboundFull))
	require.Empty(t, e.streams.peers)
	e.streams.queued("another", load{1, 100})
	e.Close()
	require.Equal(t, load{3, 300}, e.events.sum(outboundFull))
}

func TestAPeerCannotMakeANodeConnectToOthers(t *testing.T) {
	e := newEnd(t, false)
	stranger := newHost(t)
	require.ErrorIs(t, routerHost{e.host, e.streams}.Connect(t.Context(), peer.AddrInfo{ID: stranger.ID(), Addrs: stranger.Addrs()}), errStranger)

	forever := uint64(1 << 40)
	r := &router{streams: e.streams, reached: map[peer.ID]struct{}{"known": {}}}
	control := func() *pb.ControlMessage {
		return &pb.ControlMessage{
			Prune: []*pb.ControlPrune{{Backoff: &forever, Peers: []*pb.PeerInfo{{PeerID: []byte(stranger.ID())}}}},
			Graft: []*pb.ControlGraft{{}},
		}
	}
	tamed := r.tame("known", control())
	require.Empty(t, tamed.Prune[0].Peers)
	require.LessOrEqual(t, tamed.Prune[0].GetBackoff(), uint64(maxPruneBackoff.Seconds()))
	require.Len(t, tamed.Graft, 1)
	tamed = r.tame("without a stream", control())
	require.Empty(t, tamed.Prune)
	require.Empty(t, tamed.Graft)
}

func TestWhatPeersSayThatTheyDoNotWantIsBounded(t *testing.T) {
	e := newEnd(t, false)
	r := &router{streams: e.streams, reached: map[peer.ID]struct{}{"known": {}}}
	ids := make([]string, maxUnwanted)
	require.NotEmpty(t, r.tame("known", &pb.ControlMessage{Idontwant: []*pb.ControlIDontWant{{MessageIDs: ids}}}).Idontwant)
	require.Empty(t, r.tame("known", &pb.ControlMessage{Idontwant: []*pb.ControlIDontWant{{MessageIDs: ids[:1]}}}).Idontwant)
}

// reluctant is a host that opens no stream at first.
type reluctant struct {
	host.Host
	refusals atomic.Int32
}

func (r *reluctant) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	switch {
	case r.refusals.Add(-1) < 0:
		return r.Host.NewStream(ctx, p, protocols...)
	case r.refusals.Load()%2 == 0:
		return nil, errGone
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAPeerIsReachedAlthoughItsStreamCouldNotBeOpenedAtFirst(t *testing.T) {
	for refusals := range 3 {
		h := &reluctant{Host: newHost(t)}
		h.refusals.Store(int32(refusals))
		a, b := &end{host: h, port: porttest.New(), events: newHeard()}, newEnd(t, false)
		var err error
		a.Service, err = New(h, Config{MaxMessageSize: maxMessage, MaxTopicMessageSize: maxMessage, Port: a.port, Events: a.events})
		require.NoError(t, err)
		t.Cleanup(a.Close)
		require.NoError(t, b.Subscribe("t"))
		a.connect(t, b)
		a.known(t, "t", b.host.ID())
		a.publish(t, "t", "there")
		b.awaitMessages(t, "there")
	}
}

func TestAPeerThatLeavesAsItShouldIsNotSaidToHaveMissedAnything(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		a, b := meet(t, floodSub)
		require.NoError(t, b.Subscribe("t"))
		a.known(t, "t", b.host.ID())
		a.publish(t, "t", "there")
		b.awaitMessages(t, "there")
		b.Flush(t.Context())
		b.Close()
		require.NoError(t, b.host.Close())
		await(t, "nobody in the topic", a.events.change, func() bool { return len(a.roster.of("t")) == 0 })
		require.Eventually(t, func() bool {
			a.streams.mu.Lock()
			defer a.streams.mu.Unlock()
			return len(a.streams.peers) == 0
		}, patience, tick)
		a.drops.tell()
		require.Empty(t, a.events.told)
		require.Empty(t, a.events.warnings)
	})
}
