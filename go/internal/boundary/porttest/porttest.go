// Package porttest is a Port in Go memory: it stands in for JavaScript in the tests of the packages below the bridge.
package porttest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// Record is what Post queued.
type Record struct {
	Kind boundary.Kind
	A, B uint32
	Body []byte
}

// Message is what Deliver or DeliverOne queued.
type Message struct {
	Inlet   uint32
	Channel string
	Payload []byte
}

// Port keeps everything until the test takes it.
type Port struct {
	mu       sync.Mutex
	records  []Record
	messages []Message
	written  int
	changed  chan struct{}
	chunks   atomic.Int32
}

// New is an empty Port.
func New() *Port { return &Port{changed: make(chan struct{})} }

func (p *Port) change(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
	close(p.changed)
	p.changed = make(chan struct{})
}

// Changed is closed at the next call of any method that queues something.
func (p *Port) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Records returns all that was posted so far.
func (p *Port) Records() []Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.records)
}

// Events returns the decoded bodies of the events of one type so far.
func (p *Port) Events(kind string) []map[string]any {
	var events []map[string]any
	for _, record := range p.Records() {
		event := map[string]any{}
		if record.Kind == boundary.KindEvent && json.Unmarshal(record.Body, &event) == nil && event["type"] == kind {
			events = append(events, event)
		}
	}
	return events
}

// Messages returns all messages so far.
func (p *Port) Messages() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.messages)
}

// WrittenBytes counts the frames that were given back.
func (p *Port) WrittenBytes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written
}

// Post implements boundary.Port.
func (p *Port) Post(kind boundary.Kind, a, b uint32, body []byte) {
	p.change(func() { p.records = append(p.records, Record{kind, a, b, slices.Clone(body)}) })
}

// Deliver implements boundary.Port.
func (p *Port) Deliver(inlet uint32, chunk boundary.Chunk, from, to int) {
	p.change(func() {
		for at := from; at < to; {
			size := 4 + int(binary.BigEndian.Uint32(chunk.Data[at:]))
			frame := chunk.Data[at+4 : at+size]
			payload := 1 + int(frame[0])
			p.messages = append(p.messages, Message{inlet, string(frame[1:payload]), slices.Clone(frame[payload:])})
			at += size
		}
	})
}

// DeliverOne implements boundary.Port.
func (p *Port) DeliverOne(inlet uint32, channel string, payload []byte) {
	p.change(func() { p.messages = append(p.messages, Message{inlet, channel, slices.Clone(payload)}) })
}

// NewChunk implements boundary.Port.
func (p *Port) NewChunk(size int) boundary.Chunk {
	p.chunks.Add(1)
	return boundary.Chunk{Data: make([]byte, size)}
}

// Grow implements boundary.Port.
func (*Port) Grow(chunk boundary.Chunk, size int) boundary.Chunk {
	data := make([]byte, size)
	copy(data, chunk.Data)
	return boundary.Chunk{Data: data}
}

// Release implements boundary.Port.
func (p *Port) Release(boundary.Chunk) { p.chunks.Add(-1) }

// Chunks implements boundary.Port.
func (p *Port) Chunks() int { return int(p.chunks.Load()) }

// Written implements boundary.Port.
func (p *Port) Written(frames boundary.Frames) {
	p.change(func() { p.written += len(frames.Data) })
}

// FreeOutlet implements boundary.Port.
func (*Port) FreeOutlet(uint32) {}

// Frame builds one frame as the bridge would.
func Frame(channel string, payload []byte) []byte {
	if len(channel) > 255 {
		panic(fmt.Sprintf("channel of %d bytes", len(channel)))
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(1+len(channel)+len(payload)))
	frame = append(append(frame, byte(len(channel))), channel...)
	return append(frame, payload...)
}
