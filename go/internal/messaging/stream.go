package messaging

import (
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

const (
	openTimeout = 20 * time.Second
	// writeTimeout bounds one slice of a write. A receiver that does not consume stops its sender on purpose, so this is long; a peer that is
	// gone is found much earlier by the transport's own keep-alive.
	writeTimeout = 5 * time.Minute
	writeSlice   = 1 << 20
	// finishTimeout bounds a write on a path that the other side has ended.
	finishTimeout = 5 * time.Second
)

// stream is one libp2p stream with a peer: read by a goroutine of its own for as long as it lives, written by whoever holds its lock.
type stream struct {
	network.Stream
	*line
	// circuit is what the relay lets through, nil when that is not limited.
	circuit *circuit
}

func (str *stream) write(data []byte) (n int, err error) {
	str.writing.Lock()
	defer str.writing.Unlock()
	if str.circuit == nil {
		return str.writeSlices(data)
	}
	for n < len(data) {
		end := frameEnd(data[n:])
		if err := str.circuit.take(str.remote.id, end); err != nil {
			return n, err
		}
		written, err := str.writeSlices(data[n : n+end])
		n += written
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (str *stream) writeSlices(data []byte) (n int, err error) {
	for n < len(data) {
		if err = str.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return n, err
		}
		if str.ended.Load() {
			return n, io.ErrClosedPipe
		}
		var written int
		written, err = str.Write(data[n:min(n+writeSlice, len(data))])
		n += written
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// finish gives a write that is under way a few seconds to end.
func (str *stream) finish() {
	str.ended.Store(true)
	_ = str.SetWriteDeadline(time.Now().Add(finishTimeout))
	str.writing.Lock()
	defer str.writing.Unlock()
	_ = str.CloseWrite()
}

func (str *stream) reset() { _ = str.Reset() }
