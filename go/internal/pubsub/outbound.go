package pubsub

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// outbound is the stream to a peer as the router sees it: it takes at once what is written, and lives as long as the peer is connected. When
// the stream below it breaks, it opens another and tells the peer of the subscriptions again. Left to itself the router would forget what
// the peer has subscribed to, and the peer, whose own stream is whole, would never say it again.
type outbound struct {
	// Stream is nil: the router calls no methods but those below.
	network.Stream
	streams  *streams
	peer     peer.ID
	conn     network.Conn
	protocol protocol.ID
	queue    *queue
	ctx      context.Context
	cancel   context.CancelFunc
	// dead is closed when there is no stream and will be none.
	dead chan struct{}

	mu        sync.Mutex
	announced map[string]struct{}
	// finishing: what waits is the last.
	finishing bool
	// current is the stream that is written to.
	current network.Stream
}

func newOutbound(s *streams, p peer.ID, conn network.Conn, id protocol.ID) *outbound {
	o := &outbound{
		streams: s, peer: p, conn: conn, protocol: id, queue: s.backlog.queue(p), dead: make(chan struct{}), announced: map[string]struct{}{},
	}
	o.ctx, o.cancel = context.WithCancel(s.ctx)
	return o
}

func (o *outbound) Conn() network.Conn { return o.conn }

func (o *outbound) Protocol() protocol.ID { return o.protocol }

func (o *outbound) SetWriteDeadline(time.Time) error { return nil }

// Read returns when the stream is lost, which is what the router reads for.
func (o *outbound) Read([]byte) (int, error) {
	<-o.dead
	return 0, errGone
}

// Close and Reset are how the router gives the stream up.
func (o *outbound) Close() error {
	o.cancel()
	return nil
}

func (o *outbound) Reset() error { return o.Close() }

// Write takes one RPC with its length before it.
func (o *outbound) Write(framed []byte) (int, error) {
	err := guard.Call("pubsub: write", func() error { return o.write(framed) })
	if err != nil {
		return 0, err
	}
	return len(framed), nil
}

func (o *outbound) write(framed []byte) error {
	_, n := binary.Uvarint(framed)
	if n <= 0 {
		return errMalformed
	}
	rpc := framed[n:]
	messages, rest, err := o.look(rpc)
	if err != nil {
		return err
	}
	// Most RPCs hold one message, and go as they are.
	if len(rpc) <= maxRPC && (messages.messages > 0) != rest {
		if rest {
			return o.control(rpc)
		}
		return o.messages(rpc, messages)
	}
	return o.split(rpc)
}

// look notes what an RPC announces, and says what messages it holds, and whether anything else.
func (o *outbound) look(rpc []byte) (messages load, rest bool, err error) {
	for len(rpc) > 0 {
		var f field
		if f, rpc, err = next(rpc); err != nil {
			return
		}
		switch f.number {
		case fieldMessage:
			var d described
			if d, err = describe(f.content); err != nil {
				return
			}
			messages = messages.plus(load{1, d.data})
			continue
		case fieldSubscription:
			o.note(f.content)
		}
		rest = true
	}
	return
}

func (o *outbound) note(encoded []byte) {
	var subscription pb.RPC_SubOpts
	if proto.Unmarshal(encoded, &subscription) != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if subscription.GetSubscribe() {
		o.announced[subscription.GetTopicid()] = struct{}{}
	} else {
		delete(o.announced, subscription.GetTopicid())
	}
}

func (o *outbound) split(rpc []byte) error {
	control, messages, err := parts(rpc)
	if err != nil {
		return err
	}
	for _, part := range control {
		if err := o.control(part); err != nil {
			return err
		}
	}
	for _, part := range messages {
		l, _, err := o.look(part)
		if err == nil {
			err = o.messages(part, l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *outbound) messages(rpc []byte, l load) error {
	if err := o.queue.addMessages(rpc, l); err != nil {
		return err
	}
	o.streams.passed(o.peer, l)
	return nil
}

// control queues what is not a message. A peer that has not read it for too long gets another stream, with the subscriptions as they are.
func (o *outbound) control(rpc []byte) error {
	rpc = o.streams.history.without(rpc)
	err := o.queue.addControl(rpc)
	if errors.Is(err, errOverrun) {
		o.restart()
		return nil
	}
	return err
}

func (o *outbound) restart() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current != nil {
		_ = o.current.Reset()
	}
}

// announce tells the peer of all subscriptions once more. What changes meanwhile is noted, and told, before that or behind it.
func (o *outbound) announce() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue.announce(announcements(slices.Sorted(maps.Keys(o.announced))))
}

// finish lets the stream end when what waits has been written; run returns when the peer has read all of it.
func (o *outbound) finish() {
	o.mu.Lock()
	o.finishing = true
	o.mu.Unlock()
	o.queue.wake()
}

func (o *outbound) last() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.finishing
}
