// Package pubsub is topics: GossipSub or FloodSub, wire-compatible with the Python node (strict signing, topics verbatim). Messages go to
// JavaScript through one inlet for each author.
package pubsub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/logging"
)

const (
	// queueSize is how many messages may wait for validation, or for a subscriber. The router drops silently what is beyond; its own 32 places
	// lose messages at the first burst.
	queueSize = 16384
	// routerTurns is how often Flush has to be served by the router's loop, which takes from its inputs at random, to be sure that the 32
	// published messages which may wait beside it have been served too.
	routerTurns = 128
	// envelope is what the router may put around the largest message.
	envelope = 64
)

// Events is told what JavaScript has to know besides the messages. Its methods must not block.
type Events interface {
	// InletOpened comes before the first message of an author.
	InletOpened(inlet uint32, p peer.ID, transport string)
	// InletClosed comes when an author is forgotten; all of its messages were consumed.
	InletClosed(inlet uint32)
	// TopicPeers says who else is in a topic and gets what is published there, whenever that changes; none when the topic was left.
	TopicPeers(topic string, peers []peer.ID)
	// Dropped tells of messages of topics that had to be let go.
	Dropped(Drop)
	// Warn says that something is not as it should be, and goes on.
	Warn(code boundary.Code, message string)
}

// Config is what a Service needs besides its host.
type Config struct {
	FloodSub bool
	// MaxMessageSize bounds a message that comes in, MaxTopicMessageSize one that is published, both as the RPC that holds it.
	MaxMessageSize      int
	MaxTopicMessageSize int
	Port                boundary.Port
	Events              Events
}

// Service is the topics of one node.
type Service struct {
	Config
	self   peer.ID
	router *libp2ppubsub.PubSub
	// sample has the size of a signed message of this node without topic and data.
	sample  *pb.Message
	inbox   *inbox
	drops   *drops
	roster  *roster
	streams *streams
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	// published: there is something to flush.
	published atomic.Bool

	// mu guards topics and serialises joining and leaving.
	mu     sync.Mutex
	topics map[string]*topic
}

// New registers the protocols at once.
func New(h host.Host, config Config) (*Service, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{Config: config, self: h.ID(), ctx: ctx, cancel: cancel, topics: map[string]*topic{}}
	s.drops = newDrops(config.Events)
	s.roster = newRoster(config.Events)
	s.inbox = newInbox(config.Port, config.Events, s.drops)
	var err error
	if s.sample, err = sampleMessage(h); err == nil {
		if s.streams, err = newStreams(ctx, h, config, s.drops); err == nil {
			s.router, err = s.build(h)
		}
	}
	if err != nil {
		cancel()
		return nil, boundary.Errorf(boundary.Internal, "pubsub could not be started: %w", err)
	}
	return s, nil
}

func (s *Service) build(h host.Host) (*libp2ppubsub.PubSub, error) {
	r := newRouter(h, s)
	logger := logging.Logger("pubsub")
	options := []libp2ppubsub.Option{
		libp2ppubsub.WithMessageSignaturePolicy(libp2ppubsub.StrictSign),
		libp2ppubsub.WithMaxMessageSize(s.MaxMessageSize + envelope),
		libp2ppubsub.WithPeerOutboundQueueSize(queueSize),
		libp2ppubsub.WithValidateQueueSize(queueSize),
		libp2ppubsub.WithValidateThrottle(queueSize),
		// Several workers would let messages of one author overtake each other.
		libp2ppubsub.WithValidateWorkers(1),
		libp2ppubsub.WithRawTracer(tracer{router: r, streams: s.streams, drops: s.drops}),
		libp2ppubsub.WithPeerFilter(func(_ peer.ID, topic string) bool { return asked(func() bool { return topic != emptied.GetTopic() }) }),
		libp2ppubsub.WithLogger(logger),
		libp2ppubsub.WithRPCLogger(logger),
	}
	if r.gossip != nil {
		options = append(options, r.gossip.WithDefaultTagTracer())
	}
	return libp2ppubsub.NewPubSub(s.ctx, routerHost{h, s.streams}, r, options...)
}

// Publish returns when the router has taken a message, which nobody may be there to receive. data belongs to the router from then on.
func (s *Service) Publish(ctx context.Context, name string, data []byte) error {
	limit, option := s.MaxTopicMessageSize, "maxTopicMessageSize"
	if s.MaxMessageSize < limit {
		limit, option = s.MaxMessageSize, "maxMessageSize"
	}
	if size := s.wireSize(name, data); size > limit {
		return boundary.Errorf(boundary.TopicFailed, "a message of %d bytes takes %d with its topic and signature; the limit is %d (%s)",
			len(data), size, limit, option)
	}
	s.published.Store(true)
	for {
		t, err := s.join(name)
		if err != nil {
			return err
		}
		err = t.handle.Publish(ctx, data)
		if errors.Is(err, libp2ppubsub.ErrTopicClosed) && s.ctx.Err() == nil {
			// The topic was left in between; publishing joins it again.
			continue
		}
		return s.failed("publish to", name, err)
	}
}

// Credit takes back what messages of an inlet cost, once the program has consumed them.
func (s *Service) Credit(inlet uint32, cost int) { s.inbox.credit(inlet, cost) }

// Flush ends what is sent to peers: it returns when what was published has been read by those that take it, or ctx ends. Nothing can be
// published after it.
func (s *Service) Flush(ctx context.Context) {
	if s.published.Load() {
		for range routerTurns {
			s.router.GetTopics()
		}
	}
	s.streams.finish(ctx)
}

// Close returns when nothing of the service runs any more, and all that was lost has been told.
func (s *Service) Close() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.streams.close()
	s.drops.close()
	s.wg.Wait()
}

func (s *Service) failed(what, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.ctx.Err() != nil:
		return boundary.NodeClosed()
	case errors.Is(err, context.Canceled):
		return err
	}
	return boundary.Errorf(boundary.TopicFailed, "could not %s topic %q: %w", what, name, err)
}

func (s *Service) wireSize(name string, data []byte) int {
	return proto.Size(&pb.RPC{Publish: []*pb.Message{{
		Data: data, Topic: &name, From: s.sample.From, Seqno: s.sample.Seqno, Signature: s.sample.Signature, Key: s.sample.Key,
	}}})
}

func sampleMessage(h host.Host) (*pb.Message, error) {
	key := h.Peerstore().PrivKey(h.ID())
	signature, err := key.Sign(nil)
	if err != nil {
		return nil, fmt.Errorf("this key cannot sign: %w", err)
	}
	message := &pb.Message{From: []byte(h.ID()), Seqno: make([]byte, 8), Signature: signature}
	if _, err := h.ID().ExtractPublicKey(); err != nil {
		if message.Key, err = crypto.MarshalPublicKey(key.GetPublic()); err != nil {
			return nil, err
		}
	}
	return message, nil
}
