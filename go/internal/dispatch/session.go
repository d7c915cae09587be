// Package dispatch is the Go end of a link: it decodes requests, calls the node they are for, and posts the answers. What a request means is
// docs/boundary.md; how it is done is package node and those below.
package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/logging"
	"github.com/unaiverse/p2p/go/internal/node"
)

// Session is one link: its nodes, and its requests that were not answered yet.
type Session struct {
	port      boundary.Port
	ctx       context.Context
	cancel    context.CancelFunc
	detachLog func()
	// running counts the requests under way.
	running sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	nodes    map[uint32]*member
	outlets  map[uint32]*member
	requests map[uint32]context.CancelFunc
}

// member is a node of this link.
type member struct {
	*node.Node
	// ctx is that of the node's requests; it ends with the node.
	ctx    context.Context
	cancel context.CancelCauseFunc
	topics orders
}

// Open begins a session for a link.
func Open(port boundary.Port) *Session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Session{
		port: port, ctx: ctx, cancel: cancel, detachLog: logging.Attach(port),
		nodes: map[uint32]*member{}, outlets: map[uint32]*member{}, requests: map[uint32]context.CancelFunc{},
	}
	library.mu.Lock()
	library.sessions[s] = struct{}{}
	library.mu.Unlock()
	return s
}

// Frames hands what JavaScript queued for an outlet to the outlet's node.
func (s *Session) Frames(frames boundary.Frames) {
	s.mu.Lock()
	m := s.outlets[frames.Outlet]
	s.mu.Unlock()
	if m == nil {
		s.port.Written(frames)
		return
	}
	m.Enqueue(frames)
}

// Close ends what the link still holds. It returns when all of its nodes have ended.
func (s *Session) Close() {
	library.mu.Lock()
	delete(library.sessions, s)
	library.mu.Unlock()
	s.detachLog()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	var ending sync.WaitGroup
	for _, m := range s.members() {
		ending.Add(1)
		guard.Go("dispatch: close", func() {
			defer ending.Done()
			s.closeNode(m, abandonedFlush)
		})
	}
	ending.Wait()
	s.running.Wait()
}

func (s *Session) members() []*member {
	s.mu.Lock()
	defer s.mu.Unlock()
	members := make([]*member, 0, len(s.nodes))
	for _, m := range s.nodes {
		members = append(members, m)
	}
	return members
}

func (s *Session) warn(err *boundary.Error) {
	for _, m := range s.members() {
		m.Warn(err.Code, err.Message)
	}
}

// add makes a node known, unless its request or the link ended meanwhile.
func (s *Session) add(ctx context.Context, n *node.Node) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed {
		return context.Canceled
	}
	m := &member{Node: n}
	m.ctx, m.cancel = context.WithCancelCause(s.ctx)
	s.nodes[n.Handle()] = m
	return nil
}

func (s *Session) node(handle uint32) (*member, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.nodes[handle]
	if m == nil {
		return nil, boundary.NodeClosed()
	}
	return m, nil
}

// take removes a node, so that of several requests to close it one does it.
func (s *Session) take(handle uint32) *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.nodes[handle]
	delete(s.nodes, handle)
	return m
}

// abandonedFlush is how long the nodes of a link that is gone have to send what was accepted.
const abandonedFlush = 2 * time.Second

// closeNode frees the node's place once it has ended, whoever ended it.
func (s *Session) closeNode(m *member, flush time.Duration) {
	taken := s.take(m.Handle()) != nil
	m.cancel(boundary.NodeClosed())
	closeOf(func() {
		m.Close(flush)
		if taken {
			release()
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for outlet, owner := range s.outlets {
		if owner == m {
			delete(s.outlets, outlet)
		}
	}
}
