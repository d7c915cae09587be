package messaging

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multistream"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/transports"
)

// path is a way to a peer that frames can take: a libp2p stream, or a WebRTC channel.
type path interface {
	base() *line
	// write writes whole frames and says how many bytes were taken. Only one caller at a time is inside, so frames never interleave.
	write(data []byte) (n int, err error)
	// finish tells the peer that nothing more comes on this path.
	finish()
	// reset ends the path at once, both ways.
	reset()
}

// rank orders paths; the lower is the better.
type rank int

const (
	direct rank = iota
	webRTC
	relayed
)

// line is what all paths have in common.
type line struct {
	remote *remote
	inlet  uint32
	rank   rank
	// ended: the peer will not read any more from this path, or will soon not; the next frame needs another one.
	ended   atomic.Bool
	writing sync.Mutex
	// done is closed when reading has ended, which the peer's own end of the path causes.
	done chan struct{}
}

func (l *line) base() *line { return l }

// attach takes over a stream that either side opened. Every one of a peer's streams is read.
func (s *Service) attach(str network.Stream) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = str.Reset()
		return nil
	}
	r := s.remoteLocked(str.Conn().RemotePeer())
	attached := &stream{Stream: str, line: s.lineLocked(r, rankOf(str.Conn()), transports.Name(str.Conn()))}
	attached.circuit = r.circuitLocked(str.Conn())
	r.paths[attached] = struct{}{}
	s.start(func() { s.read(attached) })
	return attached
}

func (s *Service) lineLocked(r *remote, rank rank, transport string) *line {
	return &line{remote: r, inlet: s.inletLocked(r, transport), rank: rank, done: make(chan struct{})}
}

func rankOf(conn network.Conn) rank {
	if transports.Relayed(conn) {
		return relayed
	}
	return direct
}

// detach forgets a path whose reading has ended and tells its outlet when that was the last one.
func (s *Service) detach(p path, cause error) {
	l := p.base()
	l.ended.Store(true)
	if cause == nil {
		p.finish()
	} else {
		p.reset()
	}
	close(l.done)
	s.mu.Lock()
	delete(l.remote.paths, p)
	o, last, closed := l.remote.outlet, len(l.remote.paths) == 0, s.closed
	s.mu.Unlock()
	if o != nil && last && !closed {
		o.streamGone()
	}
	s.forget(l.remote)
}

// path finds a path to write to a peer, or opens a stream, dialling the peer when it is not connected.
func (s *Service) path(ctx context.Context, p peer.ID) (path, error) {
	if found := s.usable(p); found != nil {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "direct messages"), openTimeout)
	defer cancel()
	str, err := s.host.NewStream(ctx, p, Protocol)
	if err != nil {
		return nil, openError(err, p)
	}
	attached := s.attach(str)
	if attached == nil {
		return nil, boundary.NodeClosed()
	}
	// The peer may have opened one meanwhile, which is used already.
	if used := s.usable(p); used != nil {
		return used, nil
	}
	return attached, nil
}

// usable finds the path that frames to a peer are written to: the same one for as long as it lives, because only within a path they keep
// their order. The one exception is switchOver.
func (s *Service) usable(p peer.ID) path {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[p]
	if r == nil {
		return nil
	}
	if r.used == nil || r.used.base().ended.Load() {
		r.used = r.bestLocked()
	}
	return r.used
}

// bestLocked is the best path that can still be written to, nil when there is none.
func (r *remote) bestLocked() path {
	var best path
	for p := range r.paths {
		if !p.base().ended.Load() && (best == nil || p.base().rank < best.base().rank) {
			best = p
		}
	}
	return best
}

func openError(err error, p peer.ID) *boundary.Error {
	var notSupported multistream.ErrNotSupported[protocol.ID]
	var coded *boundary.Error
	code := boundary.DialFailed
	switch {
	case errors.As(err, &coded):
		return coded
	case errors.Is(err, context.Canceled):
		code = boundary.Aborted
	case errors.Is(err, swarm.ErrNoAddresses), errors.Is(err, swarm.ErrNoGoodAddresses):
		return boundary.Errorf(boundary.PeerUnknown, "no address of peer %s is known: connect to it first (%w)", p, err).About(p.String())
	case errors.As(err, &notSupported):
		return boundary.Errorf(boundary.ProtocolUnsupported, "peer %s does not take direct messages (%s): %w", p, Protocol, err).About(p.String())
	case errors.Is(err, network.ErrReset), errors.Is(err, io.EOF):
		code = boundary.StreamFailed
	}
	return boundary.Errorf(code, "no stream to peer %s: %w", p, err).About(p.String())
}
