package dispatch

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/node"
)

// Request takes one request. It is called by the goroutine that empties the link's queue, so it neither blocks nor keeps body.
func (s *Session) Request(op boundary.Op, id, handle uint32, body []byte) {
	err := guard.Call(fmt.Sprintf("request %d", op), func() error { return s.route(op, id, handle, body) })
	if err != nil {
		s.answer(id, nil, err)
	}
}

// route answers what takes no time, and starts what does. An error is answered by Request.
func (s *Session) route(op boundary.Op, id, handle uint32, body []byte) error {
	switch op {
	case boundary.OpSetup:
		result, err := setup(body)
		s.answer(id, result, err)
	case boundary.OpInspect:
		s.answer(id, s.inspect(), nil)
	case boundary.OpCancel:
		s.abort(handle)
	case boundary.OpCredit:
		return s.credit(handle, body)
	case boundary.OpOutletClose:
		s.closeOutlet(handle)
	case boundary.OpCreate:
		options, err := node.DecodeOptions(body)
		if err != nil {
			return err
		}
		s.create(id, options)
	default:
		m, err := s.node(handle)
		if err != nil {
			return err
		}
		return s.routeToNode(op, id, m, body)
	}
	return nil
}

func (s *Session) routeToNode(op boundary.Op, id uint32, m *member, body []byte) error {
	var fields struct {
		Addrs  []string `json:"addrs"`
		Peer   string   `json:"peer"`
		Topic  string   `json:"topic"`
		Outlet uint32   `json:"outlet"`
		// Timeout is in milliseconds.
		Timeout int `json:"timeout"`

		StunServers *[]string          `json:"stunServers"`
		TurnServers *[]node.TurnServer `json:"turnServers"`
	}
	if op != boundary.OpPublish && len(body) > 0 {
		if err := json.Unmarshal(body, &fields); err != nil {
			return boundary.Errorf(boundary.Internal, "the request cannot be read: %w", err)
		}
	}
	switch op {
	case boundary.OpClose:
		// After what was published before it.
		s.run(s.ctx, id, m.topics.add, func(context.Context) (any, error) {
			s.closeNode(m, time.Duration(fields.Timeout)*time.Millisecond)
			return nil, nil
		})
	case boundary.OpConnect:
		s.run(m.ctx, id, inGoroutine, func(ctx context.Context) (any, error) { return m.Connect(ctx, fields.Addrs) })
	case boundary.OpDisconnect:
		s.run(m.ctx, id, inGoroutine, func(ctx context.Context) (any, error) { return nil, m.Disconnect(ctx, fields.Peer) })
	case boundary.OpAddresses:
		addrs, err := m.Addresses(fields.Peer)
		s.answer(id, map[string][]string{"addrs": addrs}, err)
	case boundary.OpICE:
		s.answer(id, nil, m.SetICE(fields.StunServers, fields.TurnServers))
	case boundary.OpReserve:
		s.run(m.ctx, id, inGoroutine, func(ctx context.Context) (any, error) { return m.Reserve(ctx, fields.Peer) })
	case boundary.OpOutletOpen:
		return s.openOutlet(id, fields.Outlet, m, fields.Peer)
	case boundary.OpSubscribe:
		s.run(m.ctx, id, m.topics.add, func(context.Context) (any, error) { return nil, m.Subscribe(fields.Topic) })
	case boundary.OpUnsubscribe:
		s.run(m.ctx, id, m.topics.add, func(context.Context) (any, error) { return nil, m.Unsubscribe(fields.Topic) })
	case boundary.OpPublish:
		topic, payload, err := splitPublish(body)
		if err != nil {
			return err
		}
		s.run(m.ctx, id, m.topics.add, func(ctx context.Context) (any, error) { return nil, m.Publish(ctx, topic, payload) })
	default:
		return boundary.Errorf(boundary.Internal, "unknown operation %d", op)
	}
	return nil
}

// inGoroutine and orders.add are the two ways to run what takes time.
func inGoroutine(fn func()) { guard.Go("dispatch", fn) }

// run carries out a request and answers it. CANCEL and the end of what parent belongs to end its context; a request that was cancelled before
// its turn is not carried out.
func (s *Session) run(parent context.Context, id uint32, start func(func()), fn func(context.Context) (any, error)) {
	ctx, cancel := context.WithCancel(parent)
	s.mu.Lock()
	if id != 0 {
		s.requests[id] = cancel
	}
	s.running.Add(1)
	s.mu.Unlock()
	start(func() {
		defer s.running.Done()
		var result any
		err := guard.Call("dispatch", func() (err error) {
			if err = ctx.Err(); err == nil {
				result, err = fn(ctx)
			}
			return err
		})
		if errors.Is(err, context.Canceled) {
			err = context.Cause(ctx)
		}
		s.mu.Lock()
		delete(s.requests, id)
		s.mu.Unlock()
		cancel()
		if result != answered {
			s.answer(id, result, err)
		}
	})
}

func (s *Session) abort(id uint32) {
	s.mu.Lock()
	cancel := s.requests[id]
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// answered is the result of a request that has posted its answer itself.
var answered any = new(struct{ _ byte })

// create answers before the node is started, so that JavaScript knows it when its first event comes.
func (s *Session) create(id uint32, options *node.Options) {
	s.run(s.ctx, id, inGoroutine, func(ctx context.Context) (any, error) {
		if err := afterClosing(ctx, func() error { return s.tryCreate(ctx, id, options) }); err != nil {
			return nil, err
		}
		return answered, nil
	})
}

func (s *Session) tryCreate(ctx context.Context, id uint32, options *node.Options) error {
	maxMessageSize, err := reserve()
	if err != nil {
		return err
	}
	n, err := node.New(ctx, s.port, options, maxMessageSize)
	if err != nil {
		release()
		return err
	}
	if err := s.add(ctx, n); err != nil {
		n.Close(0)
		release()
		return err
	}
	s.answer(id, n.Created(), nil)
	n.Start()
	return nil
}

func (s *Session) answer(id uint32, result any, err error) {
	if id == 0 {
		return
	}
	failed := uint32(0)
	if err != nil {
		failed, result = 1, boundary.AsError(err)
	}
	var body []byte
	if result != nil {
		if body, err = json.Marshal(result); err != nil {
			panic(err)
		}
	}
	s.port.Post(boundary.KindAnswer, id, failed, body)
}

func (s *Session) openOutlet(id, outlet uint32, m *member, peer string) error {
	s.mu.Lock()
	known := s.nodes[m.Handle()] == m
	if known {
		s.outlets[outlet] = m
	}
	s.mu.Unlock()
	if !known {
		return boundary.NodeClosed()
	}
	s.run(m.ctx, id, inGoroutine, func(ctx context.Context) (any, error) { return m.OpenOutlet(ctx, outlet, peer) })
	return nil
}

func (s *Session) closeOutlet(outlet uint32) {
	s.mu.Lock()
	m := s.outlets[outlet]
	delete(s.outlets, outlet)
	s.mu.Unlock()
	if m == nil {
		s.port.FreeOutlet(outlet)
		return
	}
	m.CloseOutlet(outlet)
}

// credit is for whichever node the inlet belongs to; the others do not know it.
func (s *Session) credit(inlet uint32, body []byte) error {
	if len(body) != 4 {
		return boundary.Errorf(boundary.Internal, "a credit of %d bytes", len(body))
	}
	cost := int(binary.LittleEndian.Uint32(body))
	for _, m := range s.members() {
		m.Credit(inlet, cost)
	}
	return nil
}

// splitPublish copies what it finds: a length, the topic, and the payload.
func splitPublish(body []byte) (topic string, payload []byte, err error) {
	if len(body) < 4 {
		return "", nil, boundary.Errorf(boundary.Internal, "a publish of %d bytes", len(body))
	}
	length := uint64(binary.LittleEndian.Uint32(body))
	if length > uint64(len(body)-4) {
		return "", nil, boundary.Errorf(boundary.Internal, "a topic of %d bytes in a publish of %d", length, len(body))
	}
	return string(body[4 : 4+length]), bytes.Clone(body[4+length:]), nil
}
