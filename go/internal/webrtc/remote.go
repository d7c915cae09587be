package webrtc

import (
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
)

// state is what a node does to have a channel with one peer. It is all that is kept of that, so nothing can contradict it.
type state int

const (
	// idle: nothing is done. Such a peer has no record.
	idle state = iota
	// waiting: relays are the only way to the peer. Hole punching is given its time, or there is a pause after an offer that failed.
	waiting
	// offering: this node has made an offer.
	offering
	// answering: the peer has made one; of two that cross, that of the smaller peer id stands.
	answering
	// open: there is a channel.
	open
	// leaving: the program disconnects the peer, or the node closes. No channel is made; one that there is may be used to its end.
	leaving
)

// follows says which state may come after which, and why.
var follows = map[state][]state{
	idle: {
		waiting,   // a channel is lacking
		answering, // the peer makes an offer
		leaving,   // the program disconnects the peer, or the node closes
	},
	waiting: {
		offering, // the pause is over, and fewer than maxHandshakes are under way
		answering, idle /* no channel is lacking any more */, leaving,
	},
	offering: {
		open,
		waiting,   // it failed
		answering, // two offers have crossed, and the peer's stands
		idle, leaving,
	},
	answering: {open, idle /* it failed, or no channel is lacking any more */, leaving},
	open:      {idle /* it ended */, leaving},
	leaving: {
		idle,
		open,    // the channel was left as it was
		leaving, // for another reason, whose end counts
	},
}

// remote is what a node keeps of a peer that is not idle. Service.mu guards it.
type remote struct {
	id    peer.ID
	state state
	// end ends the context of the state. Whoever works for a state holds its context: once that has ended, the work is in vain.
	end context.CancelFunc
	// channel is what there is while open, and may be while leaving.
	channel *Channel
}

// remoteLocked finds a peer's record, or makes one that is kept when the peer does not stay idle.
func (s *Service) remoteLocked(p peer.ID) *remote {
	if r := s.peers[p]; r != nil {
		return r
	}
	return &remote{id: p, end: func() {}}
}

// becomeLocked changes the state of a peer, which ends what was done for the former one.
func (s *Service) becomeLocked(r *remote, next state) context.Context {
	if !slices.Contains(follows[r.state], next) {
		panic(fmt.Sprintf("a peer's state went from %d to %d", r.state, next))
	}
	r.end()
	ctx, cancel := context.WithCancel(s.ctx)
	r.state, r.end = next, cancel
	s.untold = true
	if next == idle {
		cancel()
		delete(s.peers, r.id)
	} else {
		s.peers[r.id] = r
	}
	return ctx
}

// holdLocked notes the channel to a peer, or that there is none.
func (s *Service) holdLocked(r *remote, c *Channel) {
	if r.channel != nil {
		s.channels--
	}
	if r.channel = c; c != nil {
		s.channels++
	}
	s.untold = true
}

// move changes the state for whoever works for the one that ctx belongs to; not when that has been left meanwhile.
func (s *Service) move(ctx context.Context, r *remote, next state) (context.Context, bool) {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return nil, false
	}
	return s.becomeLocked(r, next), true
}
