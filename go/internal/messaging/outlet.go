package messaging

import (
	"context"
	"errors"
	"sync"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// outlet is the sending half towards one peer: a queue that JavaScript fills, and the one goroutine that writes it. When its path breaks it
// finds another and goes on with the first frame that was not written whole; when it cannot, it gives up what it holds, says how much, and
// writes nothing more until a path was found again.
type outlet struct {
	s  *Service
	id uint32
	r  *remote
	// ctx ends with the service, or when what is queued is refused.
	ctx    context.Context
	cancel context.CancelFunc

	// before is the outlet to the same peer whose messages come before those of this one; ended is closed when nothing more is written.
	before *outlet
	ended  chan struct{}

	mu    sync.Mutex
	queue []boundary.Frames
	// open: a path was found, and none was missed since. opening counts the searches under way.
	open    bool
	opening int
	writing bool
	// missed: the last path has ended while something was being written.
	missed bool
	ending bool
	// refused is why what is queued is given up instead of written, once it is.
	refused *boundary.Error
	// improving: there may be a better path than the relayed one in use.
	improving bool
	// limited: a relay bounds what can be sent, and JavaScript sends one message at a time.
	limited bool
	// changed wakes the writer and those who wait in flush.
	changed *sync.Cond
	// unhook ends the waking at the end of the service.
	unhook func() bool
}

func newOutlet(s *Service, id uint32, r *remote) *outlet {
	o := &outlet{s: s, id: id, r: r, ended: make(chan struct{})}
	o.changed = sync.NewCond(&o.mu)
	o.ctx, o.cancel = context.WithCancel(s.ctx)
	o.unhook = context.AfterFunc(s.ctx, o.wake)
	return o
}

func (o *outlet) wake() { o.change(func() {}) }

// change does something to the outlet and wakes whoever waits for it.
func (o *outlet) change(fn func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fn()
	o.changed.Broadcast()
}

// enqueue takes frames over. search says that nobody looks for a path for them yet: JavaScript has not heard that the last one was missed.
func (o *outlet) enqueue(frames boundary.Frames) (search bool) {
	o.change(func() {
		o.queue = append(o.queue, frames)
		if search = !o.open && o.opening == 0 && o.refused == nil; search {
			o.opening++
		}
	})
	return search
}

// search finds a path for what is queued; without one it is given up.
func (o *outlet) search(ctx context.Context) (path, error) {
	found, err := o.s.path(ctx, o.r.id)
	o.change(func() {
		o.opening--
		o.open = o.open || err == nil
	})
	if err != nil {
		o.giveUp(nil, boundary.AsError(err))
	}
	return found, err
}

// end lets the writer stop once the queue is written.
func (o *outlet) end() { o.change(func() { o.ending = true }) }

// leaves says whether JavaScript has let the outlet go.
func (o *outlet) leaves() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ending
}

// refuse gives up what is queued, at once; the path that is written to has to be reset for that.
func (o *outlet) refuse(err *boundary.Error) {
	o.change(func() {
		if o.refused == nil {
			o.refused = err
		}
	})
	o.cancel()
}

// improve lets the writer look for a better path before it writes on.
func (o *outlet) improve() { o.change(func() { o.improving = true }) }

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

// streamGone reports the loss of the last stream while nothing is queued; with something queued the writer finds out by itself, or looks when it
// has written that.
func (o *outlet) streamGone() {
	o.mu.Lock()
	idle := o.open && len(o.queue) == 0 && !o.writing
	o.missed = o.open && !idle
	if idle {
		o.open = false
	}
	o.mu.Unlock()
	if idle {
		o.s.Events.OutletDown(o.id, o.r.id, boundary.Errorf(boundary.StreamFailed, "the stream to peer %s ended", o.r.id).About(o.r.id.String()), 0, 0)
	}
}

func (o *outlet) run() {
	if o.before != nil {
		<-o.before.ended
		o.before = nil
	}
	for {
		batch, improving, more := o.next()
		if !more {
			break
		}
		if len(batch) == 0 && !improving {
			if o.s.usable(o.r.id) == nil {
				o.streamGone()
			}
			continue
		}
		if improving {
			o.s.switchOver(o.r.id)
			if used := o.s.usable(o.r.id); used != nil {
				o.tellLimit(used)
			}
		}
		for i, frames := range batch {
			rest, err := o.write(frames.Data)
			if err != nil {
				o.giveUp(append([]boundary.Frames{{Outlet: frames.Outlet, Data: rest, Ref: frames.Ref}}, batch[i+1:]...), err)
				break
			}
			o.s.Port.Written(frames)
		}
	}
	o.unhook()
	o.cancel()
	close(o.ended)
	o.s.outletEnded(o)
}

// next waits for frames that can be written and takes all there are, or tells that there may be a better path.
func (o *outlet) next() (batch []boundary.Frames, improving, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	o.changed.Broadcast()
	for {
		ready := len(o.queue) > 0 && (o.open || o.ending && o.opening == 0 || o.refused != nil || o.s.ctx.Err() != nil)
		if ready || o.improving {
			break
		}
		if o.missed && o.open {
			o.missed = false
			return nil, false, true
		}
		if len(o.queue) == 0 && (o.ending || o.s.ctx.Err() != nil) {
			return nil, false, false
		}
		o.changed.Wait()
	}
	if o.open || !o.improving {
		batch, o.queue = o.queue, nil
		o.writing = len(batch) > 0
	}
	improving, o.improving = o.improving, false
	return batch, improving, true
}

// write writes whole frames, on a new path from where the last one broke, as long as that gets further. It returns what was not written.
func (o *outlet) write(data []byte) (rest []byte, failed *boundary.Error) {
	for failures := 0; ; {
		if refused := o.refusal(); refused != nil {
			return data, refused
		}
		used, err := o.s.path(o.ctx, o.r.id)
		if err != nil {
			if refused := o.refusal(); refused != nil {
				return data, refused
			}
			return data, boundary.AsError(err)
		}
		o.tellLimit(used)
		n, err := used.write(data)
		if err == nil {
			return nil, nil
		}
		if errors.Is(err, errEnded) {
			// What was written to it may still be read.
			continue
		}
		frames, end := countFrames(data, n)
		data = data[end:]
		if boundary.AsError(err).Code == boundary.RelayLimit {
			return data, boundary.AsError(err)
		}
		used.reset()
		if failures++; frames > 0 {
			failures = 0
		}
		if failures <= 1 {
			continue
		}
		why := endedAs(used, err)
		if why == "" {
			return data, openError(err, o.r.id)
		}
		// It is the first frame that is refused, twice: the others go on without it.
		end = frameEnd(data)
		o.s.Events.Lost(Loss{Reason: refused, Why: why, Peer: o.r.id, Messages: 1, Bytes: end})
		if data, failures = data[end:], 0; len(data) == 0 {
			return nil, nil
		}
	}
}

// endedAs says why the peer has ended a path, which was reset; empty when it did not.
func endedAs(p path, err error) string {
	if reason := refusedAs(err); reason != "" {
		return reason
	}
	<-p.base().read
	return refusedAs(p.base().cause)
}

func (o *outlet) refusal() *boundary.Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refused == nil && o.s.ctx.Err() != nil {
		return boundary.NodeClosed()
	}
	return o.refused
}

// giveUp tells of a batch that could not be written, together with all that has queued up behind it, and frees it. JavaScript hears of that
// before it is told that there is room: what it sends then waits for a path.
func (o *outlet) giveUp(batch []boundary.Frames, err *boundary.Error) {
	o.mu.Lock()
	batch = append(batch, o.queue...)
	o.queue = nil
	// A relay that did not take this message may still take a smaller one.
	o.open = o.open && err.Code == boundary.RelayLimit
	o.mu.Unlock()
	messages, bytes := 0, 0
	for _, frames := range batch {
		count, _ := countFrames(frames.Data, len(frames.Data))
		messages += count
		bytes += len(frames.Data)
	}
	if len(batch) > 0 {
		o.s.Events.OutletDown(o.id, o.r.id, err, messages, bytes)
	}
	for _, frames := range batch {
		o.s.Port.Written(frames)
	}
	o.wake()
}
