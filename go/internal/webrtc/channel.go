package webrtc

import (
	"context"
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/pion/datachannel"
	pion "github.com/pion/webrtc/v4"

	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/messaging"
)

const (
	// highWater is how much may be under way before a writer waits, lowWater when it goes on.
	highWater = 512 << 10
	lowWater  = 128 << 10
	// openingPause is for the Python node: what reaches it before it has set its handler, shortly after opening, is lost there.
	openingPause = 250 * time.Millisecond
	ownAgent     = "unaiverse-p2p/"
	flushStep    = 2 * time.Millisecond
)

// Channel is an open data channel, which carries whole frames: ordered, and reliable for as long as it lives. One caller at a time reads, and
// one writes.
type Channel struct {
	s    *Service
	peer peer.ID
	pc   *pion.PeerConnection
	raw  datachannel.ReadWriteCloser
	dc   *pion.DataChannel
	// low is signalled when little is left of what is under way.
	low  chan struct{}
	done chan struct{}
	once sync.Once
	// ready is when the peer listens.
	ready time.Time
	in    assembly
	// received and chunk are the reader's and the writer's memory for one chunk, kept from call to call.
	received, chunk []byte

	mu sync.Mutex
	// sent holds what frames cost that may be unacknowledged, the oldest first; open is their sum.
	sent []int
	open int
	// left is what was unacknowledged at the end.
	left  int
	ended bool
}

func newChannel(h *handshake, dc *pion.DataChannel) (*Channel, error) {
	raw, err := dc.Detach()
	if err != nil {
		return nil, err
	}
	c := &Channel{
		s: h.s, peer: h.remote.id, pc: h.pc, raw: raw, dc: dc, low: make(chan struct{}, 1), done: make(chan struct{}),
		in: assembly{tell: nobody{}}, received: make([]byte, maxReceived),
	}
	agent, _ := h.s.host.Peerstore().Get(h.remote.id, "AgentVersion")
	if name, _ := agent.(string); !strings.HasPrefix(name, ownAgent) {
		c.ready = time.Now().Add(openingPause)
	}
	dc.SetBufferedAmountLowThreshold(lowWater)
	dc.OnBufferedAmountLow(func() {
		guard.Do("webrtc: low", func() {
			select {
			case c.low <- struct{}{}:
			default:
			}
		})
	})
	if !h.s.start(func() { c.run(h.failed) }) {
		return nil, io.ErrClosedPipe
	}
	return c, nil
}

// run ends the connection when the channel has ended, and the channel when the connection has.
func (c *Channel) run(failed <-chan struct{}) {
	select {
	case <-failed:
		_ = c.Close()
	case <-c.done:
	}
	c.s.ended(c)
	_ = c.raw.Close()
	_ = c.pc.GracefulClose()
	// Only now, because to the peer no channel is lacking before it has heard of the end.
	c.s.consider(c.peer)
}

// nobody is told where nobody has asked to be.
type nobody struct{}

func (nobody) Waits()             {}
func (nobody) Got(int, int) error { return nil }
func (nobody) Dropped(int)        {}
func (nobody) Malformed(int)      {}

var _ messaging.Channel = (*Channel)(nil)

// Tell implements messaging.Channel.
func (c *Channel) Tell(receiving messaging.Receiving) { c.in.tell = receiving }

// ReadFrame returns the next whole frame, which belongs to the caller. While nobody reads, the peer's sending stops.
func (c *Channel) ReadFrame() ([]byte, error) {
	for {
		if c.in.partial != nil {
			c.in.tell.Waits()
		}
		n, _, err := c.raw.ReadDataChannel(c.received)
		if err != nil {
			return nil, err
		}
		frame, err := c.in.add(c.received[:n], time.Now())
		if err != nil || frame != nil {
			return frame, err
		}
	}
}

// WriteFrames sends whole frames and says how many bytes of them were handed over; it waits while too much is under way. Nothing of data is
// referenced afterwards.
func (c *Channel) WriteFrames(data []byte) (n int, err error) {
	if err := c.awaitReady(); err != nil {
		return 0, err
	}
	for n < len(data) {
		end := n + 4 + int(binary.BigEndian.Uint32(data[n:]))
		frame := data[n:end]
		c.note(chunksOf(len(frame)) + len(frame))
		for at := 0; at < len(frame); at += maxChunk - 1 {
			to := min(at+maxChunk-1, len(frame))
			c.chunk = append(append(c.chunk[:0], flagOf(at == 0, to == len(frame))), frame[at:to]...)
			if err := c.writeChunk(c.chunk); err != nil {
				return n, err
			}
		}
		n = end
	}
	return n, nil
}

func (c *Channel) awaitReady() error {
	if wait := time.Until(c.ready); !c.ready.IsZero() && wait > 0 {
		select {
		case <-time.After(wait):
		case <-c.done:
			return io.ErrClosedPipe
		}
	}
	return nil
}

func (c *Channel) writeChunk(chunk []byte) error {
	for c.dc.BufferedAmount() > highWater {
		select {
		case <-c.low:
		case <-c.done:
			return io.ErrClosedPipe
		}
	}
	_, err := c.raw.WriteDataChannel(chunk, false)
	return err
}

// note remembers what a frame costs for as long as it may be unacknowledged.
func (c *Channel) note(cost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trimLocked()
	c.sent = append(c.sent, cost)
	c.open += cost
}

// trimLocked forgets the oldest frames, without which the others account for all that is buffered.
func (c *Channel) trimLocked() {
	buffered := c.bufferedLocked()
	for len(c.sent) > 0 && c.open-c.sent[0] >= buffered {
		c.open -= c.sent[0]
		c.sent = c.sent[1:]
	}
}

func (c *Channel) bufferedLocked() int {
	if c.ended {
		return c.left
	}
	return int(c.dc.BufferedAmount())
}

// Unacknowledged counts the frames that were handed over and that the peer has not acknowledged, and their bytes, also after the end.
func (c *Channel) Unacknowledged() (frames, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trimLocked()
	return len(c.sent), c.bufferedLocked()
}

// Flush returns when the peer has acknowledged everything, or ctx or the channel ends.
func (c *Channel) Flush(ctx context.Context) error {
	ticker := time.NewTicker(flushStep)
	defer ticker.Stop()
	for c.dc.BufferedAmount() > 0 {
		select {
		case <-ticker.C:
		case <-c.done:
			return io.ErrClosedPipe
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the channel; its connection ends soon.
func (c *Channel) Close() error {
	c.once.Do(func() {
		c.mu.Lock()
		c.left, c.ended = c.bufferedLocked(), true
		c.mu.Unlock()
		close(c.done)
	})
	return nil
}
