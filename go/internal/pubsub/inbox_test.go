package pubsub

import (
	"fmt"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

// heard keeps what a Service told.
type heard struct {
	mu      sync.Mutex
	opened  []uint32
	authors map[uint32]peer.ID
	closed  []uint32
	drops   map[string]load
	// told are the drops as they came, drops their sums.
	told     []Drop
	warnings []string
	// peers are those of each topic that were told of last, toldPeers how often any were.
	peers     map[string][]peer.ID
	toldPeers int
	changed   chan struct{}
}

func newHeard() *heard {
	return &heard{
		authors: map[uint32]peer.ID{}, drops: map[string]load{}, peers: map[string][]peer.ID{}, changed: make(chan struct{}),
	}
}

func (h *heard) note(fn func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fn()
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *heard) InletOpened(inlet uint32, p peer.ID, transport string) {
	if transport != "pubsub" {
		panic(transport)
	}
	h.note(func() {
		h.opened = append(h.opened, inlet)
		h.authors[inlet] = p
	})
}

func (h *heard) InletClosed(inlet uint32) { h.note(func() { h.closed = append(h.closed, inlet) }) }

func (h *heard) TopicPeers(topic string, peers []peer.ID) {
	h.note(func() {
		h.peers[topic] = peers
		h.toldPeers++
	})
}

// change is closed with the next that is told.
func (h *heard) change() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

func (h *heard) Dropped(d Drop) {
	h.note(func() {
		h.told = append(h.told, d)
		key := d.Reason + " " + d.Topic
		h.drops[key] = h.drops[key].plus(load{d.Messages, d.Bytes})
	})
}

func (h *heard) Warn(code boundary.Code, message string) {
	h.note(func() { h.warnings = append(h.warnings, string(code)+": "+message) })
}

func newTestInbox() (*inbox, *porttest.Port, *heard) {
	port, events := porttest.New(), newHeard()
	return newInbox(port, events, newDrops(events)), port, events
}

func TestMessagesWaitForCreditAndTheOldestOfTooManyAreDroppedAndCounted(t *testing.T) {
	b, port, events := newTestInbox()
	const size = 1<<20 - boundary.MessageOverhead
	payload := func(i int) []byte { return append(make([]byte, size-1), byte(i)) }
	for i := range 11 {
		b.take("author", "topic", payload(i))
	}
	require.Len(t, port.Messages(), 4, "a window of four messages")
	b.drops.close()
	require.Equal(t, map[string]load{"pubsub-overflow topic": {3, 3 * size}}, events.drops, "told once")

	b.credit(events.opened[0], 2<<20)
	b.credit(events.opened[0], 2<<20)
	var order []byte
	for _, m := range port.Messages() {
		order = append(order, m.Payload[size-1])
	}
	require.Equal(t, []byte{0, 1, 2, 3, 7, 8, 9, 10}, order, "4, 5 and 6 were the oldest that waited")
}

func TestAMessageLargerThanTheWindowComesAlone(t *testing.T) {
	b, port, events := newTestInbox()
	b.take("author", "topic", make([]byte, 2*boundary.Window))
	b.take("author", "topic", []byte("small"))
	require.Len(t, port.Messages(), 1)
	b.credit(events.opened[0], 2*boundary.Window+boundary.MessageOverhead)
	require.Len(t, port.Messages(), 2)
	b.take("author", "topic", make([]byte, 2*boundary.Window))
	require.Len(t, port.Messages(), 3, "there was room for it to begin")
}

func TestEachAuthorHasOneInletAndTheLeastRecentOneWithNothingUnconsumedMakesRoom(t *testing.T) {
	b, port, events := newTestInbox()
	author := func(i int) peer.ID { return peer.ID(fmt.Sprintf("author %d", i)) }
	for i := range maxAuthors {
		b.take(author(i), "topic", []byte("x"))
	}
	b.take(author(0), "topic", []byte("x"))
	require.Len(t, events.opened, maxAuthors)

	b.take(author(maxAuthors), "topic", []byte("y"))
	require.Len(t, port.Messages(), maxAuthors+1, "no inlet can be closed while its messages are unconsumed")
	b.credit(events.opened[2], 1+boundary.MessageOverhead)
	require.Equal(t, []uint32{events.opened[2]}, events.closed)
	require.Equal(t, author(maxAuthors), events.authors[events.opened[maxAuthors]])
	require.Len(t, port.Messages(), maxAuthors+2)
	b.credit(events.opened[2], 1)
	b.credit(12345, 1)
}
