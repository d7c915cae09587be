// Package boundary names what crosses between JavaScript and Go: operations, record kinds, and the interface through which the rest of the
// Go side reaches the link. It is the Go half of docs/boundary.md and holds no cgo; package bridge implements Port.
package boundary

import "sync/atomic"

// Op is the operation of a request.
type Op uint32

// The operations, in the order of docs/boundary.md.
const (
	OpSetup Op = iota + 1
	OpCreate
	OpClose
	OpCancel
	OpConnect
	OpDisconnect
	OpAddresses
	OpOutletOpen
	OpOutletClose
	OpCredit
	OpSubscribe
	OpUnsubscribe
	OpPublish
	OpInspect
	OpReserve
	OpICE
)

// Kind is the kind of a record on its way to JavaScript.
type Kind uint8

// The kinds, in the order of docs/boundary.md.
const (
	KindAnswer Kind = iota + 1
	KindEvent
	KindMessage
	KindChannel
	KindRoom
)

// MessageOverhead is what a received message costs on top of its payload: about the size of the objects it becomes in JavaScript.
const MessageOverhead = 256

// Window is how much a peer's unconsumed messages may cost before its streams are no longer read.
const Window = 4 << 20

// Frames is a run of whole frames that JavaScript queued for one outlet. Data lies outside the Go heap and is valid until Port.Written.
type Frames struct {
	Outlet uint32
	Data   []byte
	// Ref is the bridge's own mark of the memory behind Data.
	Ref uintptr
}

// Chunk is memory outside the Go heap that a reader fills. Its owner may write behind what it delivered; Port.Release ends its ownership,
// and the memory is freed when JavaScript has taken the last frame in it. Data may be longer than what was asked for.
type Chunk struct {
	Data []byte
	// Ref is the bridge's own mark of the memory behind Data.
	Ref uintptr
}

// Port is one link as the Go side sees it. Its methods may be called from any goroutine, never block, and do nothing once the link is gone.
type Port interface {
	// Post queues a record for JavaScript; body is copied.
	Post(kind Kind, a, b uint32, body []byte)
	// Deliver queues the whole frames in chunk.Data[from:to] as messages from an inlet.
	Deliver(inlet uint32, chunk Chunk, from, to int)
	// DeliverOne queues one message that is in Go memory; payload is copied.
	DeliverOne(inlet uint32, channel string, payload []byte)
	// NewChunk allocates a chunk of at least a size; its Data is not zeroed.
	NewChunk(size int) Chunk
	// Grow makes a chunk of which nothing was delivered yet at least as large as size. It keeps the used bytes at the beginning and nothing
	// behind them; the memory may move, so that the old Chunk means nothing any more.
	Grow(chunk Chunk, used, size int) Chunk
	// Release ends the caller's ownership of a chunk.
	Release(chunk Chunk)
	// Written frees frames and takes them off the outlet's outstanding bytes, whether they were written or given up.
	Written(frames Frames)
	// Chunks counts the chunks of the whole process that are not freed yet.
	Chunks() int
	// FreeOutlet forgets an outlet; what it still queues is freed.
	FreeOutlet(outlet uint32)
}

var handles atomic.Uint32

// NextHandle returns a number for a node or an inlet that no earlier one in this process had.
func NextHandle() uint32 { return handles.Add(1) }
