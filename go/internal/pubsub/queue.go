package pubsub

import (
	"slices"

	pool "github.com/libp2p/go-buffer-pool"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"
)

// queue is the part of a backlog that waits for one peer.
type queue struct {
	all  *backlog
	peer peer.ID
	// ready has a place for one who waits for something to write.
	ready chan struct{}

	// all.mu guards what follows. control are frames without messages; they go first, and as long as they are let through.
	// The same holds for announcements, which are as many as this node has topics.
	closed        bool
	announcements [][]byte
	control       [][]byte
	controlBytes  int
	first, last   *queued
	bytes         int
	frames        [][]byte
	writing       []*queued
	joined        []byte
	sent          recent
	// writes counts them, so that one can see progress.
	writes int
}

// addMessages queues a copy of an RPC with messages.
func (q *queue) addMessages(rpc []byte, l load) error {
	b := q.all
	b.mu.Lock()
	defer b.mu.Unlock()
	if q.closed {
		return errGone
	}
	m := &queued{payload: b.payload(rpc, l), queue: q}
	if q.first == nil {
		q.first = m
	} else {
		q.last.behind = m
	}
	q.last = m
	q.bytes += len(m.frame)
	b.link(m, false)
	for q.bytes > maxPeerBacklog && q.first != q.last {
		q.dropOldest()
	}
	for b.bytes > maxBacklog && b.oldest != b.newest {
		b.oldest.queue.dropOldest()
	}
	q.wake()
	return nil
}

// addControl queues a copy of an RPC without messages.
func (q *queue) addControl(rpc []byte) error {
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	if q.closed {
		return errGone
	}
	if q.controlBytes > gossipBacklog {
		rpc = withoutGossip(rpc)
	}
	if len(rpc) == 0 {
		return nil
	}
	q.control = append(q.control, frame(rpc))
	q.controlBytes += len(q.control[len(q.control)-1])
	q.wake()
	if q.controlBytes > maxControlBacklog {
		q.control, q.controlBytes = nil, 0
		return errOverrun
	}
	return nil
}

// announce queues RPCs that say all that was announced before, in the place of those that wait.
func (q *queue) announce(rpcs [][]byte) {
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	q.announcements = nil
	for _, rpc := range rpcs {
		q.announcements = append(q.announcements, frame(rpc))
	}
	q.wake()
}

// take returns what is to be written next, nothing when nothing waits; written or failed has to follow.
func (q *queue) take() []byte {
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	frames, size := q.frames[:0], 0
	for len(q.announcements) > 0 && (size == 0 || size+len(q.announcements[0]) <= writeSize) {
		frames, size = append(frames, q.announcements[0]), size+len(q.announcements[0])
		q.announcements = q.announcements[1:]
	}
	for len(q.control) > 0 && (size == 0 || size+len(q.control[0]) <= writeSize) {
		frames, size = append(frames, q.control[0]), size+len(q.control[0])
		q.controlBytes -= len(q.control[0])
		q.control[0] = nil
		q.control = q.control[1:]
	}
	for q.first != nil && (size == 0 || size+len(q.first.frame) <= writeSize) {
		m := q.shift()
		q.writing = append(q.writing, m)
		frames, size = append(frames, m.frame), size+len(m.frame)
	}
	q.frames = frames
	switch len(frames) {
	case 0:
		return nil
	case 1:
		return frames[0]
	}
	q.joined = pool.Get(size)[:0]
	for _, frame := range frames {
		q.joined = append(q.joined, frame...)
	}
	return q.joined
}

// written: what was taken has been handed to the transport.
func (q *queue) written() {
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	for _, m := range q.writing {
		q.sent.add(len(m.frame), m.load)
		q.all.release(m.payload)
	}
	q.settle()
}

// failed: the stream broke under what was taken. Messages wait again, as their receiver knows those that it has seen; one that is larger
// than others take may be why the stream broke, and is not sent again.
func (q *queue) failed() {
	b := q.all
	b.mu.Lock()
	defer b.mu.Unlock()
	again := q.writing[:0]
	for _, m := range q.writing {
		if len(m.rpc) > maxRPC {
			q.sent.add(len(m.frame), m.load)
			b.release(m.payload)
		} else {
			again = append(again, m)
		}
	}
	for _, m := range slices.Backward(again) {
		if q.last == nil {
			q.last = m
		}
		m.behind, q.first = q.first, m
		q.bytes += len(m.frame)
		b.link(m, true)
	}
	q.settle()
	q.announcements, q.control, q.controlBytes = nil, nil, 0
}

func (q *queue) settle() {
	clear(q.writing)
	clear(q.frames)
	q.writing, q.frames = q.writing[:0], q.frames[:0]
	if q.joined != nil {
		pool.Put(q.joined)
		q.joined = nil
	}
	q.writes++
}

// close lets go and tells of what still waits.
func (q *queue) close() {
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	q.closed = true
	for q.first != nil {
		q.dropOldest()
	}
	q.announcements, q.control, q.controlBytes = nil, nil, 0
}

// unconfirmed returns what was sent last and may lie unread in windows and buffers, and forgets it.
func (q *queue) unconfirmed() load {
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	sum := q.sent.sum
	q.sent = recent{}
	return sum
}

// progress returns whether everything was written, and a number that changes with every write.
func (q *queue) progress() (empty bool, writes int) {
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	return q.first == nil && len(q.announcements)+len(q.control)+len(q.writing) == 0, q.writes
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) shift() *queued {
	m := q.first
	if q.first = m.behind; q.first == nil {
		q.last = nil
	}
	m.behind = nil
	q.bytes -= len(m.frame)
	q.all.unlink(m)
	return m
}

func (q *queue) dropOldest() {
	m := q.shift()
	for rest := m.rpc; len(rest) > 0; {
		var f field
		var err error
		if f, rest, err = next(rest); err != nil {
			break
		}
		if d, err := describe(f.content); err == nil && f.number == fieldMessage {
			q.all.drops.count(drop{reason: outboundFull, topic: d.topic, peer: q.peer}, load{1, d.data})
		}
	}
	q.all.release(m.payload)
}

// withoutGossip is an RPC without the names of messages that are there, wanted or not wanted: who does not read has no use for them.
func withoutGossip(encoded []byte) []byte {
	var rpc pb.RPC
	if proto.Unmarshal(encoded, &rpc) != nil || rpc.Control == nil {
		return encoded
	}
	rpc.Control.Ihave, rpc.Control.Iwant, rpc.Control.Idontwant = nil, nil, nil
	if proto.Size(rpc.Control) == 0 {
		rpc.Control = nil
	}
	rest, err := proto.Marshal(&rpc)
	if err != nil {
		return encoded
	}
	return rest
}
