package pubsub

import "sync"

const (
	// maxPeerTopics and maxTopics bound what peers may subscribe to that this node is not in, for each and for all of them, in bytes: a topic
	// costs its name and what the router keeps for it. What they subscribe to of this node's own topics is always taken.
	maxPeerTopics = 2 << 20
	maxTopics     = 32 << 20
	// topicOverhead is what the router keeps for a topic, and what is kept here.
	topicOverhead = 512
	// someTopics each peer may have, whatever others have.
	someTopics = 64
	// longestTopic bounds the name of a topic that this node is not in.
	longestTopic = 1024
)

// subscriptions bounds what the peers' subscriptions take.
type subscriptions struct {
	mu   sync.Mutex
	cost int
	// own are the topics that this node has joined.
	own map[string]struct{}
}

func newSubscriptions() *subscriptions { return &subscriptions{own: map[string]struct{}{}} }

func (s *subscriptions) join(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own[topic] = struct{}{}
}

func (s *subscriptions) leave(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.own, topic)
}

func (s *subscriptions) joined(topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, own := s.own[topic]
	return own
}

// interests is what one peer subscribes to, on one stream.
type interests struct {
	all    *subscriptions
	topics map[string]struct{}
	cost   int
	// refused counts what was too much.
	refused int
}

func (s *subscriptions) of() *interests { return &interests{all: s, topics: map[string]struct{}{}} }

// add returns whether a subscription is news to the router, and taken.
func (i *interests) add(topic string) bool {
	if _, known := i.topics[topic]; known {
		return false
	}
	cost := len(topic) + topicOverhead
	i.all.mu.Lock()
	defer i.all.mu.Unlock()
	_, own := i.all.own[topic]
	few := len(i.topics) < someTopics && len(topic) <= longestTopic
	fits := len(topic) <= longestTopic && i.cost+cost <= maxPeerTopics && i.all.cost+cost <= maxTopics
	if !own && !few && !fits {
		i.refused++
		return false
	}
	i.topics[topic] = struct{}{}
	i.cost += cost
	i.all.cost += cost
	return true
}

// remove returns whether the end of a subscription is news to the router.
func (i *interests) remove(topic string) bool {
	if _, known := i.topics[topic]; !known {
		return false
	}
	delete(i.topics, topic)
	i.give(len(topic) + topicOverhead)
	return true
}

// close gives back what the peer has had.
func (i *interests) close() {
	clear(i.topics)
	i.give(i.cost)
}

func (i *interests) give(cost int) {
	i.all.mu.Lock()
	defer i.all.mu.Unlock()
	i.cost -= cost
	i.all.cost -= cost
}

// telling: the first subscription that is refused is told of, the tenth, the hundredth and so on.
func (i *interests) telling() bool {
	n := i.refused
	for n > 0 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}
