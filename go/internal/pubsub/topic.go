// Topics, one handle for each name: joined by the first publish or subscribe, left by unsubscribe, and joined anew by whatever comes after.

package pubsub

import (
	"context"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

type topic struct {
	handle       *libp2ppubsub.Topic
	subscription *libp2ppubsub.Subscription
	// leave stops following the topic's peers, and returns when no event about them can come any more.
	leave func()
}

// Subscribe returns when the subscription is live. To be subscribed already is fine.
func (s *Service) Subscribe(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.joinLocked(name)
	if err != nil || t.subscription != nil {
		return err
	}
	// The router hands a node's own messages to its subscribers too.
	foreign := func(m *libp2ppubsub.Message) bool { return asked(func() bool { return m.ReceivedFrom != s.self }) }
	t.subscription, err = t.handle.Subscribe(libp2ppubsub.WithBufferSize(queueSize), libp2ppubsub.WithMessageFilter(foreign))
	if err != nil {
		return s.failed("subscribe to", name, err)
	}
	subscription := t.subscription
	s.start("pubsub: subscription", func() { s.receive(subscription) })
	return nil
}

// Unsubscribe leaves a topic. Not to be in it is fine.
func (s *Service) Unsubscribe(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return boundary.NodeClosed()
	}
	t := s.topics[name]
	if t == nil {
		return nil
	}
	delete(s.topics, name)
	s.streams.subscriptions.leave(name)
	t.leave()
	if t.subscription != nil {
		t.subscription.Cancel()
	}
	s.roster.leave(name)
	return s.failed("leave", name, t.handle.Close())
}

func (s *Service) join(name string) (*topic, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joinLocked(name)
}

func (s *Service) joinLocked(name string) (*topic, error) {
	if s.ctx.Err() != nil {
		return nil, boundary.NodeClosed()
	}
	if t := s.topics[name]; t != nil {
		return t, nil
	}
	s.streams.subscriptions.join(name)
	handle, err := s.router.Join(name)
	if err != nil {
		s.streams.subscriptions.leave(name)
		return nil, s.failed("join", name, err)
	}
	events, err := handle.EventHandler()
	if err != nil {
		_ = handle.Close()
		s.streams.subscriptions.leave(name)
		return nil, s.failed("join", name, err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan struct{})
	t := &topic{handle: handle, leave: func() {
		cancel()
		<-ended
		events.Cancel()
	}}
	s.start("pubsub: topic peers", func() {
		defer close(ended)
		s.follow(ctx, name, events)
	})
	s.topics[name] = t
	return t, nil
}

// follow hears who comes into a topic and leaves it.
func (s *Service) follow(ctx context.Context, name string, events *libp2ppubsub.TopicEventHandler) {
	for {
		event, err := events.NextPeerEvent(ctx)
		if err != nil {
			return
		}
		guarded(func() {
			if event.Type == libp2ppubsub.PeerJoin {
				s.roster.joined(name, event.Peer)
			} else {
				s.roster.left(name, event.Peer)
			}
		})
	}
}

// receive ends when the subscription is cancelled.
func (s *Service) receive(subscription *libp2ppubsub.Subscription) {
	for {
		m, err := subscription.Next(s.ctx)
		if err != nil {
			return
		}
		guarded(func() { s.inbox.take(m.GetFrom(), m.GetTopic(), m.GetData()) })
	}
}

func (s *Service) start(name string, fn func()) {
	s.wg.Add(1)
	guard.Go(name, func() {
		defer s.wg.Done()
		fn()
	})
}
