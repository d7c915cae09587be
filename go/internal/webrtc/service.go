// Package webrtc opens WebRTC channels between two nodes that libp2p connects through relays only. It speaks the protocol of the Python node:
// one offer and one answer over a stream, then one data channel. What goes over a channel is package messaging's business.
package webrtc

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	pion "github.com/pion/webrtc/v4"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// Protocol is the protocol id of the signalling.
const Protocol protocol.ID = "/unaiverse/webrtc-signal/1.0.0"

const (
	// maxHandshakes bounds the handshakes under way, once for those that peers begin and once for this node's own.
	maxHandshakes = 16
	// maxChannels is from when on no handshake begins. A channel outlives the connection that it was made over, so nothing else bounds them.
	maxChannels = 128
)

// Connection is a channel, open or about to be.
type Connection struct {
	Peer peer.ID
	Open bool
}

// Config is what a Service needs besides its host.
type Config struct {
	ICE ICE
	// IPs are those that the node listens on. If all are specific, nothing else is used.
	IPs []string
	// Wait is how long hole punching is given before a channel is offered.
	Wait time.Duration
	// Open is called for each new channel before anything goes over it. It must not block.
	Open func(p peer.ID, c *Channel)
	// Changed is called with all connections whenever they change, one call at a time, and not after Close. It must not block.
	Changed func([]Connection)
}

// Service is the channels of one node.
type Service struct {
	Config
	host   host.Host
	api    *pion.API
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// answering and offering hold a token for each handshake under way.
	answering, offering chan struct{}
	// telling serialises Changed; told is what it was called with last.
	telling sync.Mutex
	told    []Connection

	mu sync.Mutex
	// stopped: no channel is made any more. closed: nothing is started any more.
	stopped, closed bool
	servers         []pion.ICEServer
	peers           map[peer.ID]*remote
	// channels counts those of peers.
	channels int
	// untold: a peer's state or channel is not what Changed was called with.
	untold bool
}

// New registers the protocol at once and follows who is connected how.
func New(h host.Host, config Config) (*Service, error) {
	servers, err := config.ICE.Servers()
	if err != nil {
		return nil, err
	}
	api, err := newAPI(config.IPs)
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "WebRTC cannot be used: %w", err)
	}
	subscription, err := h.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated), new(event.EvtPeerConnectednessChanged),
	}, eventbus.BufSize(256), eventbus.Name("webrtc"))
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "no event bus: %w", err)
	}
	s := &Service{
		Config: config, host: h, api: api, servers: servers, peers: map[peer.ID]*remote{},
		answering: make(chan struct{}, maxHandshakes), offering: make(chan struct{}, maxHandshakes),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	h.SetStreamHandler(Protocol, func(str network.Stream) {
		guard.Do("webrtc: stream", func() {
			if !s.start(func() { s.answer(str) }) {
				_ = str.Reset()
			}
		})
	})
	s.start(func() {
		defer subscription.Close()
		s.follow(subscription)
	})
	return s, nil
}

// SetICE changes the servers for handshakes that begin later, or nothing when one of them cannot be used.
func (s *Service) SetICE(ice ICE) error {
	servers, err := ice.Servers()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers = servers
	return nil
}

// Connected says whether there is an open channel to a peer.
func (s *Service) Connected(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[p]
	return r != nil && r.channel != nil
}

// Stop makes no channel any more; those that are open stay until Close.
func (s *Service) Stop() {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, r := range s.peers {
		s.becomeLocked(r, leaving)
	}
}

// Quiet makes no channel to a peer until end is called: it is about to be disconnected.
func (s *Service) Quiet(p peer.ID) (end func()) {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remoteLocked(p)
	ctx := s.becomeLocked(r, leaving)
	return func() {
		s.unquiet(ctx, r)
		s.consider(p)
	}
}

func (s *Service) unquiet(ctx context.Context, r *remote) {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case r.channel != nil:
		s.becomeLocked(r, open)
	default:
		s.becomeLocked(r, idle)
	}
}

// Disconnect ends the channel to a peer, and what is being done to get one. When it returns, Changed knows.
func (s *Service) Disconnect(p peer.ID) {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remoteLocked(p)
	if r.channel != nil {
		_ = r.channel.Close()
		s.holdLocked(r, nil)
	}
	if r.state != idle && r.state != leaving {
		s.becomeLocked(r, idle)
	}
}

// Close ends everything. It returns when nothing of the service runs any more.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	for _, r := range s.peers {
		if r.channel != nil {
			_ = r.channel.Close()
		}
	}
	s.mu.Unlock()
	s.host.RemoveStreamHandler(Protocol)
	s.cancel()
	s.wg.Wait()
}

// start runs fn in a goroutine that Close waits for; not after Close.
func (s *Service) start(fn func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.startLocked(fn)
}

func (s *Service) startLocked(fn func()) bool {
	if s.closed {
		return false
	}
	s.wg.Add(1)
	guard.Go("webrtc", func() {
		defer s.wg.Done()
		fn()
	})
	return true
}

// wins decides between two peers that make an offer to each other at the same time.
func (s *Service) wins(p peer.ID) bool { return bytes.Compare([]byte(s.host.ID()), []byte(p)) < 0 }

// adopt makes a channel the one to its peer, if the handshake that made it still counts.
func (s *Service) adopt(ctx context.Context, r *remote, c *Channel) error {
	if err := s.opened(ctx, r, c); err != nil {
		_ = c.Close()
		return err
	}
	s.Open(c.peer, c)
	s.tell()
	return nil
}

func (s *Service) opened(ctx context.Context, r *remote, c *Channel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.becomeLocked(r, open)
	s.holdLocked(r, c)
	return nil
}

// ended forgets a channel.
func (s *Service) ended(c *Channel) {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[c.peer]
	if r == nil || r.channel != c {
		return
	}
	s.holdLocked(r, nil)
	if r.state == open {
		s.becomeLocked(r, idle)
	}
}

// tell calls Changed when there is something that it was not called with; after that, or when somebody else has called it, it returns.
func (s *Service) tell() {
	s.telling.Lock()
	defer s.telling.Unlock()
	connections, changed := s.untoldConnections()
	if changed && !slices.Equal(connections, s.told) {
		s.told = connections
		s.Changed(connections)
	}
}

func (s *Service) untoldConnections() (connections []Connection, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.untold {
		return nil, false
	}
	s.untold = false
	for p, r := range s.peers {
		if r.channel != nil || r.state == offering || r.state == answering {
			connections = append(connections, Connection{p, r.channel != nil})
		}
	}
	slices.SortFunc(connections, func(a, b Connection) int { return bytes.Compare([]byte(a.Peer), []byte(b.Peer)) })
	return connections, true
}

// Held counts the peers of which something is kept.
func (s *Service) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.peers)
}
