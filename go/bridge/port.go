package bridge

// #include "internal.h"
import "C"

import (
	"unsafe"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// port is a link as the rest of the Go side sees it. Each method is one call into C, which copies or keeps nothing of the Go heap.
type port C.int32_t

func (p port) Post(kind boundary.Kind, a, b uint32, body []byte) {
	C.bridge_post(C.int32_t(p), C.uint32_t(kind), C.uint32_t(a), C.uint32_t(b), unsafe.Pointer(unsafe.SliceData(body)), C.uint32_t(len(body)))
}

func (p port) Deliver(inlet uint32, chunk boundary.Chunk, from, to int) {
	C.bridge_deliver(C.int32_t(p), C.uint32_t(inlet), C.uintptr_t(chunk.Ref), C.uint32_t(from), C.uint32_t(to))
}

func (p port) DeliverOne(inlet uint32, channel string, payload []byte) {
	C.bridge_deliver_one(C.int32_t(p), C.uint32_t(inlet), unsafe.Pointer(unsafe.StringData(channel)), C.uint32_t(len(channel)),
		unsafe.Pointer(unsafe.SliceData(payload)), C.uint32_t(len(payload)))
}

func (port) NewChunk(size int) boundary.Chunk {
	return chunk(C.bridge_chunk(C.uint32_t(size)))
}

func (port) Grow(c boundary.Chunk, used, size int) boundary.Chunk {
	return chunk(C.bridge_chunk_grow(C.uintptr_t(c.Ref), C.uint32_t(used), C.uint32_t(size)))
}

func (port) Release(c boundary.Chunk) {
	C.bridge_chunk_release(C.uintptr_t(c.Ref))
}

func (port) Chunks() int { return int(C.bridge_chunks()) }

func (p port) Written(frames boundary.Frames) {
	C.bridge_written(C.int32_t(p), C.uintptr_t(frames.Ref))
}

func (p port) FreeOutlet(outlet uint32) {
	C.bridge_outlet_free(C.int32_t(p), C.uint32_t(outlet))
}

func chunk(c *C.struct_chunk) boundary.Chunk {
	return boundary.Chunk{Data: unsafe.Slice((*byte)(C.chunk_data(c)), int(c.size)), Ref: uintptr(unsafe.Pointer(c))}
}
