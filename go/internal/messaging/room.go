package messaging

import (
	"github.com/libp2p/go-libp2p/core/network"
)

const (
	// chunkSize is what a stream is read into; many frames share a chunk.
	chunkSize = 256 << 10
	// firstChunk is what a stream is read into before it has brought a whole frame, since many strangers may open one.
	firstChunk = 32 << 10
	// readRoom is the least room worth a read; with less, the unfinished frame moves to a new chunk.
	readRoom = 64 << 10
)

// makeRoom sees that there is room behind what was read.
func (r *reader) makeRoom() error {
	if r.frame > chunkSize {
		return r.makeLargeRoom()
	}
	if room := len(r.chunk.Data) - r.to; room == 0 || r.from > 0 && room < readRoom {
		return r.move()
	}
	return nil
}

// makeLargeRoom sees that a large frame has its part of the node's memory, and that its chunk begins with it and grows as it comes.
func (r *reader) makeLargeRoom() (err error) {
	if r.place == nil {
		// Whoever holds a place must not wait for one who waits for that place.
		remote := r.str.remote
		if err := r.s.inTurn(r.str.line); err != nil {
			return err
		}
		if r.place, err = r.s.unfinished.enter(r.str.ctx, &remote.large, remote.budget.isFriend(), r.frame, r.cut); err != nil {
			return err
		}
	}
	if r.from > 0 {
		if err := r.move(); err != nil {
			return err
		}
	}
	if have := len(r.chunk.Data); have == r.to {
		size := min(r.frame, 2*have)
		if err := r.reserve(size, network.ReservationPriorityHigh); err != nil {
			return err
		}
		r.chunk = r.s.Port.Grow(r.chunk, r.to, size)
	}
	return nil
}

// move goes on in a new chunk, which begins with the unfinished frame.
func (r *reader) move() error {
	unfinished := r.chunk.Data[r.from:r.to]
	size := max(chunkSize, len(unfinished)+readRoom)
	if r.chunk.Data == nil {
		size = firstChunk
	}
	if err := r.reserve(size, network.ReservationPriorityAlways); err != nil {
		return err
	}
	chunk := r.s.Port.NewChunk(size)
	copy(chunk.Data, unfinished)
	r.release()
	r.chunk, r.from, r.to = chunk, 0, len(unfinished)
	return nil
}

func (r *reader) release() {
	if r.chunk.Data != nil {
		r.s.Port.Release(r.chunk)
	}
}

// leave gives the place of a large frame back.
func (r *reader) leave(whole bool) {
	if r.place != nil {
		r.s.unfinished.leave(r.place, whole)
		r.place = nil
	}
}

// reserve lets the resource manager know how much memory the stream has, or ends the stream where that is above a limit. Large frames leave
// the last fifth of it to what the connections need.
func (r *reader) reserve(size int, priority uint8) error {
	scope := r.str.Scope()
	if size <= r.reserved {
		scope.ReleaseMemory(r.reserved - size)
	} else if err := scope.ReserveMemory(size-r.reserved, priority); err != nil {
		return noMemory(err, r.to-r.from)
	}
	r.reserved = size
	return nil
}
