package messaging

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// reader turns what a stream brings into delivered runs of whole frames.
type reader struct {
	s     *Service
	str   *stream
	chunk boundary.Chunk
	// chunk.Data[from:to] is what was read and not delivered; it begins with a frame.
	from, to int
	// frame is the size of the frame at from, 0 while unknown; place is the frame's part of the node's memory, when it is a large one.
	frame    int
	place    *place
	patience *patience
	// slow: the frame at from was cut off.
	slow atomic.Bool
	// reserved is what the resource manager knows of.
	reserved int
}

// read runs for as long as the stream lives. Memory grows only with bytes that have arrived, never with an announced length.
func (s *Service) read(str *stream) {
	r := newReader(s, str)
	err := r.run()
	r.close()
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		str.resetWith(refused.code)
		s.refusals.add(str.remote.id, refused)
	case errors.Is(err, io.EOF) && r.from == r.to:
		err = nil
	}
	s.detach(str, err)
}

func newReader(s *Service, str *stream) *reader {
	r := &reader{s: s, str: str}
	r.patience = newPatience(r.cut)
	return r
}

func (r *reader) close() {
	r.patience.stop()
	r.leave(false)
	r.release()
	r.str.Scope().ReleaseMemory(r.reserved)
}

// cut ends a frame that does not come; it may be called from anywhere.
func (r *reader) cut() {
	r.slow.Store(true)
	r.str.resetWith(codeTooSlow)
}

func (r *reader) run() error {
	err := r.readAll()
	if r.slow.Load() {
		return &refusal{codeTooSlow, r.to - r.from}
	}
	return err
}

// readAll ends with the first error of the stream, whatever it is: none of them leaves one that is worth another read.
func (r *reader) readAll() error {
	for {
		// A large frame that has its place is read to its end, so that nobody waits for that place because a program is slow.
		if r.place == nil {
			if _, err := r.str.remote.budget.admit(r.str.ctx); err != nil {
				return err
			}
		}
		if err := r.makeRoom(); err != nil {
			return err
		}
		heard := r.str.listen()
		n, err := r.readOnce()
		heard()
		r.to += n
		if refused := r.deliver(); refused != nil {
			return refused
		}
		if err != nil {
			return err
		}
	}
}

// readOnce is patient without an end between frames, where a stream may rest for ever. It does not go beyond the end of a large frame, so that
// the next one does not begin in memory of that size.
func (r *reader) readOnce() (n int, err error) {
	into := r.chunk.Data[r.to:]
	if r.from == r.to {
		return r.str.Read(into)
	}
	if r.place != nil {
		into = into[:min(len(into), r.frame-r.to)]
	}
	r.patience.waits()
	n, err = r.str.Read(into)
	r.patience.got(n)
	if r.place != nil {
		r.s.unfinished.bring(r.place, n)
	}
	return n, err
}

// deliver hands the whole frames to JavaScript, also those before one that it refuses.
func (r *reader) deliver() error {
	end, cost := r.from, 0
	var refused error
	for {
		size, payload, err := frameAt(r.chunk.Data[end:r.to], r.s.MaxMessageSize)
		refused, r.frame = err, size
		if err != nil || size == 0 || end+size > r.to {
			break
		}
		if read, marks, is := readReceipt(r.chunk.Data[end : end+size]); is {
			r.s.received(r.str.line, read, marks)
			if err := r.hand(end, cost); err != nil {
				return err
			}
			end, cost = end+size, 0
			r.from = end
			continue
		}
		end += size
		cost += payload + boundary.MessageOverhead
	}
	if err := r.hand(end, cost); err != nil {
		return err
	}
	return refused
}

// hand gives a run of whole frames away. A large one comes alone.
func (r *reader) hand(end, cost int) error {
	if end == r.from {
		return nil
	}
	large := r.place != nil
	r.leave(true)
	if err := r.s.inTurn(r.str.line); err != nil {
		return err
	}
	// Many may have read while there was room for one of them.
	if _, err := r.str.remote.budget.admit(r.str.ctx); err != nil {
		return err
	}
	r.str.remote.budget.spend(cost)
	r.str.taken.Add(uint64(end - r.from))
	r.s.Port.Deliver(r.str.inlet, r.chunk, r.from, end)
	r.from = end
	r.patience.renew()
	if large {
		return r.move()
	}
	return nil
}
