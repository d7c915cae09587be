package pubsub

import (
	"sync"
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
)

// meshTime is a heartbeat of GossipSub (1 s) and some more.
const meshTime = 1500 * time.Millisecond

// mesh knows when a topic's mesh is about to form: until the next heartbeat after a subscription, or after the first peer came, a subscriber
// may know peers and have none of them in its mesh. What it publishes then goes to nobody, and is not gossiped later either, since by then
// those peers are in the mesh. Publishing waits for that moment to pass.
type mesh struct {
	mu         sync.Mutex
	subscribed bool
	others     int
	formed     time.Time
}

func (m *mesh) subscribe() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subscribed = true
	m.formed = time.Now().Add(meshTime)
}

func (m *mesh) peers(count int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.others == 0 {
		m.formed = time.Now().Add(meshTime)
	}
	m.others = count
}

// ready is called by the router.
func (m *mesh) ready(router libp2ppubsub.PubSubRouter, topic string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	waits := m.subscribed && m.others > 0 && time.Now().Before(m.formed)
	return !waits || router.EnoughPeers(topic, 1), nil
}
