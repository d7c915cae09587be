package pubsub

import (
	"context"
	"sync"
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// dropInterval is how long drops are added up before they are told.
const dropInterval = 100 * time.Millisecond

// drops counts the messages that had to be let go, here and inside the router, whose tracer it is. It also knows how many messages the
// router has still to write.
type drops struct {
	quietTracer
	events Events

	mu     sync.Mutex
	counts map[dropKey]dropCount
	timer  *time.Timer
	closed bool
	// unsent counts, for each peer, messages that are queued for it; a write may be told before its queueing.
	unsent  map[peer.ID]int
	written chan struct{}
}

type dropKey struct{ reason, topic string }

type dropCount struct{ messages, bytes int }

func newDrops(events Events) *drops {
	return &drops{events: events, counts: map[dropKey]dropCount{}, unsent: map[peer.ID]int{}, written: make(chan struct{}, 1)}
}

func (d *drops) count(reason, topic string, messages, bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	key := dropKey{reason, topic}
	sum := d.counts[key]
	d.counts[key] = dropCount{sum.messages + messages, sum.bytes + bytes}
	if d.timer == nil {
		d.timer = time.AfterFunc(dropInterval, d.tell)
	}
}

func (d *drops) tell() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = nil
	for key, sum := range d.counts {
		d.events.Dropped(key.reason, key.topic, sum.messages, sum.bytes)
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

// sent returns when the router has written every message, or ctx ends.
func (d *drops) sent(ctx context.Context) {
	for d.anyUnsent() {
		select {
		case <-d.written:
		case <-ctx.Done():
			return
		}
	}
}

func (d *drops) anyUnsent() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, count := range d.unsent {
		if count > 0 {
			return true
		}
	}
	return false
}

// forget is for a peer whose queue is new or gone.
func (d *drops) forget(p peer.ID) {
	d.mu.Lock()
	delete(d.unsent, p)
	d.mu.Unlock()
	d.wake()
}

func (d *drops) wake() {
	select {
	case d.written <- struct{}{}:
	default:
	}
}

func (d *drops) add(p peer.ID, messages int) {
	d.mu.Lock()
	d.unsent[p] += messages
	d.mu.Unlock()
}

func (d *drops) SendRPC(rpc *libp2ppubsub.RPC, p peer.ID) { d.add(p, len(rpc.GetPublish())) }

func (d *drops) SendRPCCompleted(rpc *libp2ppubsub.RPC, p peer.ID, _ time.Duration) {
	d.add(p, -len(rpc.GetPublish()))
	d.wake()
}

func (d *drops) OnNewOutboundStream(p peer.ID, _ protocol.ID) { d.forget(p) }

func (d *drops) OnClosedOutboundStream(p peer.ID) { d.forget(p) }

func (d *drops) DropRPC(rpc *libp2ppubsub.RPC, _ peer.ID) {
	for _, m := range rpc.GetPublish() {
		d.count("pubsub-outbound", m.GetTopic(), 1, len(m.GetData()))
	}
}

func (d *drops) UndeliverableMessage(m *libp2ppubsub.Message) {
	d.count("pubsub-overflow", m.GetTopic(), 1, len(m.GetData()))
}

func (d *drops) RejectMessage(m *libp2ppubsub.Message, reason string) {
	if reason == libp2ppubsub.RejectValidationQueueFull || reason == libp2ppubsub.RejectValidationThrottled {
		d.count("pubsub-validation", m.GetTopic(), 1, len(m.GetData()))
	}
}
