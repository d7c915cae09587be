package webrtc

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/logging"
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
