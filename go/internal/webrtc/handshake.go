package webrtc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	pion "github.com/pion/webrtc/v4"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// label is that of the one data channel.
	label = "unaiverse-data"
	// handshakeTimeout bounds all of a handshake: gathering addresses, the exchange, and the channel's opening.
	handshakeTimeout = time.Minute
	// offerTimeout bounds the wait for what a peer says first, and for its taking what is said to it.
	offerTimeout = 10 * time.Second
	serviceName  = "unaiverse.webrtc"
	// maxCandidates bounds the addresses that a peer may have this node try, whoever is there; pion lists each of its own twice.
	maxCandidates = 256
	// maxDataChannels bounds those that a peer opens; one is used, and pion keeps all.
	maxDataChannels = 16
)

var errFailed = errors.New("the two nodes found no way to each other")

// handshake is a channel in the making.
type handshake struct {
	s      *Service
	remote *remote
	pc     *pion.PeerConnection
	// awaiting is done with the first data channel; opened gets it.
	awaiting sync.Once
	opened   chan *Channel
	// failed is closed when the connection has ended, or has to.
	failed   chan struct{}
	failing  sync.Once
	channels atomic.Int32
}

func (s *Service) newHandshake(r *remote) (*handshake, error) {
	s.mu.Lock()
	servers := s.servers
	s.mu.Unlock()
	pc, err := s.api.NewPeerConnection(pion.Configuration{ICEServers: servers})
	if err != nil {
		return nil, err
	}
	h := &handshake{s: s, remote: r, pc: pc, opened: make(chan *Channel, 1), failed: make(chan struct{})}
	pc.OnConnectionStateChange(func(state pion.PeerConnectionState) {
		guard.Do("webrtc: connection", func() {
			if state == pion.PeerConnectionStateFailed || state == pion.PeerConnectionStateClosed {
				h.fail()
			}
		})
	})
	pc.OnDataChannel(func(channel *pion.DataChannel) {
		guard.Do("webrtc: data channel", func() {
			if h.channels.Add(1) > maxDataChannels {
				h.fail()
			} else if channel.Label() == label {
				h.await(channel)
			}
		})
	})
	return h, nil
}

func (h *handshake) fail() { h.failing.Do(func() { close(h.failed) }) }

// await waits for a data channel to open. Until it is read what the peer sends stays in its buffer, so nothing is lost at the beginning.
func (h *handshake) await(channel *pion.DataChannel) {
	h.awaiting.Do(func() {
		channel.OnOpen(func() {
			guard.Do("webrtc: open", func() {
				c, err := newChannel(h, channel)
				if err != nil {
					h.fail()
					return
				}
				h.opened <- c
			})
		})
	})
}

// take sets the description that the peer has sent, if it is of data channels alone.
func (h *handshake) take(kind pion.SDPType, sdp string) error {
	if n := strings.Count(sdp, "\nm="); n != 1 {
		return fmt.Errorf("a description of %d media", n)
	}
	if n := strings.Count(sdp, "a=candidate:"); n > maxCandidates {
		return fmt.Errorf("a description with %d addresses", n)
	}
	return h.pc.SetRemoteDescription(pion.SessionDescription{Type: kind, SDP: sdp})
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
		return h.s.adopt(ctx, h.remote, c)
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
