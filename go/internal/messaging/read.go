package messaging

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

const (
	// chunkSize is what a stream is read into; many frames share a chunk.
	chunkSize = 256 << 10
	// readRoom is the least room worth a read; with less, the unfinished frame moves to a new chunk.
	readRoom = 64 << 10
)

// reader turns what a stream brings into delivered runs of whole frames.
type reader struct {
	s     *Service
	str   *stream
	chunk boundary.Chunk
	// chunk.Data[from:to] is what was read and not delivered; it begins with a frame.
	from, to int
	// frame is the size of the frame at from, 0 while unknown.
	frame    int
	large    bool
	patience *patience
	// slow: the patience with the frame at from has ended.
	slow atomic.Bool
}

// read runs for as long as the stream lives. Memory grows only with bytes that have arrived, never with an announced length.
func (s *Service) read(str *stream) {
	r := newReader(s, str)
	err := r.run()
	r.close()
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		_ = str.ResetWithError(refused.code)
		loss := refused.loss()
		loss.Peer = str.remote.id
		s.Events.Lost(loss)
	case errors.Is(err, io.EOF) && r.from == r.to:
		err = nil
	}
	s.detach(str, err)
}

func newReader(s *Service, str *stream) *reader {
	r := &reader{s: s, str: str, chunk: s.Port.NewChunk(chunkSize)}
	r.patience = newPatience(func() {
		r.slow.Store(true)
		_ = r.str.ResetWithError(codeTooSlow)
	})
	return r
}

func (r *reader) close() {
	r.patience.stop()
	r.leaveLarge()
	r.s.Port.Release(r.chunk)
}

// run ends with the first error of the stream, whatever it is: none of them leaves one that is worth another read.
func (r *reader) run() error {
	for {
		if _, err := r.str.remote.budget.admit(r.str.ctx); err != nil {
			return err
		}
		heard := r.str.listen()
		n, err := r.readOnce()
		heard()
		r.to += n
		if refused := r.deliver(); refused != nil {
			return refused
		}
		if r.slow.Load() {
			return &refusal{codeTooSlow, r.to - r.from}
		}
		if err != nil {
			return err
		}
		if err := r.makeRoom(); err != nil {
			return err
		}
	}
}

// readOnce is patient without an end between frames, where a stream may rest for ever.
func (r *reader) readOnce() (n int, err error) {
	if r.from == r.to {
		return r.str.Read(r.chunk.Data[r.to:])
	}
	r.patience.waits()
	n, err = r.str.Read(r.chunk.Data[r.to:])
	r.patience.got(n)
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
		if read, is := readReceipt(r.chunk.Data[end : end+size]); is {
			r.str.confirmed.Store(read >= r.str.tail.all())
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

// hand gives a run of whole frames away.
func (r *reader) hand(end, cost int) error {
	if end == r.from {
		return nil
	}
	if err := r.str.remote.inTurn(r.str.ctx, r.str.line); err != nil {
		return err
	}
	r.str.remote.budget.spend(cost)
	r.str.taken.Add(uint64(end - r.from))
	r.s.Port.Deliver(r.str.inlet, r.chunk, r.from, end)
	r.from = end
	r.patience.renew()
	r.leaveLarge()
	return nil
}

// makeRoom sees that the frame at from can go on growing where it lies, or moves it to where it can.
func (r *reader) makeRoom() error {
	room := len(r.chunk.Data) - r.to
	if r.frame > chunkSize && !r.large {
		// Whoever holds the place for a large frame must not wait for one who waits for that place.
		if err := r.str.remote.inTurn(r.str.ctx, r.str.line); err != nil {
			return err
		}
		select {
		case r.str.remote.large <- struct{}{}:
			r.large = true
		case <-r.str.ctx.Done():
			return r.str.ctx.Err()
		}
	}
	switch {
	case r.frame > chunkSize && r.from > 0:
		r.move()
	case r.frame > chunkSize && room == 0:
		r.chunk = r.s.Port.Grow(r.chunk, r.to, min(r.frame, 2*len(r.chunk.Data)))
	case r.from > 0 && room < readRoom:
		r.move()
	}
	if len(r.chunk.Data) == r.to {
		panic("no room to read on")
	}
	return nil
}

// move copies the unfinished frame to the beginning of a new chunk, where there is room for more of it.
func (r *reader) move() {
	unfinished := r.chunk.Data[r.from:r.to]
	chunk := r.s.Port.NewChunk(max(chunkSize, len(unfinished)+readRoom))
	copy(chunk.Data, unfinished)
	r.from, r.to = 0, len(unfinished)
	r.s.Port.Release(r.chunk)
	r.chunk = chunk
}

func (r *reader) leaveLarge() {
	if r.large {
		r.large = false
		<-r.str.remote.large
	}
}
