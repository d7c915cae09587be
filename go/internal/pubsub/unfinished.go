package pubsub

import (
	"container/list"
	"context"
	"sync"
)

// maxUnfinished bounds what all large messages together hold while they come in, in bytes.
const maxUnfinished = 64 << 20

// unfinishedMessages are the large messages that are coming in. Memory is taken as their bytes arrive; when there is no more, the stream is
// reset on which nothing has come for the longest time.
type unfinishedMessages struct {
	mu   sync.Mutex
	free *sync.Cond
	// bytes are those of messages on their way, held those of messages that are there and wait for their turn.
	bytes, held int
	order       list.List
	closed      bool
}

// large is one of them. Its fields belong to unfinishedMessages.
type large struct {
	in    *inbound
	bytes int
	place *list.Element
	ended bool
}

func newUnfinished(ctx context.Context) *unfinishedMessages {
	u := &unfinishedMessages{}
	u.free = sync.NewCond(&u.mu)
	context.AfterFunc(ctx, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.closed = true
		u.free.Broadcast()
	})
	return u
}

// begin is for the first bytes of a message.
func (u *unfinishedMessages) begin(in *inbound) *large {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := &large{in: in}
	l.place = u.order.PushBack(l)
	return l
}

// grow takes memory for more of a message.
func (u *unfinishedMessages) grow(l *large, size int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.held > maxUnfinished/2 && !u.closed {
		u.free.Wait()
	}
	if l.place == nil {
		return
	}
	l.bytes += size
	u.bytes += size
	u.order.MoveToBack(l.place)
	for u.bytes > maxUnfinished && u.order.Len() > 1 {
		victim := u.order.Front().Value.(*large)
		u.take(victim)
		victim.in.streams.drops.count(drop{reason: tooSlow, peer: victim.in.peer}, load{1, victim.bytes})
		_ = victim.in.Reset()
	}
}

// end is for a message that is there, or will not come. What it holds counts until release.
func (u *unfinishedMessages) end(l *large) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l.place != nil {
		u.take(l)
	}
	if !l.ended {
		l.ended = true
		u.held += l.bytes
	}
}

// release gives the memory of a message back.
func (u *unfinishedMessages) release(l *large) {
	u.mu.Lock()
	u.held -= l.bytes
	u.mu.Unlock()
	u.free.Broadcast()
}

func (u *unfinishedMessages) take(l *large) {
	u.order.Remove(l.place)
	l.place = nil
	u.bytes -= l.bytes
}
