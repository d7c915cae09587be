package webrtc

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/logging"
	"github.com/unaiverse/p2p/go/internal/transports"
)

const (
	// dialledPause is how much longer the node that was dialled waits: the offer is the dialler's to make, but a Python node takes 20 s.
	dialledPause = 1500 * time.Millisecond
	firstRetry   = 5 * time.Second
	lastRetry    = time.Minute
)

// follow considers each peer about whom something has changed.
func (s *Service) follow(subscription event.Subscription) {
	for {
		select {
		case <-s.ctx.Done():
			return
		case e := <-subscription.Out():
			guard.Do("webrtc: event", func() {
				switch e := e.(type) {
				case event.EvtPeerIdentificationCompleted:
					s.consider(e.Peer)
				case event.EvtPeerProtocolsUpdated:
					s.consider(e.Peer)
				case event.EvtPeerConnectednessChanged:
					s.consider(e.Peer)
				}
			})
		}
	}
}

// consider begins to try for a channel to a peer, or gives it up, as things stand.
func (s *Service) consider(p peer.ID) {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remoteLocked(p)
	lacking := s.onlyRelayed(p)
	switch r.state {
	case idle:
		if lacking && !s.stopped && s.speaks(p) {
			ctx := s.becomeLocked(r, waiting)
			s.startLocked(func() { s.attempt(ctx, r) })
		}
	case waiting, offering, answering:
		if !lacking {
			s.becomeLocked(r, idle)
		}
	}
}

// attempt waits and makes offers until one leads to a channel, or the state has been changed by others.
func (s *Service) attempt(ctx context.Context, r *remote) {
	pause, retry := s.Wait, firstRetry
	if !s.dialled(r.id) {
		pause += dialledPause
	}
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		select {
		case s.offering <- struct{}{}:
		case <-ctx.Done():
			return
		}
		during, stands := s.move(ctx, r, offering)
		var err error = refusedFull
		if stands && !s.full() {
			err = s.offer(during, r)
		}
		<-s.offering
		if !stands || err == nil {
			return
		}
		logging.Logger("webrtc").Info("no channel", "peer", r.id.String(), "error", err.Error())
		if ctx, stands = s.move(during, r, waiting); !stands {
			return
		}
		pause = retry + rand.N(retry/4)
		retry = min(2*retry, lastRetry)
	}
}

// full says whether there are as many channels as there may be.
func (s *Service) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channels >= maxChannels
}

// onlyRelayed says whether relays are the only way to a peer.
func (s *Service) onlyRelayed(p peer.ID) bool {
	conns := s.host.Network().ConnsToPeer(p)
	return len(conns) > 0 && !slices.ContainsFunc(conns, func(c network.Conn) bool { return !transports.Relayed(c) })
}

// speaks says whether a peer is known to take offers.
func (s *Service) speaks(p peer.ID) bool {
	known, err := s.host.Peerstore().SupportsProtocols(p, Protocol)
	return err == nil && len(known) > 0
}

// dialled says whether it is this node that has connected to a peer.
func (s *Service) dialled(p peer.ID) bool {
	return slices.ContainsFunc(s.host.Network().ConnsToPeer(p), func(c network.Conn) bool { return c.Stat().Direction == network.DirOutbound })
}
