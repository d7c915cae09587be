package messaging

import (
	"container/list"
	"context"
	"sync"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// DefaultUnread is what the messages of all peers together may cost that the program has not taken.
const DefaultUnread = 32 << 20

// allowance bounds what all peers of a node together have delivered and the program has not taken, beside the window that each of them has.
// Identities cost nothing, so that strangers get half of it at most; the rest is for friends, those whom the program itself sends to or has
// dialled. Who has to wait gets its turn in the order of waiting, friends first.
type allowance struct {
	most int

	mu sync.Mutex
	// spent is by all peers, and by strangers among them.
	spent, strangers int
	friendsWaiting   list.List
	strangersWaiting list.List
}

// budget is the credit of one peer: what its delivered, unconsumed messages cost. Reading stops at the window and goes on at half of it.
type budget struct {
	all *allowance
	// the rest is guarded by all.mu.
	spent  int
	friend bool
	full   bool
	// resumed is closed when half of the window is free again; nil while nobody waits.
	resumed chan struct{}
}

func (b *budget) spend(cost int) {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	b.spent += cost
	b.full = b.full || b.spent >= boundary.Window
	b.all.count(b, cost)
}

func (b *budget) give(cost int) {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	cost = min(cost, b.spent)
	b.spent -= cost
	if b.full && b.spent <= boundary.Window/2 {
		b.full = false
		if b.resumed != nil {
			close(b.resumed)
			b.resumed = nil
		}
	}
	b.all.count(b, -cost)
	b.all.resume()
}

// befriend counts a peer as a friend from now on.
func (b *budget) befriend() {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	if !b.friend {
		b.friend = true
		b.all.strangers -= b.spent
		b.all.resume()
	}
}

func (b *budget) isFriend() bool {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	return b.friend
}

// holds says whether the peer may not be read now.
func (b *budget) holds() bool {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	return b.full || !b.all.admits(b.friend)
}

func (b *budget) whole() bool {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	return b.spent == 0
}

// admit returns at once while there is credit, else when half of the peer's window is free again and there is room among all.
func (b *budget) admit(ctx context.Context) (waited bool, err error) {
	for {
		wait, leave := b.all.wait(b)
		if wait == nil {
			return waited, nil
		}
		waited = true
		select {
		case <-wait:
		case <-ctx.Done():
			leave()
			return true, ctx.Err()
		}
	}
}

// wait says what a peer has to wait for, nil when it has not; leave ends the wait.
func (a *allowance) wait(b *budget) (wait <-chan struct{}, leave func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.full {
		if b.resumed == nil {
			b.resumed = make(chan struct{})
		}
		return b.resumed, func() {}
	}
	if a.admits(b.friend) {
		return nil, nil
	}
	queue := &a.strangersWaiting
	if b.friend {
		queue = &a.friendsWaiting
	}
	turn := make(chan struct{})
	place := queue.PushBack(turn)
	return turn, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		queue.Remove(place)
	}
}

func (a *allowance) admits(friend bool) bool {
	return a.spent < a.most && (friend || a.strangers < a.most/2)
}

func (a *allowance) count(b *budget, cost int) {
	a.spent += cost
	if !b.friend {
		a.strangers += cost
	}
}

// resume lets those go on for whom there is room. Each of them brings a chunk at most before it asks again.
func (a *allowance) resume() {
	room := a.most - a.spent
	for ; room > 0 && a.friendsWaiting.Len() > 0; room -= chunkSize {
		close(a.friendsWaiting.Remove(a.friendsWaiting.Front()).(chan struct{}))
	}
	room = min(room, a.most/2-a.strangers)
	for ; room > 0 && a.strangersWaiting.Len() > 0; room -= chunkSize {
		close(a.strangersWaiting.Remove(a.strangersWaiting.Front()).(chan struct{}))
	}
}
