package messaging

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// UnfinishedMemory is how many bytes the frames of more than a chunk may announce that a node is receiving, those of all peers together.
	// One frame of each lane is received in any case.
	UnfinishedMemory = 128 << 20
	// idleBytes in idleTime is what a frame has to bring while others wait for its place.
	idleBytes = 160 << 10
	idleTime  = 5 * time.Second
	idleStep  = time.Second
)

// unfinished admits large frames to a node's memory: one a peer at a time, and of all peers as many as fit with the lengths that they
// announce. Nothing is allocated before it comes; who announces much and sends little holds a place, which has to be made use of while somebody
// waits for one.
type unfinished struct {
	mu    sync.Mutex
	lanes [4]lane
	// capacity and used are those of all lanes together.
	capacity, used int
	// waiting counts those who wait, in a lane or behind another frame of their peer.
	waiting int
	ticking bool
}

// lane is for frames of one kind, so that those of another kind never hold them up: huge ones are above the window, and strangers are peers
// that have not brought a large frame yet and to whom the program sends nothing.
type lane struct {
	capacity, used int
	holders        map[*place]struct{}
	queue          list.List
}

// largeFrames is what a peer holds of the memory, and which of its streams wait for that.
type largeFrames struct {
	holder *place
	queue  list.List
	// known: a large frame came to its end, and none was cut off since.
	known bool
}

// place is one frame's part of the memory, or its wait for that.
type place struct {
	peer *largeFrames
	lane *lane
	size int
	// end cuts the frame off.
	end func()
	// at is where the place waits, in the queue in; granted is closed when it does not any more.
	at      *list.Element
	in      *list.List
	granted chan struct{}
	// brought is what came since; both begin anew with every idleBytes.
	brought int
	since   time.Time
	ended   bool
}

func newUnfinished(capacity int) *unfinished {
	u := &unfinished{capacity: capacity}
	for i, part := range [len(u.lanes)]int{1, 2, 4, 4} {
		u.lanes[i] = lane{capacity: capacity / part, holders: map[*place]struct{}{}}
	}
	return u
}

func (u *unfinished) lane(size int, known bool) *lane {
	i := 0
	if size > boundary.Window {
		i++
	}
	if !known {
		i += 2
	}
	return &u.lanes[i]
}

// enter returns when there is room for a frame of a peer; friend is one to whom the program sends. The caller does not read meanwhile, so that
// the sender waits.
func (u *unfinished) enter(ctx context.Context, peer *largeFrames, friend bool, size int, end func()) (*place, error) {
	p := &place{peer: peer, size: size, end: end, granted: make(chan struct{})}
	u.mu.Lock()
	p.lane = u.lane(size, friend || peer.known)
	u.waiting++
	if peer.holder != nil {
		p.wait(&peer.queue)
	} else {
		u.queueLocked(p)
	}
	u.tickLocked()
	u.mu.Unlock()
	select {
	case <-p.granted:
		return p, nil
	case <-ctx.Done():
		u.leave(p, false)
		return nil, ctx.Err()
	}
}

func (p *place) wait(in *list.List) { p.in, p.at = in, in.PushBack(p) }

// queueLocked lets the first of a peer's frames wait for memory.
func (u *unfinished) queueLocked(p *place) {
	p.peer.holder = p
	p.wait(&p.lane.queue)
	u.grantLocked()
}

func (u *unfinished) grantLocked() {
	for i := range u.lanes {
		l := &u.lanes[i]
		for first := l.queue.Front(); first != nil && u.fits(l, first.Value.(*place).size); first = l.queue.Front() {
			p := l.queue.Remove(first).(*place)
			p.in, p.since = nil, time.Now()
			l.used += p.size
			u.used += p.size
			l.holders[p] = struct{}{}
			u.waiting--
			close(p.granted)
		}
	}
}

func (u *unfinished) fits(l *lane, size int) bool {
	return l.used == 0 || l.used+size <= l.capacity && u.used+size <= u.capacity
}

// bring counts what came of a frame.
func (u *unfinished) bring(p *place, bytes int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p.brought += bytes; p.brought >= idleBytes {
		p.brought, p.since = 0, time.Now()
	}
}

// leave gives a place back, or the wait for one up; whole says that the frame came to its end.
func (u *unfinished) leave(p *place, whole bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	p.peer.known = whole || p.peer.known && !p.ended
	if p.in != nil {
		p.in.Remove(p.at)
		u.waiting--
	} else {
		p.lane.used -= p.size
		u.used -= p.size
		delete(p.lane.holders, p)
	}
	if p.peer.holder == p {
		p.peer.holder = nil
		if next := p.peer.queue.Front(); next != nil {
			u.queueLocked(p.peer.queue.Remove(next).(*place))
		}
	}
	u.grantLocked()
}

// tickLocked sees that those who hold a place are looked at while somebody waits for one.
func (u *unfinished) tickLocked() {
	if u.waiting > 0 && !u.ticking {
		u.ticking = true
		time.AfterFunc(idleStep, func() { guard.Do("messaging: unfinished frames", u.tick) })
	}
}

// tick cuts off the frames that do not come.
func (u *unfinished) tick() {
	for _, p := range u.idle() {
		p.end()
	}
}

func (u *unfinished) idle() (idle []*place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ticking = false
	u.tickLocked()
	if u.waiting == 0 {
		return nil
	}
	for i := range u.lanes {
		for p := range u.lanes[i].holders {
			if !p.ended && time.Since(p.since) > idleTime {
				p.ended = true
				idle = append(idle, p)
			}
		}
	}
	return idle
}
