package pubsub

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// roster tells who is in the topics of this node. The router hears of a peer's subscription on the stream that the peer opened, and that can be
// before it has opened its own to the peer; until then it lets go whatever is to be sent there. So a peer is told of once both are there:
// what is published from then on goes to it.
type roster struct {
	quietTracer
	events Events

	mu     sync.Mutex
	topics map[string]*members
	// reached are the peers that the router has a stream to.
	reached map[peer.ID]bool
}

// members are the subscribers of one topic, and those of them that were told of.
type members struct{ all, told []peer.ID }

func newRoster(events Events) *roster {
	return &roster{events: events, topics: map[string]*members{}, reached: map[peer.ID]bool{}}
}

// joined: a peer has subscribed to a topic.
func (r *roster) joined(topic string, p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.topics[topic]
	if m == nil {
		m = &members{}
		r.topics[topic] = m
	}
	if !slices.Contains(m.all, p) {
		m.all = append(m.all, p)
	}
	r.tell(topic, m)
}

// left: a peer has unsubscribed from a topic, or is gone.
func (r *roster) left(topic string, p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.topics[topic]; m != nil {
		m.all = slices.DeleteFunc(m.all, func(member peer.ID) bool { return member == p })
		r.tell(topic, m)
	}
}

// leave: this node has left a topic.
func (r *roster) leave(topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.topics, topic)
	r.events.TopicPeers(topic, nil)
}

func (r *roster) OnNewOutboundStream(p peer.ID, _ protocol.ID) { r.reach(p, true) }

func (r *roster) OnClosedOutboundStream(p peer.ID) { r.reach(p, false) }

func (r *roster) reach(p peer.ID, reached bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reached {
		r.reached[p] = true
	} else {
		delete(r.reached, p)
	}
	for topic, m := range r.topics {
		r.tell(topic, m)
	}
}

// tell tells of a topic if there is anything new.
func (r *roster) tell(topic string, m *members) {
	now := slices.DeleteFunc(slices.Clone(m.all), func(p peer.ID) bool { return !r.reached[p] })
	if !slices.Equal(now, m.told) {
		m.told = now
		r.events.TopicPeers(topic, now)
	}
}
