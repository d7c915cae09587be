package webrtc

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	pion "github.com/pion/webrtc/v4"

	"github.com/unaiverse/p2p/go/internal/logging"
)

// refusal is the error of an offer that is not taken; the peer is told.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	refusedLeaving   refusal = "this node is about to disconnect"
	refusedNeedless  refusal = "no channel is lacking"
	refusedOnce      refusal = "a handshake with this peer is under way"
	refusedCrossed   refusal = "this node has made an offer itself"
	refusedTooMany   refusal = "too many handshakes at once"
	refusedFull      refusal = "this node has as many channels as it can"
	refusedNoOffer   refusal = "an offer was expected"
	refusedMalformed refusal = "the offer cannot be read"
)

// answer takes an offer that a peer makes.
func (s *Service) answer(str network.Stream) {
	p := str.Conn().RemotePeer()
	err := str.SetDeadline(time.Now().Add(offerTimeout))
	if err == nil {
		err = str.Scope().SetService(serviceName)
	}
	if err == nil {
		err = s.answerAdmitted(str, p)
	}
	var refused refusal
	switch {
	case errors.As(err, &refused):
		_ = writeSignal(str, signal{Type: "error", Message: string(refused)})
		_ = str.Close()
	case err != nil:
		_ = str.Reset()
		logging.Logger("webrtc").Info("no channel", "peer", p.String(), "error", err.Error())
	}
}

func (s *Service) answerAdmitted(str network.Stream, p peer.ID) error {
	ctx, r, err := s.admit(p)
	if err != nil {
		return err
	}
	err = s.takeOffer(ctx, r, str)
	<-s.answering
	if err != nil {
		s.move(ctx, r, idle)
		s.consider(p)
	}
	return err
}

// admit gives the peer one of the places for handshakes before anything of its offer is read: at most one, and none without need.
func (s *Service) admit(p peer.ID) (context.Context, *remote, error) {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remoteLocked(p)
	switch {
	case s.stopped || r.state == leaving:
		return nil, nil, refusedLeaving
	case r.state == open || !s.onlyRelayed(p):
		return nil, nil, refusedNeedless
	case r.state == answering:
		return nil, nil, refusedOnce
	case r.state == offering && s.wins(p):
		return nil, nil, refusedCrossed
	case s.channels >= maxChannels:
		return nil, nil, refusedFull
	}
	select {
	case s.answering <- struct{}{}:
		return s.becomeLocked(r, answering), r, nil
	default:
		return nil, nil, refusedTooMany
	}
}

func (s *Service) takeOffer(ctx context.Context, r *remote, str network.Stream) (err error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = str.Reset() })()
	offer, err := readSignal(str)
	if err != nil {
		return err
	}
	if offer.Type != "offer" {
		return refusedNoOffer
	}
	h, err := s.newHandshake(r)
	if err != nil {
		return err
	}
	defer h.closeUnless(&err)
	if err = h.take(pion.SDPTypeOffer, offer.SDP); err != nil {
		return refusedMalformed
	}
	answer, err := h.pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	sdp, err := h.describe(ctx, answer)
	if err != nil {
		return err
	}
	if err = str.SetDeadline(time.Now().Add(offerTimeout)); err != nil {
		return err
	}
	if err = writeSignal(str, signal{Type: "answer", SDP: sdp}); err != nil {
		return err
	}
	if err = str.Close(); err != nil {
		return err
	}
	return h.finish(ctx)
}
