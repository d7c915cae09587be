package pubsub

import (
	"slices"
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// maxPruneBackoff is the longest time for which a peer may keep itself out of the mesh: it is remembered for as long.
	maxPruneBackoff = 10 * time.Minute
	// maxUnwanted is how many messages all peers together may say in a second that they do not want.
	maxUnwanted = 20_000
)

// router stands between the pubsub library and GossipSub or FloodSub. The library calls it in its loop, one call at a time, and it may not wait
// for the library.
type router struct {
	libp2ppubsub.PubSubRouter
	// gossip is the same, nil for FloodSub.
	gossip  *libp2ppubsub.GossipSubRouter
	self    peer.ID
	roster  *roster
	streams *streams

	// reached are the peers that there is a stream to.
	reached map[peer.ID]struct{}
	// pushed is what the messages of an RPC cost that go to validation.
	pushed int
	// sent are the peers that a message has gone to while it is published.
	sent       map[peer.ID]struct{}
	publishing bool
	// unwanted counts since counted.
	unwanted int
	counted  time.Time
}

// Protocols are all that streams of topics can speak.
func Protocols() []protocol.ID { return slices.Clone(libp2ppubsub.GossipSubDefaultProtocols) }

// floodSub knows its protocols; the library sets them only where it makes the whole.
type floodSub struct{ libp2ppubsub.FloodSubRouter }

func (*floodSub) Protocols() []protocol.ID { return []protocol.ID{libp2ppubsub.FloodSubID} }

func newRouter(h host.Host, s *Service) *router {
	r := &router{self: h.ID(), roster: s.roster, streams: s.streams, reached: map[peer.ID]struct{}{}, sent: map[peer.ID]struct{}{}}
	if s.FloodSub {
		r.PubSubRouter = &floodSub{}
	} else {
		r.gossip = libp2ppubsub.DefaultGossipSubRouter(h)
		r.PubSubRouter = r.gossip
	}
	return r
}

// guarded runs what the library calls.
func guarded(fn func()) { guard.Do("pubsub: router", fn) }

// asked is the same for what it asks; no, when it panics.
func asked(fn func() bool) (answer bool) {
	guarded(func() { answer = fn() })
	return answer
}

// OnNewOutboundStream implements libp2ppubsub.PubSubRouter.
func (r *router) OnNewOutboundStream(p peer.ID, id protocol.ID, hello *libp2ppubsub.RPC) *libp2ppubsub.RPC {
	guarded(func() {
		r.reached[p] = struct{}{}
		hello = r.PubSubRouter.OnNewOutboundStream(p, id, hello)
		r.roster.reach(p, true)
	})
	return hello
}

// OnClosedOutboundStream implements libp2ppubsub.PubSubRouter.
func (r *router) OnClosedOutboundStream(p peer.ID) {
	guarded(func() {
		delete(r.reached, p)
		r.PubSubRouter.OnClosedOutboundStream(p)
		r.streams.gone(p)
		r.roster.reach(p, false)
	})
}

// OnClosedIncomingStream implements libp2ppubsub.PubSubRouter. GossipSub keeps something of each peer, whatever it speaks, and forgets only
// those that speak the newest version.
func (r *router) OnClosedIncomingStream(p peer.ID, id protocol.ID) {
	guarded(func() {
		if r.gossip != nil {
			id = libp2ppubsub.GossipSubID_v13
		}
		r.PubSubRouter.OnClosedIncomingStream(p, id)
	})
}

// Preprocess implements libp2ppubsub.PubSubRouter; these messages go to validation next.
func (r *router) Preprocess(from peer.ID, messages []*libp2ppubsub.Message) {
	guarded(func() {
		if from != r.self {
			c := r.streams.validation.of(from)
			for _, m := range messages {
				m.ValidatorData = c
				r.pushed += costOf(len(m.GetData()))
			}
		}
		r.PubSubRouter.Preprocess(from, messages)
	})
}

// HandleRPC implements libp2ppubsub.PubSubRouter; it comes last for each RPC.
func (r *router) HandleRPC(rpc *libp2ppubsub.RPC) {
	guarded(func() {
		ignored := costOfAll(rpc) - r.pushed
		r.pushed = 0
		r.streams.validation.settle(r.streams.validation.of(rpc.From()), ignored)
		if rpc.Control != nil {
			rpc.Control = r.tame(rpc.From(), rpc.Control)
		}
		r.PubSubRouter.HandleRPC(rpc)
	})
}

// tame takes out of a control message what would make the router keep much, or connect to strangers.
func (r *router) tame(from peer.ID, control *pb.ControlMessage) *pb.ControlMessage {
	if _, reached := r.reached[from]; !reached {
		// What the router has for a peer without a stream is never forgotten.
		return &pb.ControlMessage{Extensions: control.Extensions}
	}
	for _, prune := range control.Prune {
		prune.Peers = nil
		if longest := uint64(maxPruneBackoff / time.Second); prune.GetBackoff() > longest {
			prune.Backoff = &longest
		}
	}
	if now := time.Now(); now.Sub(r.counted) > time.Second {
		r.unwanted, r.counted = 0, now
	}
	for _, unwanted := range control.Idontwant {
		r.unwanted += len(unwanted.GetMessageIDs())
	}
	if r.unwanted > maxUnwanted {
		control.Idontwant = nil
	}
	return control
}

// Publish implements libp2ppubsub.PubSubRouter. GossipSub sends a message to its mesh, and takes in a new subscriber at the next heartbeat;
// what was published before that would go past it, and would not always be gossiped to it later. So a node's own messages go to every
// subscriber it has told of.
func (r *router) Publish(m *libp2ppubsub.Message) {
	guarded(func() {
		if r.gossip == nil {
			r.PubSubRouter.Publish(m)
			return
		}
		kept := *m
		clear(r.sent)
		r.publishing = m.ReceivedFrom == r.self
		r.gossip.Publish(&kept)
		r.streams.history.put(&kept)
		if r.publishing {
			r.publishing = false
			for _, p := range r.roster.of(m.GetTopic()) {
				if _, sent := r.sent[p]; !sent {
					r.gossip.SendControl(p, &pb.ControlMessage{}, m.Message)
				}
			}
		}
	})
}

// sending notes that an RPC goes to a peer, or has found no room.
func (r *router) sending(rpc *libp2ppubsub.RPC, p peer.ID) {
	if r.publishing && len(rpc.GetPublish()) > 0 {
		r.sent[p] = struct{}{}
	}
}
