package webrtc

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	pion "github.com/pion/webrtc/v4"
)

// offer makes an offer to a peer, and returns when that has led to a channel.
func (s *Service) offer(ctx context.Context, r *remote) (err error) {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(network.WithNoDial(ctx, "webrtc"), "webrtc"), handshakeTimeout)
	defer cancel()
	h, err := s.newHandshake(r)
	if err != nil {
		return err
	}
	defer h.closeUnless(&err)
	channel, err := h.pc.CreateDataChannel(label, nil)
	if err != nil {
		return err
	}
	h.await(channel)
	offer, err := h.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	sdp, err := h.describe(ctx, offer)
	if err != nil {
		return err
	}
	answer, err := s.exchange(ctx, r.id, sdp)
	if err != nil {
		return err
	}
	if err = h.take(pion.SDPTypeAnswer, answer); err != nil {
		return err
	}
	return h.finish(ctx)
}

// exchange sends the offer and returns the answer.
func (s *Service) exchange(ctx context.Context, p peer.ID, sdp string) (answer string, err error) {
	str, err := s.host.NewStream(ctx, p, Protocol)
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { _ = str.Reset() })()
	defer func() {
		if err != nil {
			_ = str.Reset()
		}
	}()
	if err = str.Scope().SetService(serviceName); err != nil {
		return "", err
	}
	if err = writeSignal(str, signal{Type: "offer", SDP: sdp}); err != nil {
		return "", err
	}
	reply, err := readSignal(str)
	if err != nil {
		return "", err
	}
	if reply.Type != "answer" {
		return "", fmt.Errorf("the peer refused: %s", reply.Message)
	}
	return reply.SDP, str.Close()
}
