// Package porttest is a Port in Go memory: it stands in for JavaScript in the tests of the packages below the bridge. It is as generous, late
// and rude as the bridge may be: chunks are larger than asked for and move, frames are read when the test takes them, and memory that was
// given back is overwritten.
package porttest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

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
	mu sync.Mutex
	// queue is what nobody has looked at yet; the rest was read from there.
	queue    []entry
	records  []Record
	messages []Message
	written  int
	changed  chan struct{}
	chunks   chunks
	program  program
	ended    bool
}

// entry is a record, or a run of frames.
type entry struct {
	record *Record
	run    run
}

// run is whole frames in a chunk.
type run struct {
	inlet    uint32
	ref      uintptr
	from, to int
}

// New is an empty Port.
func New() *Port {
	return &Port{changed: make(chan struct{}), chunks: newChunks(), program: program{outlets: map[uint32]*outlet{}}}
}

func (p *Port) change(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
	close(p.changed)
	p.changed = make(chan struct{})
}

// Changed is closed at the next call of any method that queues something or takes memory.
func (p *Port) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Records returns all that was posted so far.
func (p *Port) Records() []Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	records := slices.Clone(p.records)
	for _, entry := range p.queue {
		if entry.record != nil {
			records = append(records, *entry.record)
		}
	}
	return records
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

// Messages returns all messages so far that TakeMessages did not. As JavaScript does, it reads them now and not when they were delivered.
func (p *Port) Messages() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.readLocked())
}

// Waiting says whether there is something that was not looked at yet.
func (p *Port) Waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0
}

// TakeMessages returns the messages so far and forgets them.
func (p *Port) TakeMessages() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	messages := p.readLocked()
	p.messages = nil
	return messages
}

func (p *Port) readLocked() []Message {
	for _, entry := range p.queue {
		if entry.record != nil {
			p.records = append(p.records, *entry.record)
		} else {
			p.messages = append(p.messages, p.chunks.read(entry.run)...)
		}
	}
	p.queue = nil
	return p.messages
}

// WrittenBytes counts the frames that were given back.
func (p *Port) WrittenBytes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written
}

// Post implements boundary.Port.
func (p *Port) Post(kind boundary.Kind, a, b uint32, body []byte) {
	p.change(func() { p.queueLocked(entry{record: &Record{kind, a, b, slices.Clone(body)}}) })
}

// Deliver implements boundary.Port.
func (p *Port) Deliver(inlet uint32, chunk boundary.Chunk, from, to int) {
	p.change(func() {
		run := run{inlet, chunk.Ref, from, to}
		p.chunks.deliver(run)
		p.queueLocked(entry{run: run})
	})
}

// DeliverOne implements boundary.Port.
func (p *Port) DeliverOne(inlet uint32, channel string, payload []byte) {
	frame := Frame(channel, payload)
	p.change(func() {
		ref, data := p.chunks.make(len(frame), len(frame))
		copy(data, frame)
		p.queueLocked(entry{run: run{inlet, ref, 0, len(frame)}})
	})
}

func (p *Port) queueLocked(entry entry) {
	switch {
	case !p.ended:
		p.queue = append(p.queue, entry)
	case entry.record == nil:
		p.chunks.release(entry.run.ref)
	}
}

// NewChunk implements boundary.Port.
func (p *Port) NewChunk(size int) (chunk boundary.Chunk) {
	p.change(func() { chunk.Ref, chunk.Data = p.chunks.make(size, p.chunks.generous(size)) })
	return chunk
}

// Grow implements boundary.Port.
func (p *Port) Grow(chunk boundary.Chunk, used, size int) (grown boundary.Chunk) {
	p.change(func() { grown.Ref, grown.Data = p.chunks.grow(chunk.Ref, used, size) })
	return grown
}

// Release implements boundary.Port.
func (p *Port) Release(chunk boundary.Chunk) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chunks.release(chunk.Ref)
}

// Chunks implements boundary.Port.
func (p *Port) Chunks() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.chunks.live)
}

// Memory is how many bytes the chunks hold.
func (p *Port) Memory() (bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, chunk := range p.chunks.live {
		bytes += len(chunk.data)
	}
	return bytes
}

// Written implements boundary.Port.
func (p *Port) Written(frames boundary.Frames) {
	p.change(func() {
		p.written += len(frames.Data)
		p.writtenLocked(frames)
		poison(frames.Data)
	})
}

// FreeOutlet implements boundary.Port.
func (p *Port) FreeOutlet(outlet uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.program.outlets, outlet)
}

// Frame builds one frame as the bridge would.
func Frame(channel string, payload []byte) []byte {
	if len(channel) > 255 {
		panic(fmt.Sprintf("channel of %d bytes", len(channel)))
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(1+len(channel)+len(payload)))
	frame = append(append(frame, byte(len(channel))), channel...)
	return append(frame, payload...)
}
