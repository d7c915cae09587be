package porttest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
)

const (
	// mostGenerous is by how much a chunk may be larger than asked for; the bridge keeps spare ones up to this size.
	mostGenerous = 4 << 20
	poisoned     = 0xdb
)

// chunks is the memory of a Port. Where the bridge would corrupt memory, it panics.
type chunks struct {
	live   map[uintptr]*chunk
	last   uintptr
	random *rand.Rand
}

// chunk is freed with its last reference: its owner's, and one for each run of frames that was not read yet.
type chunk struct {
	data []byte
	refs int
}

func newChunks() chunks {
	return chunks{live: map[uintptr]*chunk{}, random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
}

// generous is a size that may be given to somebody who asks for another.
func (c *chunks) generous(size int) int {
	if c.random.IntN(2) == 0 {
		return size
	}
	return size + c.random.IntN(min(3*size, mostGenerous)+1)
}

func (c *chunks) make(asked, size int) (ref uintptr, data []byte) {
	if asked < 1 {
		panic(fmt.Sprintf("a chunk of %d bytes", asked))
	}
	c.last++
	data = make([]byte, size)
	poison(data)
	c.live[c.last] = &chunk{data, 1}
	return c.last, data
}

func (c *chunks) find(ref uintptr) *chunk {
	found := c.live[ref]
	if found == nil {
		panic("a chunk that was given back, or never made, is used")
	}
	return found
}

func (c *chunks) grow(ref uintptr, used, size int) (moved uintptr, data []byte) {
	before := c.find(ref)
	if before.refs != 1 || used > len(before.data) || used > size {
		panic(fmt.Sprintf("a chunk of %d bytes with %d references grows to %d keeping %d", len(before.data), before.refs, size, used))
	}
	moved, data = c.make(size, c.generous(size))
	copy(data, before.data[:used])
	c.release(ref)
	return moved, data
}

func (c *chunks) release(ref uintptr) {
	found := c.find(ref)
	if found.refs--; found.refs == 0 {
		poison(found.data)
		delete(c.live, ref)
	}
}

// deliver takes a reference for frames, which must be whole ones.
func (c *chunks) deliver(run run) {
	found := c.find(run.ref)
	walk(found.data[run.from:run.to], func(string, []byte) {})
	found.refs++
}

// read copies the messages of frames and gives their reference back.
func (c *chunks) read(run run) (messages []Message) {
	walk(c.find(run.ref).data[run.from:run.to], func(channel string, payload []byte) {
		messages = append(messages, Message{run.inlet, channel, slices.Clone(payload)})
	})
	c.release(run.ref)
	return messages
}

// walk goes through whole frames.
func walk(data []byte, each func(channel string, payload []byte)) {
	for len(data) > 0 {
		frame := data[4 : 4+int(binary.BigEndian.Uint32(data))]
		payload := 1 + int(frame[0])
		each(string(frame[1:payload]), frame[payload:])
		data = data[4+len(frame):]
	}
}

// poison overwrites memory that means nothing yet, or any more.
func poison(data []byte) {
	for i := range min(len(data), 64) {
		data[i] = poisoned
	}
	for done := 64; done < len(data); done *= 2 {
		copy(data[done:], data[:done])
	}
}
