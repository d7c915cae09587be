package messaging

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// Channel is a WebRTC channel as package webrtc makes it: a way for whole frames, ordered and reliable while it lives.
type Channel interface {
	// ReadFrame returns the next whole frame, which belongs to the caller.
	ReadFrame() ([]byte, error)
	// Tell comes before the first ReadFrame and names who is told of frames that are not whole yet.
	Tell(receiving Receiving)
	// WriteFrames sends whole frames, waits while too much is under way, and says how many bytes of them were taken.
	WriteFrames(data []byte) (n int, err error)
	// Flush returns when the peer has acknowledged everything, or ctx ends.
	Flush(ctx context.Context) error
	// Unacknowledged counts the frames that were taken and not acknowledged, and their bytes, also after the end.
	Unacknowledged() (frames, bytes int)
	Close() error
}

// channel is a WebRTC channel as a path. It has no halves that end by themselves, so two nodes of this module end them by receipts: whoever leaves
// says how much it has read, the other answers when it has read all, to which the first says the same, and closes the channel.
type channel struct {
	Channel
	*line
	s *Service
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
	carried := &channel{c, s.lineLocked(r, webRTC, "webrtc"), s}
	r.paths[carried] = struct{}{}
	s.start(func() { s.readChannel(carried) })
	s.mu.Unlock()
	s.improve(p)
}

func (s *Service) readChannel(c *channel) {
	err := c.read(s)
	var refused *refusal
	if errors.As(err, &refused) {
		s.refusals.add(c.remote.id, refused)
	} else if c.complete.Load() {
		err = nil
	}
	s.detach(c, err)
}

func (c *channel) read(s *Service) error {
	in, err := newReceiving(s, c)
	if err != nil {
		return err
	}
	defer in.close()
	c.Tell(in)
	for {
		if _, err := c.remote.budget.admit(c.ctx); err != nil {
			return err
		}
		heard := c.listen()
		frame, err := c.ReadFrame()
		heard()
		if err != nil {
			return in.why(err)
		}
		in.ends(true)
		if err := c.deliver(s, frame); err != nil {
			return err
		}
	}
}

func (c *channel) deliver(s *Service, frame []byte) error {
	if read, marks, is := readReceipt(frame); is {
		if marks&over != 0 {
			s.wentOver(c.remote, read)
		} else {
			c.ends(read, marks)
		}
		return nil
	}
	if err := s.inTurn(c.line); err != nil {
		return err
	}
	_, payload, err := frameAt(frame, s.MaxMessageSize)
	if len(frame) > lengthBytes && len(frame) == lengthBytes+1+int(frame[lengthBytes]) {
		// The Python node sends an empty payload here, which a stream could not carry.
		return nil
	}
	if err != nil {
		return err
	}
	c.taken.Add(uint64(len(frame)))
	channelEnd := len(frame) - payload
	c.remote.budget.spend(payload + boundary.MessageOverhead)
	s.Port.DeliverOne(c.inlet, string(frame[lengthBytes+1:channelEnd]), frame[channelEnd:])
	return nil
}

func (c *channel) write(data []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.ended.Load() {
		return 0, errEnded
	}
	n, err = c.WriteFrames(data)
	c.tail.add(countFrames(data, n))
	return n, err
}

func (c *channel) note(frame []byte) {
	c.writing.Lock()
	defer c.writing.Unlock()
	_, _ = c.WriteFrames(frame)
}

// finish waits, where the peer does not answer, until it has acknowledged everything, for as long as the channel lives.
func (c *channel) finish([]byte) {
	c.ended.Store(true)
	if c.s.isOurs(c.remote.id) {
		c.note(receipt(c.taken.Load()))
		return
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.Flush(c.ctx) == nil {
		c.confirmed.Store(true)
		c.complete.Store(true)
	}
	_ = c.Close()
}

// ends takes a receipt: the peer writes nothing more, and everything was read.
func (c *channel) ends(read, marks uint64) {
	c.s.departs(c.line)
	c.ended.Store(true)
	c.writing.Lock()
	// What was being written is counted now.
	c.s.received(c.line, read, marks)
	c.writing.Unlock()
	if !c.complete.Swap(true) {
		c.note(c.s.answer(c.line))
	}
	if c.left.Load() && c.confirmed.Load() {
		_ = c.Flush(c.ctx)
		_ = c.Close()
	}
}

func (c *channel) end() { _ = c.Close() }

func (c *channel) reset() {
	c.ended.Store(true)
	c.cancel()
	_ = c.Close()
}
