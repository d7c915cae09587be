package messaging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/transports"
)

var errNoAnswer = fmt.Errorf("no answer within %s", openTimeout)

// path is a way to a peer that frames can take: a libp2p stream, or a WebRTC channel.
type path interface {
	base() *line
	// write writes whole frames and says how many bytes were taken. Only one caller at a time is inside, so frames never interleave. It takes as long
	// as the peer takes to read: slow is not dead, and who is dead is found by the keep-alive of the transport, which ends the path.
	write(data []byte) (n int, err error)
	// note writes a frame that is no message, for a peer of this module.
	note(frame []byte)
	// finish waits for the write that is under way, writes some last bytes, and tells the peer that nothing more comes on this path.
	finish(last []byte)
	// end frees a path of which both halves have ended.
	end()
	// reset ends the path at once, both ways, a write that is under way too. It does not wait for a peer.
	reset()
}

// errEnded is what a path answers to which nothing more is written, because one of the sides has ended its half.
var errEnded = errors.New("the path has ended")

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
	// conn is the connection that the path goes over, nil for a WebRTC channel.
	conn network.Conn
	// ctx ends when the path is reset.
	ctx    context.Context
	cancel context.CancelFunc
	// ended: nothing more is written to this path; the next frame needs another one. left: this side was the first to end its half.
	ended, left atomic.Bool
	// confirmed: the peer has said that it has read everything. complete: this side has.
	confirmed, complete atomic.Bool
	// all: it has also read every path before this one.
	all atomic.Bool
	// writing is held by whoever writes, and guards what tail counts against the end.
	writing sync.Mutex
	tail    tail
	// taken counts the bytes of whole frames that were read.
	taken atomic.Uint64
	// reads is odd while the reader waits for bytes. passed: others were listened to although this path might still bring something.
	reads  atomic.Uint64
	passed atomic.Bool
	// cause is why reading ended. read is closed when it has and all that was read was handed over, done when both halves have ended.
	cause      error
	read, done chan struct{}
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
	attached.conn = str.Conn()
	if str.Conn().Stat().Direction == network.DirOutbound {
		r.budget.befriend()
	}
	attached.circuit = r.circuitLocked(str.Conn())
	r.paths[attached] = struct{}{}
	s.start(func() { s.read(attached) })
	return attached
}

func (s *Service) lineLocked(r *remote, rank rank, transport string) *line {
	l := &line{remote: r, inlet: s.inletLocked(r, transport), rank: rank, read: make(chan struct{}), done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(s.ctx)
	return l
}

func rankOf(conn network.Conn) rank {
	if transports.Relayed(conn) {
		return relayed
	}
	return direct
}

// leave ends this side's half of a path: the peer ends the other when it has read everything.
func (s *Service) leave(p path) {
	l := p.base()
	if !l.ended.Swap(true) {
		l.left.Store(true)
	}
	p.finish(nil)
}

// detach ends a path whose reading has ended, tells what that leaves uncertain, and tells its outlet when it was the last one.
func (s *Service) detach(p path, cause error) {
	l := p.base()
	if cause == nil {
		// Before the writer finds that the path has ended.
		s.departs(l)
	}
	first := !l.ended.Swap(true)
	l.cause = cause
	close(l.read)
	if cause == nil {
		l.complete.Store(true)
		if first {
			p.finish(s.answer(l))
		}
		p.end()
	} else {
		if l.left.Load() {
			l.remote.torn.Store(true)
		}
		p.reset()
	}
	s.settle(p, cause)
	l.cancel()
	s.mu.Lock()
	delete(l.remote.paths, p)
	o, last, closed := l.remote.outlet, len(l.remote.paths) == 0, s.closed
	s.mu.Unlock()
	close(l.done)
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
	ctx, cancel := context.WithTimeoutCause(network.WithAllowLimitedConn(ctx, "direct messages"), openTimeout, errNoAnswer)
	defer cancel()
	s.letDepart(ctx, p)
	if err := s.Dial(ctx, p); err != nil {
		return nil, openError(err, p)
	}
	str, err := s.host.NewStream(network.WithNoDial(ctx, "dialled already"), p, Protocol)
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
	case errors.As(err, &notSupported):
		return boundary.Errorf(boundary.ProtocolUnsupported, "peer %s does not take direct messages (%s): %w", p, Protocol, err).About(p.String())
	case errors.Is(err, network.ErrReset), errors.Is(err, io.EOF):
		code = boundary.StreamFailed
	}
	return boundary.Errorf(code, "no stream to peer %s: %w", p, err).About(p.String())
}
