package pubsub

import (
	"container/list"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// maxAuthors bounds the inlets of a node's topics; the author heard least recently makes room for a new one.
const maxAuthors = 1024

// inbox hands topic messages to JavaScript. A topic cannot be slowed down: while the program leaves a window's worth of messages unconsumed,
// the next ones wait here, and when those have come to a window too, the oldest of them are dropped and counted.
type inbox struct {
	port   boundary.Port
	events Events
	drops  *drops

	mu      sync.Mutex
	authors map[peer.ID]*author
	inlets  map[uint32]*author
	// recent holds the authors, the one heard least recently in front.
	recent *list.List
	// unconsumed is what the delivered messages cost that were not given back.
	unconsumed int
	waiting    []waiting
	waitCost   int
}

type author struct {
	id         peer.ID
	inlet      uint32
	unconsumed int
	place      *list.Element
}

type waiting struct {
	from  peer.ID
	topic string
	data  []byte
}

func (w waiting) cost() int { return len(w.data) + boundary.MessageOverhead }

func newInbox(port boundary.Port, events Events, drops *drops) *inbox {
	return &inbox{
		port: port, events: events, drops: drops,
		authors: map[peer.ID]*author{}, inlets: map[uint32]*author{}, recent: list.New(),
	}
}

// take delivers a message, or keeps it until there is room.
func (b *inbox) take(from peer.ID, topic string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := waiting{from, topic, data}
	if len(b.waiting) == 0 && b.deliver(m) {
		return
	}
	b.waiting = append(b.waiting, m)
	b.waitCost += m.cost()
	for b.waitCost > boundary.Window && len(b.waiting) > 1 {
		oldest := b.shift()
		b.drops.count(drop{reason: inboxFull, topic: oldest.topic}, load{1, len(oldest.data)})
	}
}

// credit takes back the cost of consumed messages and delivers what waited for it.
func (b *inbox) credit(inlet uint32, cost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.inlets[inlet]
	if a == nil {
		return
	}
	cost = min(cost, a.unconsumed)
	a.unconsumed -= cost
	b.unconsumed -= cost
	for len(b.waiting) > 0 && b.deliver(b.waiting[0]) {
		b.shift()
	}
}

func (b *inbox) shift() waiting {
	first := b.waiting[0]
	b.waiting[0] = waiting{}
	b.waiting = b.waiting[1:]
	b.waitCost -= first.cost()
	return first
}

func (b *inbox) deliver(m waiting) bool {
	if b.unconsumed >= boundary.Window {
		return false
	}
	a := b.author(m.from)
	if a == nil {
		return false
	}
	a.unconsumed += m.cost()
	b.unconsumed += m.cost()
	b.port.DeliverOne(a.inlet, m.topic, m.data)
	return true
}

// author finds or announces the inlet of an author; nil while every one of too many authors has messages that were not consumed.
func (b *inbox) author(id peer.ID) *author {
	if a := b.authors[id]; a != nil {
		b.recent.MoveToBack(a.place)
		return a
	}
	if len(b.authors) >= maxAuthors && !b.forgetOne() {
		return nil
	}
	a := &author{id: id, inlet: boundary.NextHandle()}
	a.place = b.recent.PushBack(a)
	b.authors[id] = a
	b.inlets[a.inlet] = a
	b.events.InletOpened(a.inlet, id, "pubsub")
	return a
}

func (b *inbox) forgetOne() bool {
	for place := b.recent.Front(); place != nil; place = place.Next() {
		a := place.Value.(*author)
		if a.unconsumed == 0 {
			b.recent.Remove(place)
			delete(b.authors, a.id)
			delete(b.inlets, a.inlet)
			b.events.InletClosed(a.inlet)
			return true
		}
	}
	return false
}
