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

// maxHandshakes bounds the handshakes under way, once for those that peers begin and once for this node's own.
const maxHandshakes = 16

// ICE names the servers that help two nodes to find a way to each other. Without any, only their own addresses are tried.
type ICE struct {
	StunServers []string
	TurnServers []TurnServer
}

// TurnServer is one TURN server.
type TurnServer struct {
	URLs                 []string
	Username, Credential string
}

// Connection is a channel, open or about to be.
type Connection struct {
	Peer peer.ID
	Open bool
}

// Config is what a Service needs besides its host.
type Config struct {
	ICE ICE
	// IPs are those that the node listens on. If all are specific, nothing else is used.
	IPs            []string
	MaxMessageSize int
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

	mu     sync.Mutex
	closed bool
	// stopped: no channel is made any more; quiet are the peers to which none is made for a while, as often as that is asked for.
	stopped bool
	quiet   map[peer.ID]int
	servers []pion.ICEServer
	peers   map[peer.ID]*remote
}

// remote is what a node keeps of a peer that it has, or tries to have, a channel with.
type remote struct {
	channel *Channel
	// attempt ends the attempts to reach the peer, nil when there are none.
	attempt context.CancelFunc
	// offer ends the handshake that this node has begun, nil when there is none.
	offer context.CancelFunc
	// handshakes counts those under way.
	handshakes int
}

// New registers the protocol at once and follows who is connected how.
func New(h host.Host, config Config) (*Service, error) {
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
		Config: config, host: h, api: api, peers: map[peer.ID]*remote{}, quiet: map[peer.ID]int{},
		answering: make(chan struct{}, maxHandshakes), offering: make(chan struct{}, maxHandshakes),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.SetICE(config.ICE)
	h.SetStreamHandler(Protocol, func(str network.Stream) {
		s.start(func() { s.answer(str) })
	})
	s.start(func() {
		defer subscription.Close()
		s.follow(subscription)
	})
	return s, nil
}

// SetICE changes the servers for handshakes that begin later.
func (s *Service) SetICE(ice ICE) {
	var servers []pion.ICEServer
	if len(ice.StunServers) > 0 {
		servers = append(servers, pion.ICEServer{URLs: ice.StunServers})
	}
	for _, turn := range ice.TurnServers {
		servers = append(servers, pion.ICEServer{URLs: turn.URLs, Username: turn.Username, Credential: turn.Credential})
	}
	s.mu.Lock()
	s.servers = servers
	s.mu.Unlock()
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, r := range s.peers {
		r.stop()
	}
}

// Quiet makes no channel to a peer until end is called: it is about to be disconnected.
func (s *Service) Quiet(p peer.ID) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet[p]++
	if r := s.peers[p]; r != nil {
		r.stop()
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.quiet[p]--; s.quiet[p] == 0 {
			delete(s.quiet, p)
		}
	}
}

// Disconnect ends the channel to a peer, and what is being done to get one.
func (s *Service) Disconnect(p peer.ID) {
	s.mu.Lock()
	var channel *Channel
	if r := s.peers[p]; r != nil {
		channel, r.channel = r.channel, nil
		r.stop()
		s.forgetLocked(p, r)
	}
	s.mu.Unlock()
	if channel != nil {
		_ = channel.Close()
		s.tell()
	}
}

// Close ends everything. It returns when nothing of the service runs any more.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	var channels []*Channel
	for _, r := range s.peers {
		r.stop()
		if r.channel != nil {
			channels = append(channels, r.channel)
		}
	}
	s.mu.Unlock()
	s.host.RemoveStreamHandler(Protocol)
	s.cancel()
	for _, c := range channels {
		_ = c.Close()
	}
	s.wg.Wait()
}

func (r *remote) stop() {
	if r.attempt != nil {
		r.attempt()
	}
	if r.offer != nil {
		r.offer()
	}
}

// start runs fn in a goroutine that Close waits for.
func (s *Service) start(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.wg.Add(1)
	guard.Go("webrtc", func() {
		defer s.wg.Done()
		fn()
	})
}

// wins decides between two peers that make an offer to each other at the same time.
func (s *Service) wins(p peer.ID) bool { return bytes.Compare([]byte(s.host.ID()), []byte(p)) < 0 }

func (s *Service) remoteLocked(p peer.ID) *remote {
	r := s.peers[p]
	if r == nil {
		r = &remote{}
		s.peers[p] = r
	}
	return r
}

// begin counts a handshake with a peer; end takes it back.
func (s *Service) begin(p peer.ID) (end func()) {
	s.mu.Lock()
	r := s.remoteLocked(p)
	r.handshakes++
	s.mu.Unlock()
	s.tell()
	return func() {
		s.mu.Lock()
		r.handshakes--
		s.forgetLocked(p, r)
		s.mu.Unlock()
		s.tell()
	}
}

func (s *Service) forgetLocked(p peer.ID, r *remote) {
	if r.channel == nil && r.attempt == nil && r.offer == nil && r.handshakes == 0 && s.peers[p] == r {
		delete(s.peers, p)
	}
}

// adopt makes a channel the one to its peer, in the place of an earlier one, which the peer has given up or will.
func (s *Service) adopt(c *Channel) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = c.Close()
		return
	}
	r := s.remoteLocked(c.peer)
	before := r.channel
	r.channel = c
	s.mu.Unlock()
	s.start(func() {
		<-c.done
		s.ended(c)
	})
	if before != nil {
		s.start(func() { before.replaced(s.ctx) })
	}
	s.Open(c.peer, c)
	s.tell()
}

// ended forgets a channel, unless there is a newer one already, and tries for another.
func (s *Service) ended(c *Channel) {
	s.mu.Lock()
	if r := s.peers[c.peer]; r != nil && r.channel == c {
		r.channel = nil
		s.forgetLocked(c.peer, r)
	}
	s.mu.Unlock()
	s.tell()
	s.consider(c.peer)
}

func (s *Service) tell() {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	closed := s.closed
	var connections []Connection
	for p, r := range s.peers {
		if r.channel != nil || r.handshakes > 0 {
			connections = append(connections, Connection{p, r.channel != nil})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(connections, func(a, b Connection) int { return bytes.Compare([]byte(a.Peer), []byte(b.Peer)) })
	if !closed && !slices.Equal(connections, s.told) {
		s.told = connections
		s.Changed(connections)
	}
}
