package messaging

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// Channel is a WebRTC channel as package webrtc makes it: a way for whole frames, ordered and reliable while it lives.
type Channel interface {
	// ReadFrame returns the next whole frame, which belongs to the caller.
	ReadFrame() ([]byte, error)
	// WriteFrames sends whole frames, waits while too much is under way, and says how many bytes of them were taken.
	WriteFrames(data []byte) (n int, err error)
	// Flush returns when the peer has acknowledged everything, or ctx ends.
	Flush(ctx context.Context) error
	// Unacknowledged counts the frames that were taken and not acknowledged, and their bytes, also after the end.
	Unacknowledged() (frames, bytes int)
	Close() error
}

// channel is a WebRTC channel as a path.
type channel struct {
	Channel
	*line
	// leaving: it is this side that ends it, after waiting for what was under way.
	leaving atomic.Bool
}

// Carry takes a channel over for as long as it lives. Messages that took a relay until now go through it from here on.
func (s *Service) Carry(p peer.ID, c Channel) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = c.Close()
		return
	}
	r := s.remoteLocked(p)
	carried := &channel{Channel: c, line: s.lineLocked(r, webRTC, "webrtc")}
	r.paths[carried] = struct{}{}
	s.start(func() { s.readChannel(carried) })
	s.mu.Unlock()
	s.improve(p)
}

func (s *Service) readChannel(c *channel) {
	err := c.deliver(s)
	c.reportLoss(s)
	s.detach(c, err)
}

func (c *channel) deliver(s *Service) error {
	for {
		if _, err := c.remote.budget.admit(s.ctx); err != nil {
			return err
		}
		frame, err := c.ReadFrame()
		if err != nil {
			return err
		}
		c.remote.inTurn(c.line)
		if len(frame) <= lengthBytes || len(frame) <= lengthBytes+1+int(frame[lengthBytes]) {
			// The Python node sends an empty payload here, which a stream could not carry.
			continue
		}
		channelEnd := lengthBytes + 1 + int(frame[lengthBytes])
		payload := frame[channelEnd:]
		c.remote.budget.spend(len(payload) + boundary.MessageOverhead)
		s.Port.DeliverOne(c.inlet, string(frame[lengthBytes+1:channelEnd]), payload)
	}
}

func (c *channel) write(data []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.ended.Load() {
		return 0, io.ErrClosedPipe
	}
	return c.WriteFrames(data)
}

// reportLoss counts what the peer has not acknowledged when a channel breaks: it may have arrived, so it is not sent again.
func (c *channel) reportLoss(s *Service) {
	messages, bytes := c.Unacknowledged()
	s.mu.Lock()
	o := c.remote.outlet
	s.mu.Unlock()
	if messages > 0 && !c.leaving.Load() && o != nil {
		err := boundary.Errorf(boundary.StreamFailed, "the WebRTC connection to peer %s broke", c.remote.id).About(c.remote.id.String())
		s.Events.OutletDown(o.id, o.p, err, messages, bytes)
	}
}

func (c *channel) finish() {
	c.ended.Store(true)
	c.writing.Lock()
	defer c.writing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	err := c.Flush(ctx)
	c.leaving.Store(err == nil || errors.Is(err, context.DeadlineExceeded))
	_ = c.Close()
}

func (c *channel) reset() { _ = c.Close() }
