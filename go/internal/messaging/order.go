package messaging

import (
	"context"
	"time"
)

const (
	// quiet is how long a path that may still bring older messages has to be silent before another one is listened to. A sender ends a path before
	// it goes over to the next, so that this is waited out only where a peer came back before its last connection was found dead, or writes to
	// two streams at a time, whose order nobody promises.
	quiet = 500 * time.Millisecond
	// quietRelayed is the same for a relayed path, which is slower and may be left by a peer that does not wait for its end.
	quietRelayed = 5 * time.Second
)

// inTurn waits until the path that brought the last messages of a peer cannot bring older ones any more than this one does. Without that,
// what was written whole to a stream and lies unread there could be overtaken by what came on the stream behind it.
func (r *remote) inTurn(ctx context.Context, l *line) error {
	for {
		last := r.speaking.Load()
		if last == l || l.passed.Load() {
			return nil
		}
		if last != nil {
			if err := last.fallSilent(ctx); err != nil {
				return err
			}
		}
		if r.speaking.CompareAndSwap(last, l) {
			return nil
		}
	}
}

// fallSilent waits until reading has ended, or has waited for long in vain.
func (l *line) fallSilent(ctx context.Context) error {
	patience := quiet
	if l.rank == relayed {
		patience = quietRelayed
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
