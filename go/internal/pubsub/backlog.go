package pubsub

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"

	pool "github.com/libp2p/go-buffer-pool"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxPeerBacklog and maxBacklog bound the messages that wait for one peer and for all of them, in bytes; the oldest make room.
	maxPeerBacklog = 16 << 20
	maxBacklog     = 64 << 20
	// gossipBacklog is how much else may wait for a peer before it is no longer told which messages there are, maxControlBacklog how much
	// before it is to begin anew.
	gossipBacklog     = 256 << 10
	maxControlBacklog = 1 << 20
	// writeSize is up to where RPCs are joined in one write.
	writeSize = 64 << 10
	// sharedPayloads is how many of the last messages are looked at for one that another peer is sent too.
	sharedPayloads = 8
)

var (
	errGone    = errors.New("the peer is gone")
	errOverrun = errors.New("the peer does not read")
)

// backlog is what waits to be written to peers. A peer that does not read is not waited for: the router goes on, and here the oldest messages
// are let go and told of.
type backlog struct {
	drops *drops

	mu sync.Mutex
	// bytes are those of all payloads; what several peers are sent is there once.
	bytes int
	// oldest and newest are the ends of a list of all that wait.
	oldest, newest *queued
	shared         [sharedPayloads]*payload
	turn           int
}

// payload is one RPC with messages, framed. rpc is what is in frame.
type payload struct {
	frame, rpc []byte
	load       load
	references int
}

// queued is a payload's place in the queue for one peer, and in that for all.
type queued struct {
	*payload
	queue        *queue
	older, newer *queued
	// behind is the next one for the same peer.
	behind *queued
}

func newBacklog(drops *drops) *backlog { return &backlog{drops: drops} }

func (b *backlog) queue(p peer.ID) *queue {
	return &queue{all: b, peer: p, ready: make(chan struct{}, 1)}
}

// payload finds what another peer is sent too, or makes a copy.
func (b *backlog) payload(rpc []byte, l load) *payload {
	// Messages differ in their ends, where the signature is.
	end := rpc[len(rpc)-min(len(rpc), 32):]
	for _, p := range b.shared {
		if p != nil && bytes.HasSuffix(p.rpc, end) && bytes.Equal(p.rpc, rpc) {
			p.references++
			return p
		}
	}
	framed := appendFrame(pool.Get(len(rpc) + binary.MaxVarintLen32)[:0], rpc)
	p := &payload{frame: framed, rpc: framed[len(framed)-len(rpc):], load: l, references: 1}
	b.bytes += len(framed)
	b.shared[b.turn] = p
	b.turn = (b.turn + 1) % sharedPayloads
	return p
}

func (b *backlog) release(p *payload) {
	p.references--
	if p.references > 0 {
		return
	}
	b.bytes -= len(p.frame)
	for i := range b.shared {
		if b.shared[i] == p {
			b.shared[i] = nil
		}
	}
	pool.Put(p.frame)
}

// link puts a message that waits behind the newest, or before the oldest.
func (b *backlog) link(m *queued, first bool) {
	if b.oldest == nil {
		b.oldest, b.newest = m, m
	} else if first {
		m.newer, b.oldest.older = b.oldest, m
		b.oldest = m
	} else {
		m.older, b.newest.newer = b.newest, m
		b.newest = m
	}
}

func (b *backlog) unlink(m *queued) {
	if m.older == nil {
		b.oldest = m.newer
	} else {
		m.older.newer = m.newer
	}
	if m.newer == nil {
		b.newest = m.older
	} else {
		m.newer.older = m.older
	}
	m.older, m.newer = nil, nil
}
