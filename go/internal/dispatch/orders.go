package dispatch

import (
	"sync"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// orders runs functions one after the other in a goroutine that exists while there are any. What is asked of a node's topics goes through it:
// a message must not overtake another, nor an unsubscribe a publish.
type orders struct {
	mu      sync.Mutex
	queue   []func()
	running bool
}

func (o *orders) add(fn func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, fn)
	if !o.running {
		o.running = true
		guard.Go("dispatch: topics", o.run)
	}
}

func (o *orders) run() {
	for {
		o.mu.Lock()
		if len(o.queue) == 0 {
			o.queue, o.running = nil, false
			o.mu.Unlock()
			return
		}
		next := o.queue[0]
		o.queue[0] = nil
		o.queue = o.queue[1:]
		o.mu.Unlock()
		guard.Do("dispatch: topics", next)
	}
}
