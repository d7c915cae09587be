package messaging

import (
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
)

// Receiving is told of the frame that a channel puts together from its parts, and decides whether it goes on.
type Receiving interface {
	// Waits comes before a wait for more of a frame that has begun.
	Waits()
	// Got comes after each part with its size and that of the whole frame; an error ends the channel.
	Got(bytes, frame int) error
	// Dropped tells that the rest of a frame does not come, and how much has.
	Dropped(bytes int)
	// Malformed tells that what came is no frame; it ends the channel.
	Malformed(bytes int)
}

// receiving is Receiving with the rules that a reader has for streams.
type receiving struct {
	s        *Service
	c        *channel
	patience *patience
	// came is what came of the frame, place its part of the node's memory, when it is a large one.
	came  int
	place *place
	// refused is why the channel is ended; slow: the frame was cut off.
	refused *refusal
	slow    atomic.Bool
	// memory is the peer's scope, reserved what was taken from it.
	memory   network.ResourceScopeSpan
	reserved int
}

func newReceiving(s *Service, c *channel) (*receiving, error) {
	r := &receiving{s: s, c: c}
	r.patience = newPatience(r.cut)
	err := s.host.Network().ResourceManager().ViewPeer(c.remote.id, func(scope network.PeerScope) (err error) {
		r.memory, err = scope.BeginSpan()
		return err
	})
	return r, err
}

func (r *receiving) close() {
	r.patience.stop()
	r.leave(false)
	r.memory.Done()
}

func (r *receiving) cut() {
	r.slow.Store(true)
	_ = r.c.Close()
}

func (r *receiving) Waits() { r.patience.waits() }

func (r *receiving) Got(bytes, frame int) error {
	r.patience.got(bytes)
	r.came += bytes
	if frame > lengthBytes+r.s.MaxMessageSize {
		return r.refuse(codeTooLarge, frame-lengthBytes)
	}
	if frame <= chunkSize {
		return nil
	}
	if err := r.enter(frame); err != nil {
		return err
	}
	r.s.unfinished.bring(r.place, bytes)
	if r.came <= r.reserved {
		return nil
	}
	size := min(frame, 2*r.came)
	if err := r.memory.ReserveMemory(size-r.reserved, network.ReservationPriorityHigh); err != nil {
		return noMemory(err, r.came)
	}
	r.reserved = size
	return nil
}

func (r *receiving) enter(frame int) (err error) {
	if r.place != nil {
		return nil
	}
	remote := r.c.remote
	if err := r.s.inTurn(r.c.line); err != nil {
		return err
	}
	r.place, err = r.s.unfinished.enter(r.c.ctx, &remote.large, remote.budget.isFriend(), frame, r.cut)
	return err
}

func (r *receiving) Dropped(bytes int) {
	r.ends(false)
	r.s.refusals.add(r.c.remote.id, &refusal{codeTooSlow, bytes})
}

func (r *receiving) Malformed(bytes int) { _ = r.refuse(codeMalformed, bytes) }

func (r *receiving) refuse(code network.StreamErrorCode, bytes int) error {
	r.refused = &refusal{code, bytes}
	return r.refused
}

// ends is for a frame that is whole, or dropped.
func (r *receiving) ends(whole bool) {
	r.leave(whole)
	r.memory.ReleaseMemory(r.reserved)
	r.came, r.reserved = 0, 0
	r.patience.renew()
}

func (r *receiving) leave(whole bool) {
	if r.place != nil {
		r.s.unfinished.leave(r.place, whole)
		r.place = nil
	}
}

// why is what the channel's error means: it may be this side that has ended it.
func (r *receiving) why(err error) error {
	switch {
	case r.refused != nil:
		return r.refused
	case r.slow.Load():
		return &refusal{codeTooSlow, r.came}
	}
	return err
}
