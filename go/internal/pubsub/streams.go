package pubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// Codes of warnings.
const (
	// streamBroken: messages of topics to a peer may be lost, others follow.
	streamBroken boundary.Code = "TOPIC_STREAM_BROKEN"
	// peerCut: a peer sends what is badly signed, and is not listened to for a while.
	peerCut boundary.Code = "TOPIC_PEER_CUT"
	// tooManyTopics: a peer subscribes to more than is kept of it.
	tooManyTopics boundary.Code = "TOPIC_SUBSCRIPTIONS"
)

// watchPause is how long the router has time to open a stream to a connected peer by itself.
const watchPause = time.Second

// streams are those between the router and all peers: one that a peer has opened, and one that is opened to it.
type streams struct {
	host          host.Host
	ctx           context.Context
	events        Events
	drops         *drops
	backlog       *backlog
	history       *history
	validation    *validation
	faults        *faults
	subscriptions *subscriptions
	unfinished    *unfinishedMessages
	// maxMessage bounds a message that comes in.
	maxMessage int
	pokes      event.Emitter
	wg         sync.WaitGroup

	mu     sync.Mutex
	peers  map[peer.ID]*remote
	closed bool
}

func newStreams(ctx context.Context, h host.Host, config Config, drops *drops) (*streams, error) {
	pokes, err := h.EventBus().Emitter(new(event.EvtPeerProtocolsUpdated))
	if err != nil {
		return nil, err
	}
	return &streams{
		host: h, ctx: ctx, events: config.Events, drops: drops, maxMessage: config.MaxMessageSize, pokes: pokes,
		backlog: newBacklog(drops), history: newHistory(), validation: newValidation(ctx), faults: newFaults(),
		subscriptions: newSubscriptions(), unfinished: newUnfinished(ctx), peers: map[peer.ID]*remote{},
	}, nil
}

// close returns when nothing is written any more, and what was not has been told. It comes after the end of ctx.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, r := range s.peers {
		if r.queued.messages > 0 {
			s.drops.count(drop{reason: outboundFull, peer: p}, r.queued)
		}
		r.queued = load{}
	}
	_ = s.pokes.Close()
}

// remote is what is kept of a peer for as long as there is a stream, or something accepted for one.
type remote struct {
	inbound  *inbound
	outbound *outbound
	// again: a stream that the peer opened has ended, or was replaced.
	again bool
	// left: the last of them was ended by the peer as it should be, when it stops.
	left bool
	// queued is what the router has accepted for the peer and not written yet; a write may be told before its queueing.
	queued load
}

func (s *streams) connected(p peer.ID) bool {
	return s.host.Network().Connectedness(p) == network.Connected
}

// remote finds or makes what is kept of a peer; the caller holds mu.
func (s *streams) remote(p peer.ID) *remote {
	r := s.peers[p]
	if r == nil {
		r = &remote{}
		s.peers[p] = r
	}
	return r
}

// release forgets a peer of which nothing is left; the caller holds mu.
func (s *streams) release(p peer.ID) {
	if r := s.peers[p]; r != nil && r.inbound == nil && r.outbound == nil && r.queued == (load{}) {
		delete(s.peers, p)
	}
}

// open makes the stream that the router asks for. Where the peer lets it wait, it is opened later.
func (s *streams) open(ctx context.Context, p peer.ID, protocols []protocol.ID) (network.Stream, error) {
	opening, cancel := context.WithTimeout(ctx, firstOpenTimeout)
	defer cancel()
	str, err := s.host.NewStream(network.WithNoDial(opening, "pubsub"), p, protocols...)
	var o *outbound
	if err == nil {
		o = newOutbound(s, p, str.Conn(), str.Protocol())
	} else if conn, id := s.reach(p, protocols); conn != nil && errors.Is(err, context.DeadlineExceeded) {
		o = newOutbound(s, p, conn, id)
	} else {
		s.watch(p)
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		if str != nil {
			_ = str.Reset()
		}
		return nil, errGone
	}
	s.remote(p).outbound = o
	s.wg.Add(1)
	guard.Go("pubsub: to a peer", func() {
		defer s.wg.Done()
		o.run(str)
	})
	return o, nil
}

// reach finds a connection to a peer, and the protocol that it would take on it.
func (s *streams) reach(p peer.ID, protocols []protocol.ID) (network.Conn, protocol.ID) {
	id, err := s.host.Peerstore().FirstSupportedProtocol(p, protocols...)
	if err != nil || id == "" {
		return nil, ""
	}
	for _, conn := range s.host.Network().ConnsToPeer(p) {
		if !conn.Stat().Limited {
			return conn, id
		}
	}
	return nil, ""
}

// accept reads the stream that a peer has opened, until it ends.
func (s *streams) accept(str network.Stream, handle network.StreamHandler) {
	p := str.Conn().RemotePeer()
	if s.faults.cut(p) {
		_ = str.Reset()
		return
	}
	in := newInbound(s, str)
	s.mu.Lock()
	r := s.remote(p)
	again, o := r.again || r.inbound != nil, r.outbound
	r.inbound, r.again, r.left = in, true, false
	s.mu.Unlock()
	defer func() {
		in.end()
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.inbound == in {
			r.inbound, r.left = nil, in.left
		}
		s.release(p)
	}()
	// Who opens another stream may have lost the one before, and what it knew of this node's subscriptions with it.
	if again && o != nil {
		o.announce()
	}
	handle(in)
}

// fault counts a message of a peer that is badly signed.
func (s *streams) fault(p peer.ID, bytes int) {
	if !s.faults.add(p, bytes) {
		return
	}
	s.events.Warn(peerCut, "peer "+p.String()+" passes on messages that are badly signed; what it sends to topics is not read for a minute")
	s.cut(p)
}

// cut ends the stream of a peer that is not listened to any more.
func (s *streams) cut(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.peers[p]; r != nil && r.inbound != nil {
		_ = r.inbound.Reset()
	}
}

func (s *streams) left(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[p]
	return r != nil && r.left
}

// queued: the router has accepted messages for a peer.
func (s *streams) queued(p peer.ID, l load) {
	if l.messages == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remote(p)
	r.queued = r.queued.plus(l)
}

// passed: the router has written them.
func (s *streams) passed(p peer.ID, l load) {
	if l.messages == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remote(p)
	r.queued = r.queued.minus(l)
}

// ended: there is no stream to a peer any more.
func (s *streams) ended(o *outbound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.peers[o.peer]; r != nil && r.outbound == o {
		r.outbound = nil
		s.release(o.peer)
	}
}

// gone: the router has given up what it had accepted for a peer.
func (s *streams) gone(p peer.ID) {
	s.giveUp(p)
	s.watch(p)
}

func (s *streams) giveUp(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.peers[p]; r != nil {
		if r.queued.messages > 0 {
			s.drops.count(drop{reason: outboundFull, peer: p}, r.queued)
		}
		r.queued = load{}
		s.release(p)
	}
}

// watch sees to it that a connected peer has a stream. The router opens one when it hears what a peer speaks, gives up after a few failures,
// and does not try again for as long as the connection lives; so it is told once more.
func (s *streams) watch(p peer.ID) {
	time.AfterFunc(watchPause, func() {
		guard.Do("pubsub: watch", func() {
			s.mu.Lock()
			r := s.peers[p]
			reached := r != nil && r.outbound != nil
			s.mu.Unlock()
			if reached || s.ctx.Err() != nil {
				return
			}
			s.giveUp(p)
			protocols, err := s.host.Peerstore().GetProtocols(p)
			if err == nil && s.connected(p) {
				_ = s.pokes.Emit(event.EvtPeerProtocolsUpdated{Peer: p, Added: protocols})
			}
		})
	})
}
