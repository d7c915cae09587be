package messaging

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

const (
	// chunkSize is what a stream is read into; many frames share a chunk.
	chunkSize = 256 << 10
	// readRoom is the least room worth a read; with less, the unfinished frame moves to a new chunk.
	readRoom = 64 << 10
	// deadlineStep keeps a busy stream from setting a deadline at every read.
	deadlineStep = time.Second
)

// reader turns what a stream brings into delivered runs of whole frames.
type reader struct {
	s     *Service
	str   *stream
	chunk boundary.Chunk
	// chunk.Data[from:to] is what was read and not delivered; it begins with a frame.
	from, to int
	// frame is the size of the frame at from, 0 while unknown.
	frame int
	// bounded: the frame at from has a deadline, which was set at boundedAt for it or for one shortly before.
	bounded   bool
	boundedAt time.Time
	large     bool
}

// read runs for as long as the stream lives. Memory grows only with bytes that have arrived, never with an announced length.
func (s *Service) read(str *stream) {
	r := &reader{s: s, str: str, chunk: s.Port.NewChunk(chunkSize)}
	err := r.run()
	r.leaveLarge()
	s.Port.Release(r.chunk)
	if errors.Is(err, io.EOF) && r.from == r.to {
		err = nil
	}
	s.detach(str, err)
}

func (r *reader) run() error {
	for {
		waited, err := r.str.remote.budget.admit(r.s.ctx)
		if err != nil {
			return err
		}
		if waited {
			r.bounded, r.boundedAt = false, time.Time{}
		}
		if err := r.bound(); err != nil {
			return err
		}
		n, err := r.str.Read(r.chunk.Data[r.to:])
		r.to += n
		if frameErr := r.deliver(); frameErr != nil {
			return frameErr
		}
		if err != nil {
			// A deadline that was set for a frame which has come meanwhile means nothing.
			var netErr net.Error
			if r.frame == 0 && errors.As(err, &netErr) && netErr.Timeout() {
				if err := r.str.SetReadDeadline(time.Time{}); err != nil {
					return err
				}
				continue
			}
			return err
		}
		if err := r.makeRoom(); err != nil {
			return err
		}
	}
}

// bound gives a started frame its deadline; between frames a stream may rest for ever.
func (r *reader) bound() error {
	if r.frame == 0 || r.bounded {
		return nil
	}
	r.bounded = true
	now := time.Now()
	if r.frame <= chunkSize && now.Sub(r.boundedAt) < deadlineStep {
		return nil
	}
	r.boundedAt = now
	return r.str.SetReadDeadline(now.Add(frameTimeout(r.frame)))
}

// deliver hands the whole frames to JavaScript.
func (r *reader) deliver() error {
	end, cost := r.from, 0
	for {
		size, payload, err := frameAt(r.chunk.Data[end:r.to], r.s.MaxMessageSize)
		if err != nil {
			return err
		}
		r.frame = size
		if size == 0 || end+size > r.to {
			break
		}
		end += size
		cost += payload + boundary.MessageOverhead
	}
	if end == r.from {
		return nil
	}
	r.str.remote.inTurn(r.str.line)
	r.str.remote.budget.spend(cost)
	r.s.Port.Deliver(r.str.inlet, r.chunk, r.from, end)
	r.from = end
	r.bounded = false
	r.leaveLarge()
	return nil
}

// makeRoom sees that the frame at from can go on growing where it lies, or moves it to where it can.
func (r *reader) makeRoom() error {
	room := len(r.chunk.Data) - r.to
	if r.frame > chunkSize && !r.large {
		select {
		case r.str.remote.large <- struct{}{}:
			r.large = true
		case <-r.s.ctx.Done():
			return r.s.ctx.Err()
		}
	}
	switch {
	case r.frame > chunkSize && r.from > 0:
		r.move(chunkSize)
	case r.frame > chunkSize && room == 0:
		r.chunk = r.s.Port.Grow(r.chunk, min(r.frame, 2*len(r.chunk.Data)))
	case r.frame <= chunkSize && r.from > 0 && room < readRoom:
		r.move(chunkSize)
	}
	if len(r.chunk.Data) == r.to {
		return network.ErrResourceLimitExceeded
	}
	return nil
}

// move copies the unfinished frame to the beginning of a new chunk.
func (r *reader) move(size int) {
	chunk := r.s.Port.NewChunk(size)
	r.to = copy(chunk.Data, r.chunk.Data[r.from:r.to])
	r.from = 0
	r.s.Port.Release(r.chunk)
	r.chunk = chunk
}

func (r *reader) leaveLarge() {
	if r.large {
		r.large = false
		<-r.str.remote.large
	}
}
