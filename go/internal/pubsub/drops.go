package pubsub

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// Why messages are dropped.
const (
	// inboxFull: the program does not take them.
	inboxFull = "pubsub-overflow"
	// outboundFull: a peer does not take them, or was gone before it could.
	outboundFull = "pubsub-outbound"
	// validationFull: the router's own queue was full.
	validationFull = "pubsub-validation"
	// noMemory: a large message found none.
	noMemory = "resource-limit"
	// tooSlow: a large message had to give way to others that were coming in.
	tooSlow = "too-slow"
	// tooLarge: they are larger than this node takes.
	tooLarge = "too-large"
	// unconfirmed: they were written to a stream that broke, and may not have been read.
	unconfirmed = "unconfirmed"
)

const (
	// dropInterval is how long drops are added up before they are told.
	dropInterval = 100 * time.Millisecond
	// maxDropKinds is how many kinds of drops are told apart in that time; of more, the peer and then the topic is not told.
	maxDropKinds = 256
)

// Drop is messages that had to be let go.
type Drop struct {
	Reason string
	// Topic and Peer are empty where it is not one.
	Topic           string
	Peer            peer.ID
	Messages, Bytes int
	// UpTo: it is not known what arrived; the numbers are the most that can be lost.
	UpTo bool
}

// drops adds up the messages that had to be let go, here and inside the router.
type drops struct {
	events Events

	mu     sync.Mutex
	counts map[drop]load
	timer  *time.Timer
	closed bool
}

type drop struct {
	reason, topic string
	peer          peer.ID
	upTo          bool
}

func newDrops(events Events) *drops { return &drops{events: events, counts: map[drop]load{}} }

func (d *drops) count(key drop, l load) {
	if l.messages == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	if _, known := d.counts[key]; !known && len(d.counts) >= maxDropKinds {
		key.peer = ""
		if len(d.counts) >= 2*maxDropKinds {
			key.topic = ""
		}
	}
	d.counts[key] = d.counts[key].plus(l)
	if d.timer == nil {
		d.timer = time.AfterFunc(dropInterval, func() { guard.Do("pubsub: drops", d.tell) })
	}
}

func (d *drops) tell() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = nil
	for key, sum := range d.counts {
		d.events.Dropped(Drop{key.reason, key.topic, key.peer, sum.messages, sum.bytes, key.upTo})
	}
	clear(d.counts)
}

// close tells what was not told yet.
func (d *drops) close() {
	d.mu.Lock()
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	d.mu.Unlock()
	d.tell()
}
