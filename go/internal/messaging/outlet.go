package messaging

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// outlet is the sending half towards one peer: a queue that JavaScript fills, and the one goroutine that writes it. When its stream breaks it
// opens another and goes on with the first frame that was not written whole; when it cannot, it gives up what it holds and says how much.
type outlet struct {
	s  *Service
	id uint32
	p  peer.ID

	mu      sync.Mutex
	queue   []boundary.Frames
	writing bool
	ending  bool
	// improving: there may be a better path than the relayed one in use.
	improving bool
	// limited: a relay bounds what can be sent, and JavaScript sends one message at a time.
	limited bool
	// changed wakes the writer and those who wait in flush.
	changed *sync.Cond
	// unhook ends the waking at the end of the service.
	unhook func() bool
}

func newOutlet(s *Service, id uint32, p peer.ID) *outlet {
	o := &outlet{s: s, id: id, p: p}
	o.changed = sync.NewCond(&o.mu)
	o.unhook = context.AfterFunc(s.ctx, o.wake)
	return o
}

func (o *outlet) wake() {
	o.mu.Lock()
	o.changed.Broadcast()
	o.mu.Unlock()
}

func (o *outlet) enqueue(frames boundary.Frames) {
	o.mu.Lock()
	o.queue = append(o.queue, frames)
	o.changed.Broadcast()
	o.mu.Unlock()
}

// end lets the writer stop once the queue is written.
func (o *outlet) end() {
	o.mu.Lock()
	o.ending = true
	o.changed.Broadcast()
	o.mu.Unlock()
}

// improve lets the writer look for a better path before it writes on.
func (o *outlet) improve() {
	o.mu.Lock()
	o.improving = true
	o.changed.Broadcast()
	o.mu.Unlock()
}

// setLimited says whether that has changed.
func (o *outlet) setLimited(limited bool) (changed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	changed, o.limited = o.limited != limited, limited
	return changed
}

// tellLimit lets JavaScript know of a path that is limited where the last one was not, or the other way round.
func (o *outlet) tellLimit(p path) {
	if limited := isLimited(p); o.setLimited(limited) {
		o.s.Events.OutletLimited(o.id, limited)
	}
}

func isLimited(p path) bool {
	str, isStream := p.(*stream)
	return isStream && str.circuit != nil
}

// flush returns when all that was enqueued has been written or given up, or when ctx ends.
func (o *outlet) flush(ctx context.Context) {
	defer context.AfterFunc(ctx, o.wake)()
	o.mu.Lock()
	defer o.mu.Unlock()
	for (len(o.queue) > 0 || o.writing) && ctx.Err() == nil && o.s.ctx.Err() == nil {
		o.changed.Wait()
	}
}

func (o *outlet) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue) == 0 && !o.writing
}

// streamGone reports the loss of the last stream while nothing is queued; with something queued the writer finds out by itself.
func (o *outlet) streamGone() {
	if o.idle() {
		o.s.Events.OutletDown(o.id, o.p, boundary.Errorf(boundary.StreamFailed, "the stream to peer %s ended", o.p).About(o.p.String()), 0, 0)
	}
}

func (o *outlet) run() {
	for {
		batch, improving, more := o.next()
		if !more {
			break
		}
		if improving {
			o.s.switchOver(o.p)
			if used := o.s.usable(o.p); used != nil {
				o.tellLimit(used)
			}
		}
		for i, frames := range batch {
			if err := o.write(frames.Data); err != nil {
				o.giveUp(batch[i:], err)
				break
			}
			o.s.Port.Written(frames)
		}
	}
	o.unhook()
	o.s.Port.FreeOutlet(o.id)
}

// next waits for frames and takes all there are, or tells that there may be a better path.
func (o *outlet) next() (batch []boundary.Frames, improving, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	o.changed.Broadcast()
	for len(o.queue) == 0 && !o.improving {
		if o.ending || o.s.ctx.Err() != nil {
			return nil, false, false
		}
		o.changed.Wait()
	}
	batch, o.queue = o.queue, nil
	improving, o.improving = o.improving, false
	o.writing = true
	return batch, improving, true
}

// unwritten is what an error leaves of the frames being written.
type unwritten struct {
	error
	data []byte
}

// write writes whole frames, on a new path from where the last one broke, as long as that gets further.
func (o *outlet) write(data []byte) error {
	for failures := 0; ; {
		used, err := o.s.path(o.s.ctx, o.p)
		if err != nil {
			return unwritten{err, data}
		}
		o.tellLimit(used)
		n, err := used.write(data)
		if err == nil {
			return nil
		}
		frames, end := countFrames(data, n)
		data = data[end:]
		if boundary.AsError(err).Code == boundary.RelayLimit {
			return unwritten{err, data}
		}
		used.base().ended.Store(true)
		used.reset()
		if failures++; frames > 0 {
			failures = 0
		}
		if failures > 1 {
			return unwritten{openError(err, o.p), data}
		}
	}
}

// giveUp frees a batch that could not be written, together with all that has queued up behind it, and reports the loss. Where JavaScript
// waits for each message to be written, it hears first that this one was not.
func (o *outlet) giveUp(batch []boundary.Frames, err error) {
	o.mu.Lock()
	batch = append(batch, o.queue...)
	o.queue = nil
	o.mu.Unlock()
	failure := err.(unwritten)
	messages, _ := countFrames(failure.data, len(failure.data))
	bytes := len(failure.data)
	for i, frames := range batch {
		if i > 0 {
			count, _ := countFrames(frames.Data, len(frames.Data))
			messages += count
			bytes += len(frames.Data)
		}
	}
	tell := func() { o.s.Events.OutletDown(o.id, o.p, boundary.AsError(failure.error), messages, bytes) }
	o.mu.Lock()
	limited := o.limited
	o.mu.Unlock()
	if limited {
		tell()
	}
	for _, frames := range batch {
		o.s.Port.Written(frames)
	}
	if !limited {
		tell()
	}
}
