package messaging

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/transports"
)

// departGrace is how long a message to a peer that has ended the last path waits for its connections to be closed: it would be lost on them.
var departGrace = 250 * time.Millisecond

// HangUp writes what was accepted for a peer, tells it that this was all, waits until the peer has read it or ctx ends, and ends the paths. What
// the peer did not take is told. It says whether both sides have read everything.
func (s *Service) HangUp(ctx context.Context, p peer.ID) (complete bool) {
	s.mu.Lock()
	r := s.peers[p]
	s.mu.Unlock()
	return r == nil || s.hangUp(ctx, r)
}

func (s *Service) hangUp(ctx context.Context, r *remote) (complete bool) {
	s.mu.Lock()
	writers := append([]*outlet{}, r.writers...)
	s.mu.Unlock()
	// What cannot be written in time is given up: first the queues, so that none of it finds another path, then the paths.
	defer context.AfterFunc(ctx, func() {
		guard.Do("messaging: give up", func() {
			for _, o := range writers {
				o.refuse(givenUp(r.id))
			}
			for _, p := range s.pathsOf(r) {
				p.reset()
			}
		})
	})()
	for _, o := range writers {
		o.flush(ctx)
	}
	paths := s.pathsOf(r)
	var leaving sync.WaitGroup
	for _, p := range paths {
		leaving.Add(1)
		guard.Go("messaging: leave", func() {
			defer leaving.Done()
			s.leave(p)
		})
	}
	leaving.Wait()
	complete = true
	for _, p := range paths {
		l := p.base()
		if l.tail.empty() && r.budget.holds() {
			// Nothing of this side is uncertain, and what the peer still has to say is not read before the program reads.
			p.reset()
		}
		<-l.done
		complete = complete && l.complete.Load() && !r.torn.Load()
	}
	for _, o := range writers {
		o.flush(s.ctx)
	}
	return complete && ctx.Err() == nil
}

// Close hangs up on every peer, bounded by ctx, and returns when nothing of the service runs any more. What was accepted and is not known to
// have been taken has been told by then. Connections over which both sides have read everything are closed so that the peers know it.
func (s *Service) Close(ctx context.Context) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	peers := make([]*remote, 0, len(s.peers))
	for _, r := range s.peers {
		peers = append(peers, r)
	}
	s.mu.Unlock()

	s.host.RemoveStreamHandler(Protocol)
	var hangUps sync.WaitGroup
	for _, r := range peers {
		hangUps.Add(1)
		guard.Go("messaging: hang up", func() {
			defer hangUps.Done()
			s.Part(r.id, s.hangUp(ctx, r))
		})
	}
	hangUps.Wait()
	s.cancel()
	for _, r := range peers {
		for _, p := range s.pathsOf(r) {
			p.reset()
		}
	}
	s.wg.Wait()
	s.refusals.flush()
	s.host.Network().StopNotify(s.connections)
	s.partAll()
}

// Part closes the connections to a peer. One of this module learns by the way it is done whether everything was read.
func (s *Service) Part(p peer.ID, complete bool) {
	for _, conn := range s.host.Network().ConnsToPeer(p) {
		if complete && s.isOurs(p) {
			_ = conn.CloseWithError(AllRead)
		} else {
			_ = conn.Close()
		}
	}
}

// departure is a peer that has ended the last path, and the connections that it may be about to close.
type departure struct {
	conns  map[network.Conn]struct{}
	closed chan struct{}
}

// departs notes that a peer ends the path that is in use. From a relayed one it may only go over to another connection.
func (s *Service) departs(l *line) {
	if l.ended.Load() {
		return
	}
	d := &departure{map[network.Conn]struct{}{}, make(chan struct{})}
	for _, conn := range s.host.Network().ConnsToPeer(l.remote.id) {
		direct := !transports.Relayed(conn)
		if direct && l.rank == relayed {
			return
		}
		d.conns[conn] = struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := l.remote; len(d.conns) > 0 && r.used != nil && r.used.base() == l {
		r.departure = d
	}
}

// disconnected tells those who wait for connections to end, or to know how one ended.
func (s *Service) disconnected(conn network.Conn) {
	s.mu.Lock()
	if r := s.peers[conn.RemotePeer()]; r != nil && r.departure != nil {
		delete(r.departure.conns, conn)
		if len(r.departure.conns) == 0 {
			close(r.departure.closed)
			r.departure = nil
		}
	}
	s.mu.Unlock()
	s.parted(conn)
}

// letDepart waits a little before a stream is opened over a connection whose peer may be about to close it.
func (s *Service) letDepart(ctx context.Context, p peer.ID) {
	s.mu.Lock()
	var d *departure
	if r := s.peers[p]; r != nil {
		d = r.departure
	}
	s.mu.Unlock()
	if d == nil {
		return
	}
	timer := time.NewTimer(departGrace)
	defer timer.Stop()
	select {
	case <-d.closed:
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.peers[p]; r != nil && r.departure == d {
		r.departure = nil
	}
}
