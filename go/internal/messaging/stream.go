package messaging

import (
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const openTimeout = 20 * time.Second

// stream is one libp2p stream with a peer: read by a goroutine of its own for as long as it lives, written by whoever holds its lock.
type stream struct {
	network.Stream
	*line
	// circuit is what the relay lets through, nil when that is not limited.
	circuit *circuit
	broken  atomic.Bool
}

func (str *stream) write(data []byte) (n int, err error) {
	str.writing.Lock()
	defer str.writing.Unlock()
	if str.ended.Load() {
		return 0, errEnded
	}
	if str.circuit == nil {
		n, err = str.Write(data)
	} else {
		n, err = str.writeWithin(data)
	}
	str.tail.add(countFrames(data, n))
	return n, err
}

// writeWithin writes as many frames as the circuit takes.
func (str *stream) writeWithin(data []byte) (n int, err error) {
	for n < len(data) {
		end := frameEnd(data[n:])
		if err := str.circuit.take(str.remote.id, end); err != nil {
			return n, err
		}
		written, err := str.Write(data[n : n+end])
		n += written
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (str *stream) note(frame []byte) {
	str.writing.Lock()
	defer str.writing.Unlock()
	_, _ = str.Write(frame)
}

func (str *stream) finish(last []byte) {
	str.ended.Store(true)
	str.writing.Lock()
	defer str.writing.Unlock()
	if len(last) > 0 {
		_, _ = str.Write(last)
	}
	str.aside(str.CloseWrite)
}

func (str *stream) end() { str.aside(str.Close) }

func (str *stream) reset() { str.resetWith(network.StreamNoError) }

// resetWith takes the word from a write that waits, whose deadline is past then, and lets the peer know why where the transport does.
func (str *stream) resetWith(code network.StreamErrorCode) {
	str.ended.Store(true)
	str.cancel()
	if str.broken.Swap(true) {
		return
	}
	_ = str.SetWriteDeadline(time.Unix(1, 0))
	str.aside(func() error { return str.ResetWithError(code) })
}

// aside does not wait: what ends a stream is a message to the peer, and waits behind others where the connection has stalled.
func (str *stream) aside(end func() error) {
	guard.Go("messaging: end of a stream", func() { _ = end() })
}
