package webrtc

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/unaiverse/p2p/go/internal/messaging"
)

// A frame goes over the channel in chunks of one flag byte and a part of the frame: browsers take no larger message than 64 KiB.
const (
	maxChunk = 61440
	// maxReceived is what this node takes, and says that it takes, in one message of the channel.
	maxReceived = 64 << 10

	flagWhole  = 0xC0
	flagFirst  = 0x80
	flagMiddle = 0x00
	flagLast   = 0x40

	// legacyHeader is the length before a frame. Old nodes send a frame as it is; its first byte is then the highest of the length, which is
	// 0 like flagMiddle.
	legacyHeader = 4
	// assemblyTimeout is how long a frame may rest unfinished.
	assemblyTimeout = 2 * time.Minute
)

var errChunk = errors.New("malformed chunk")

func flagOf(first, last bool) byte {
	switch {
	case first && last:
		return flagWhole
	case first:
		return flagFirst
	case last:
		return flagLast
	}
	return flagMiddle
}

func chunksOf(frame int) int { return (frame + maxChunk - 2) / (maxChunk - 1) }

// assembly puts frames together.
type assembly struct {
	tell    messaging.Receiving
	partial []byte
	// at is when the last chunk came.
	at time.Time
}

// add takes a chunk and returns the frame that it completes, if it does. A frame that rested too long is dropped, as the Python node does;
// everything else that makes no sense ends the channel.
func (a *assembly) add(chunk []byte, now time.Time) (frame []byte, err error) {
	if len(chunk) == 0 {
		return nil, a.malformed(chunk)
	}
	if now.Sub(a.at) > assemblyTimeout {
		a.drop()
	}
	a.at = now
	flag, part := chunk[0], chunk[1:]
	switch {
	case flag == flagWhole:
		a.drop()
		return a.whole(append([]byte{}, part...), len(part))
	case flag == flagFirst:
		a.drop()
		a.partial = append(make([]byte, 0, 2*maxChunk), part...)
		return nil, a.grown(len(part))
	case flag == flagMiddle && a.partial == nil:
		return a.whole(append([]byte{}, chunk...), len(chunk))
	case flag == flagLast && a.partial == nil:
		// The end of a frame that was dropped.
		return nil, nil
	case flag == flagMiddle:
		a.partial = append(a.partial, part...)
		return nil, a.grown(len(part))
	case flag == flagLast:
		frame, a.partial = append(a.partial, part...), nil
		return a.whole(frame, len(part))
	}
	return nil, a.malformed(chunk)
}

// drop lets go of a frame that has begun.
func (a *assembly) drop() {
	if a.partial != nil {
		a.tell.Dropped(len(a.partial))
		a.partial = nil
	}
}

func (a *assembly) grown(bytes int) error {
	size := sizeOf(a.partial)
	switch {
	case size == 0:
		return nil
	case len(a.partial) > size:
		return a.malformed(a.partial)
	}
	return a.tell.Got(bytes, size)
}

func (a *assembly) whole(frame []byte, bytes int) ([]byte, error) {
	if len(frame) <= legacyHeader || len(frame) != sizeOf(frame) {
		return nil, a.malformed(frame)
	}
	if err := a.tell.Got(bytes, len(frame)); err != nil {
		return nil, err
	}
	return frame, nil
}

// sizeOf is the size of the whole frame that data begins with, 0 while it is not known.
func sizeOf(data []byte) int {
	if len(data) < legacyHeader {
		return 0
	}
	return legacyHeader + int(binary.BigEndian.Uint32(data))
}

func (a *assembly) malformed(data []byte) error {
	a.tell.Malformed(len(data))
	return errChunk
}
