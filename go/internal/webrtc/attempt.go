package webrtc

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/logging"
	"github.com/unaiverse/p2p/go/internal/transports"
)

const (
	// dialledPause is how much longer the node that was dialled waits: the offer is the dialler's to make, but a Python node takes 20 s.
	dialledPause = 1500 * time.Millisecond
	firstRetry   = 5 * time.Second
	lastRetry    = time.Minute
)

// consider begins to try for a channel to a peer, or gives it up, as things stand.
func (s *Service) consider(p peer.ID) {
	lacking := s.lacking(p)
	s.mu.Lock()
	r := s.peers[p]
	if !lacking {
		if r != nil && r.attempt != nil {
			r.attempt()
		}
		s.mu.Unlock()
		return
	}
	if s.closed || (r != nil && r.attempt != nil) {
		s.mu.Unlock()
		return
	}
	r = s.remoteLocked(p)
	ctx, cancel := context.WithCancel(s.ctx)
	r.attempt = cancel
	s.mu.Unlock()
	s.start(func() {
		defer func() {
			cancel()
			s.mu.Lock()
			r.attempt = nil
			s.forgetLocked(p, r)
			s.mu.Unlock()
		}()
		s.attempt(ctx, p)
	})
}

// attempt gives hole punching its time, and then makes offers until one leads to a channel or there is no need any more.
func (s *Service) attempt(ctx context.Context, p peer.ID) {
	pause, retry := s.Wait, firstRetry
	if !s.dialled(p) {
		pause += dialledPause
	}
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		if !s.lacking(p) {
			return
		}
		if s.busy(p) {
			pause = dialledPause
			continue
		}
		err := s.offer(ctx, p)
		if err == nil {
			return
		}
		logging.Logger("webrtc").Info("no channel", "peer", p.String(), "error", err.Error())
		pause = retry + rand.N(retry/4)
		retry = min(2*retry, lastRetry)
	}
}

func (s *Service) follow(subscription event.Subscription) {
	for {
		select {
		case <-s.ctx.Done():
			return
		case e := <-subscription.Out():
			switch e := e.(type) {
			case event.EvtPeerIdentificationCompleted:
				s.consider(e.Peer)
			case event.EvtPeerProtocolsUpdated:
				s.consider(e.Peer)
			case event.EvtPeerConnectednessChanged:
				s.consider(e.Peer)
			}
		}
	}
}

// lacking says whether relays are the only way to a peer that could have a channel.
func (s *Service) lacking(p peer.ID) bool {
	conns := s.host.Network().ConnsToPeer(p)
	if s.silent(p) || len(conns) == 0 || slices.ContainsFunc(conns, func(c network.Conn) bool { return !transports.Relayed(c) }) || s.Connected(p) {
		return false
	}
	known, err := s.host.Peerstore().SupportsProtocols(p, Protocol)
	return err == nil && len(known) > 0
}

// dialled says whether it is this node that has connected to a peer.
func (s *Service) dialled(p peer.ID) bool {
	return slices.ContainsFunc(s.host.Network().ConnsToPeer(p), func(c network.Conn) bool { return c.Stat().Direction == network.DirOutbound })
}

// busy says whether a handshake with a peer is under way.
func (s *Service) busy(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[p]
	return r != nil && r.handshakes > 0
}

// silent says whether no channel to a peer may be made now.
func (s *Service) silent(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped || s.quiet[p] > 0
}
