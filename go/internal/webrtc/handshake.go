package webrtc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	pion "github.com/pion/webrtc/v4"

	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/logging"
)

const (
	// label is that of the one data channel.
	label = "unaiverse-data"
	// handshakeTimeout bounds all of a handshake: gathering addresses, the exchange, and the channel's opening.
	handshakeTimeout = time.Minute
	// offerTimeout bounds the wait for what a peer says first.
	offerTimeout = 10 * time.Second
	serviceName  = "unaiverse.webrtc"
)

var errFailed = errors.New("the two nodes found no way to each other")

// offer makes an offer to a peer, and returns when that has led to a channel.
func (s *Service) offer(ctx context.Context, p peer.ID) (err error) {
	select {
	case s.offering <- struct{}{}:
		defer func() { <-s.offering }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(network.WithNoDial(ctx, "webrtc"), "webrtc"), handshakeTimeout)
	defer cancel()
	defer s.begin(p)()
	s.setOffer(p, cancel)
	defer s.setOffer(p, nil)
	h, err := s.newHandshake(p)
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
	answer, err := s.exchange(ctx, p, sdp)
	if err != nil {
		return err
	}
	if err = h.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: answer}); err != nil {
		return err
	}
	return h.finish(ctx)
}

func (s *Service) setOffer(p peer.ID, cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remoteLocked(p).offer = cancel
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

// answer takes an offer that a peer makes.
func (s *Service) answer(str network.Stream) {
	p := str.Conn().RemotePeer()
	refusal, err := s.takeOffer(str, p)
	switch {
	case refusal != "":
		_ = writeSignal(str, signal{Type: "error", Message: refusal})
		_ = str.Close()
	case err != nil:
		_ = str.Reset()
		logging.Logger("webrtc").Info("no channel", "peer", p.String(), "error", err.Error())
	}
}

func (s *Service) takeOffer(str network.Stream, p peer.ID) (refusal string, err error) {
	if err = str.Scope().SetService(serviceName); err != nil {
		return "", err
	}
	if err = str.SetDeadline(time.Now().Add(offerTimeout)); err != nil {
		return "", err
	}
	select {
	case s.answering <- struct{}{}:
		defer func() { <-s.answering }()
	default:
		return "too many handshakes at once", nil
	}
	offer, err := readSignal(str)
	if err != nil {
		return "", err
	}
	if offer.Type != "offer" {
		return "an offer was expected", nil
	}
	if s.silent(p) {
		return "this node is about to disconnect", nil
	}
	if !s.yield(p) {
		return "this node has made an offer itself", nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, handshakeTimeout)
	defer cancel()
	defer s.begin(p)()
	h, err := s.newHandshake(p)
	if err != nil {
		return "", err
	}
	defer h.closeUnless(&err)
	h.pc.OnDataChannel(func(channel *pion.DataChannel) {
		if channel.Label() == label {
			h.await(channel)
		}
	})
	if err = h.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeOffer, SDP: offer.SDP}); err != nil {
		return "the offer cannot be read", err
	}
	answer, err := h.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	sdp, err := h.describe(ctx, answer)
	if err != nil {
		return "", err
	}
	if err = str.SetDeadline(time.Now().Add(offerTimeout)); err != nil {
		return "", err
	}
	if err = writeSignal(str, signal{Type: "answer", SDP: sdp}); err != nil {
		return "", err
	}
	if err = str.Close(); err != nil {
		return "", err
	}
	return "", h.finish(ctx)
}

// yield decides what becomes of an offer of this node that crosses one of the peer: the one of the smaller peer id stands.
func (s *Service) yield(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[p]
	if r == nil || r.offer == nil {
		return true
	}
	if s.wins(p) {
		return false
	}
	r.offer()
	return true
}

// handshake is a channel in the making.
type handshake struct {
	s    *Service
	peer peer.ID
	pc   *pion.PeerConnection
	// awaiting is done with the first data channel; opened gets it, failed is closed when the connection has ended.
	awaiting sync.Once
	opened   chan *Channel
	failed   chan struct{}
}

func (s *Service) newHandshake(p peer.ID) (*handshake, error) {
	s.mu.Lock()
	servers := s.servers
	s.mu.Unlock()
	pc, err := s.api.NewPeerConnection(pion.Configuration{ICEServers: servers})
	if err != nil {
		return nil, err
	}
	h := &handshake{s: s, peer: p, pc: pc, opened: make(chan *Channel, 1), failed: make(chan struct{})}
	var once sync.Once
	pc.OnConnectionStateChange(func(state pion.PeerConnectionState) {
		if state == pion.PeerConnectionStateFailed || state == pion.PeerConnectionStateClosed {
			once.Do(func() { close(h.failed) })
		}
	})
	return h, nil
}

// await waits for a data channel to open. Until it is read what the peer sends stays in its buffer, so nothing is lost at the beginning.
func (h *handshake) await(channel *pion.DataChannel) {
	h.awaiting.Do(func() {
		channel.OnOpen(func() {
			guard.Do("webrtc: open", func() {
				if c, err := newChannel(h, channel); err == nil {
					h.opened <- c
				}
			})
		})
	})
}

// describe sets the local description and returns it with all addresses in it: there is no second message that could bring more.
func (h *handshake) describe(ctx context.Context, description pion.SessionDescription) (string, error) {
	gathered := pion.GatheringCompletePromise(h.pc)
	if err := h.pc.SetLocalDescription(description); err != nil {
		return "", err
	}
	select {
	case <-gathered:
		return h.pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (h *handshake) finish(ctx context.Context) error {
	select {
	case c := <-h.opened:
		h.s.adopt(c)
		return nil
	case <-h.failed:
		return errFailed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *handshake) closeUnless(err *error) {
	if *err != nil {
		_ = h.pc.GracefulClose()
	}
}
