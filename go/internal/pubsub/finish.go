package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// stalled is how long a stream that is to end may go without a write, unread how long its peer may take to end its half: not every
	// implementation does.
	stalled = 3 * time.Second
	unread  = time.Second
	// finishStep is how often that is looked at.
	finishStep = 20 * time.Millisecond
)

// finish ends the streams to all peers as they should be: what waits is written, and the peer has read it, or ctx ends. It does not wait for a
// peer that takes nothing.
func (s *streams) finish(ctx context.Context) {
	var ending sync.WaitGroup
	s.mu.Lock()
	for _, r := range s.peers {
		if o := r.outbound; o != nil {
			ending.Add(1)
			guard.Go("pubsub: finish", func() {
				defer ending.Done()
				s.end(ctx, o)
			})
		}
	}
	s.mu.Unlock()
	ending.Wait()
}

func (s *streams) end(ctx context.Context, o *outbound) {
	last, since, patience := -1, time.Now(), stalled
	for finishing := false; ; {
		empty, writes := o.queue.progress()
		if !finishing && !s.pending(o) {
			finishing = true
			o.finish()
		}
		if finishing && empty {
			patience = unread
		}
		if writes != last {
			last, since = writes, time.Now()
		}
		if time.Since(since) > patience {
			return
		}
		select {
		case <-o.dead:
			return
		case <-ctx.Done():
			return
		case <-time.After(finishStep):
		}
	}
}

// pending: the router has accepted something for a peer that it has not written yet.
func (s *streams) pending(o *outbound) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[o.peer]
	return r != nil && r.queued.messages != 0
}
