package messaging

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multistream"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/transports"
)

const (
	openTimeout = 20 * time.Second
	// writeTimeout bounds one slice of a write. A receiver that does not consume stops its sender on purpose, so this is long; a peer that is
	// gone is found much earlier by the transport's own keep-alive.
	writeTimeout = 5 * time.Minute
	writeSlice   = 1 << 20
	// finishTimeout bounds a write on a stream that the other side has ended.
	finishTimeout = 5 * time.Second
)

// stream is one libp2p stream with a peer: read by a goroutine of its own for as long as it lives, written by whoever holds its lock.
type stream struct {
	network.Stream
	remote *remote
	inlet  uint32
	// ended: the peer will not read any more from this stream, or will soon not; the next frame needs another one.
	ended   atomic.Bool
	writing sync.Mutex
	// done is closed when reading has ended, which the peer's own end of the stream causes.
	done chan struct{}
}

// attach takes over a stream that either side opened. Every one of a peer's streams is read.
func (s *Service) attach(str network.Stream) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = str.Reset()
		return nil
	}
	r := s.remoteLocked(str.Conn().RemotePeer())
	attached := &stream{Stream: str, remote: r, done: make(chan struct{})}
	attached.inlet = s.inletLocked(r, transports.Name(str.Conn()))
	r.streams[attached] = struct{}{}
	s.start(func() { s.read(attached) })
	return attached
}

// detach forgets a stream whose reading has ended and tells its outlet when that was the last one.
func (s *Service) detach(str *stream, cause error) {
	str.ended.Store(true)
	if cause == nil {
		str.finish()
	} else {
		_ = str.Reset()
	}
	close(str.done)
	s.mu.Lock()
	delete(str.remote.streams, str)
	o, last, closed := str.remote.outlet, len(str.remote.streams) == 0, s.closed
	s.mu.Unlock()
	if o != nil && last && !closed {
		o.streamGone()
	}
	s.forget(str.remote)
}

// stream finds a stream to write to a peer, or opens one, dialling the peer when it is not connected.
func (s *Service) stream(ctx context.Context, p peer.ID) (*stream, error) {
	if str := s.usable(p); str != nil {
		return str, nil
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

// usable finds the stream that frames to a peer are written to: the same one for as long as it lives, because only within a stream they keep
// their order.
func (s *Service) usable(p peer.ID) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.peers[p]
	if r == nil {
		return nil
	}
	if r.used != nil && !r.used.ended.Load() {
		return r.used
	}
	r.used = nil
	for str := range r.streams {
		if !str.ended.Load() {
			r.used = str
			break
		}
	}
	return r.used
}

func openError(err error, p peer.ID) *boundary.Error {
	var notSupported multistream.ErrNotSupported[protocol.ID]
	code := boundary.DialFailed
	switch {
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

// write writes data and says how much of it the stream took. Only one caller at a time is inside, so frames never interleave.
func (str *stream) write(data []byte) (n int, err error) {
	str.writing.Lock()
	defer str.writing.Unlock()
	for n < len(data) {
		if err = str.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return n, err
		}
		if str.ended.Load() {
			return n, io.ErrClosedPipe
		}
		var written int
		written, err = str.Write(data[n:min(n+writeSlice, len(data))])
		n += written
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// finish tells the peer that nothing more comes on this stream. A write that is under way gets a few seconds to end.
func (str *stream) finish() {
	str.ended.Store(true)
	_ = str.SetWriteDeadline(time.Now().Add(finishTimeout))
	str.writing.Lock()
	defer str.writing.Unlock()
	_ = str.CloseWrite()
}
