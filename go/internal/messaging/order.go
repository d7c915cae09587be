package messaging

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A sender ends a path before it goes over to the next, so that the end of the last one comes, however late. How long it has to be silent before
// another one is listened to matters only where it does not come.
const (
	// quiet is for other peers than those of this module, which may write to two streams at a time, whose order nobody promises.
	quiet = 500 * time.Millisecond
	// quietElsewhere is for a path over another connection: a peer may have come back before that was found dead. What was lost on the way is
	// sent again within less.
	quietElsewhere = 5 * time.Second
)

// patience is how long a path is waited for when another one of the peer has brought something; 0 is as long as it lives.
func (s *Service) patience(last, next *line) time.Duration {
	switch {
	case last.rank == relayed || last.conn == nil || next.conn == nil:
		return quietElsewhere
	case !s.isOurs(last.remote.id):
		return quiet
	case last.conn != next.conn:
		return quietElsewhere
	}
	return 0
}

// turns are the paths of one peer that have brought something and are not listened to yet, the first that did so first.
type turns struct {
	mu      sync.Mutex
	waiting []*line
	// changed is closed when one of them has its turn, or gives up.
	changed chan struct{}
}

func (t *turns) join(l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, l)
}

func (t *turns) leave(l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(other *line) bool { return other == l })
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// behind says whether another path came before, and until when nothing changes in that.
func (t *turns) behind(l *line) (other bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[0] == l {
		return false, nil
	}
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return true, t.changed
}

// inTurn waits until the path that brought the last messages of a peer cannot bring older ones any more than this one does. Without that,
// what was written whole to a stream and lies unread there could be overtaken by what came on the stream behind it. Where several wait for the
// same one, they have their turns as they came.
func (s *Service) inTurn(l *line) error {
	r := l.remote
	if r.speaking.Load() == l || l.passed.Load() {
		return nil
	}
	r.turns.join(l)
	defer r.turns.leave(l)
	for {
		last := r.speaking.Load()
		if last != nil {
			if err := last.fallSilent(l.ctx, s.patience(last, l)); err != nil {
				return err
			}
		}
		if other, changed := r.turns.behind(l); other {
			select {
			case <-changed:
				continue
			case <-l.ctx.Done():
				return l.ctx.Err()
			}
		}
		if r.speaking.CompareAndSwap(last, l) {
			return nil
		}
	}
}

// fallSilent waits until reading has ended, or has waited in vain for as long as the patience lasts.
func (l *line) fallSilent(ctx context.Context, patience time.Duration) error {
	if patience == 0 {
		select {
		case <-l.read:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	const looks = 5
	ticks := time.NewTicker(patience / looks)
	defer ticks.Stop()
	for before, silent := uint64(0), 0; silent <= looks; {
		select {
		case <-l.read:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
		// An odd number: the reader waits for bytes.
		if now := l.reads.Load(); now == before && now%2 == 1 {
			silent++
		} else {
			before, silent = now, 0
		}
	}
	l.passed.Store(true)
	return nil
}

// listen surrounds a read that may have to wait.
func (l *line) listen() (heard func()) {
	l.reads.Add(1)
	return l.heard
}

func (l *line) heard() { l.reads.Add(1) }
