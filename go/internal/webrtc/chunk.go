package webrtc

import (
	"encoding/binary"
	"errors"
	"time"
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
	max     int
	partial []byte
	// at is when the last chunk came.
	at time.Time
}

// add takes a chunk and returns the frame that it completes, if it does. A frame that rested too long is dropped, as the Python node does;
// everything else that makes no sense ends the channel.
func (a *assembly) add(chunk []byte, now time.Time) (frame []byte, err error) {
	if len(chunk) == 0 {
		return nil, errChunk
	}
	if a.partial != nil && now.Sub(a.at) > assemblyTimeout {
		a.partial = nil
	}
	a.at = now
	flag, part := chunk[0], chunk[1:]
	switch {
	case flag == flagWhole:
		a.partial = nil
		return a.whole(append([]byte{}, part...))
	case flag == flagFirst:
		a.partial = append(make([]byte, 0, 2*maxChunk), part...)
		return nil, a.bounded()
	case flag == flagMiddle && a.partial == nil:
		return a.whole(append([]byte{}, chunk...))
	case flag == flagLast && a.partial == nil:
		// The end of a frame that was dropped.
		return nil, nil
	case flag == flagMiddle:
		a.partial = append(a.partial, part...)
		return nil, a.bounded()
	case flag == flagLast:
		frame, a.partial = append(a.partial, part...), nil
		return a.whole(frame)
	}
	return nil, errChunk
}

func (a *assembly) bounded() error {
	if len(a.partial) > legacyHeader+a.max {
		return errChunk
	}
	return nil
}

func (a *assembly) whole(frame []byte) ([]byte, error) {
	if len(frame) <= legacyHeader || len(frame) > legacyHeader+a.max || int(binary.BigEndian.Uint32(frame)) != len(frame)-legacyHeader {
		return nil, errChunk
	}
	return frame, nil
}
