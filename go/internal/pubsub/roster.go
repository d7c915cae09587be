package pubsub

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// rosterInterval is how long changes of a topic are gathered after one was told: a peer can subscribe and unsubscribe without end.
const rosterInterval = 50 * time.Millisecond

// roster tells who is in the topics of this node. The router hears of a peer's subscription on the stream that the peer opened, and that can be
// before it has opened its own to the peer; until then it lets go whatever is to be sent there. So a peer is told of once both are there:
// what is published from then on goes to it.
type roster struct {
	events Events

	mu     sync.Mutex
	topics map[string]*members
	// reached are the peers that the router has a stream to.
	reached map[peer.ID]bool
}

// members are the subscribers of one topic, those of them that are reached, and those that were told of.
type members struct {
	all, now, told []peer.ID
	// gathering: something was told a moment ago.
	gathering bool
}

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
	r.update(topic, m)
}

// left: a peer has unsubscribed from a topic, or is gone.
func (r *roster) left(topic string, p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.topics[topic]; m != nil {
		m.all = slices.DeleteFunc(m.all, func(member peer.ID) bool { return member == p })
		r.update(topic, m)
	}
}

// leave: this node has left a topic.
func (r *roster) leave(topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.topics, topic)
	r.events.TopicPeers(topic, nil)
}

// of lists those who are in a topic and reached.
func (r *roster) of(topic string) []peer.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.topics[topic]; m != nil {
		return m.now
	}
	return nil
}

// reach: there is a stream to a peer, or there is none any more.
func (r *roster) reach(p peer.ID, reached bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reached {
		r.reached[p] = true
	} else {
		delete(r.reached, p)
	}
	for topic, m := range r.topics {
		r.update(topic, m)
	}
}

func (r *roster) update(topic string, m *members) {
	m.now = slices.DeleteFunc(slices.Clone(m.all), func(p peer.ID) bool { return !r.reached[p] })
	r.tell(topic, m)
}

// tell tells of a topic if there is anything new, at once or when the interval is over.
func (r *roster) tell(topic string, m *members) {
	if m.gathering || slices.Equal(m.now, m.told) {
		return
	}
	m.told = m.now
	m.gathering = true
	r.events.TopicPeers(topic, m.now)
	time.AfterFunc(rosterInterval, func() {
		guard.Do("pubsub: topic peers", func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			m.gathering = false
			if r.topics[topic] == m {
				r.tell(topic, m)
			}
		})
	})
}
