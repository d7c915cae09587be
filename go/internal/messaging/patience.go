package messaging

import (
	"sync"
	"time"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// restTimeout is how long a frame that has begun may rest, and leastRate what makes up for it: a frame that comes at this rate or faster
	// may take as long as it likes. It is longer than any transport takes to find out that a peer is gone.
	restTimeout = time.Minute
	leastRate   = 10 << 10 // bytes a second
)

// patience watches over the frame that a reader is at: its time runs while the reader waits for more of it, and what comes buys time. It
// does not use the stream's deadline: what a transport makes of one cannot be told from a connection that has timed out.
type patience struct {
	// end is called once, when there is none left.
	end func()

	mu    sync.Mutex
	timer *time.Timer
	armed bool
	// left is the time that remains, as of since while the reader waits.
	left    time.Duration
	since   time.Time
	waiting bool
}

func newPatience(end func()) *patience { return &patience{end: end, left: restTimeout} }

// renew is for a frame that begins.
func (p *patience) renew() {
	p.mu.Lock()
	p.left, p.waiting = restTimeout, false
	p.mu.Unlock()
}

// waits comes before a read that brings more of the frame.
func (p *patience) waits() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting, p.since = true, time.Now()
	switch {
	case p.armed:
	case p.timer == nil:
		p.timer = time.AfterFunc(p.left, func() { guard.Do("messaging: patience", p.look) })
	default:
		p.timer.Reset(p.left)
	}
	p.armed = true
}

// got comes after it; without one it means nothing.
func (p *patience) got(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waiting {
		return
	}
	p.waiting = false
	p.left = min(restTimeout, p.leftLocked()+time.Duration(bytes)*time.Second/leastRate)
}

// stop ends the watch, while the reader does not wait.
func (p *patience) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *patience) leftLocked() time.Duration { return p.left - time.Since(p.since) }

// look is the timer's: it is not set anew at each read, but finds out here whether somebody still waits.
func (p *patience) look() {
	if p.ended() {
		p.end()
	}
}

func (p *patience) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = p.waiting
	if !p.waiting {
		return false
	}
	left := p.leftLocked()
	if left > 0 {
		p.timer.Reset(left)
	}
	return left <= 0
}
