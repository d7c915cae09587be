package messaging

import "encoding/binary"

// A frame, as the Python node writes it: u32 big-endian length of all that follows, u8 length of the channel, the channel, the payload. A
// stream carries any number of them in both directions; there is no acknowledgement.
const lengthBytes = 4

// frameAt reads the frame that begins at data[0]. size is the length of the whole frame, 0 while that is not known yet; payload is what the
// program gets of it and is known as soon as size+1 bytes are there. The error is a refusal.
func frameAt(data []byte, maxMessage int) (size, payload int, err error) {
	if len(data) < lengthBytes {
		return 0, 0, nil
	}
	total := int(binary.BigEndian.Uint32(data))
	switch {
	case total > maxMessage:
		return 0, 0, &refusal{codeTooLarge, total}
	case total < 2:
		return 0, 0, &refusal{codeMalformed, len(data)}
	}
	size = lengthBytes + total
	if len(data) > lengthBytes {
		payload = total - 1 - int(data[lengthBytes])
		if payload < 1 {
			return 0, 0, &refusal{codeMalformed, len(data)}
		}
	}
	return size, payload, nil
}

// frameEnd is the size of the whole frame that data begins with.
func frameEnd(data []byte) int { return lengthBytes + int(binary.BigEndian.Uint32(data)) }

// countFrames counts the whole frames at the beginning of data that end within its first n bytes, and says where the last of them ends.
func countFrames(data []byte, n int) (frames, end int) {
	for end+lengthBytes <= n {
		next := end + lengthBytes + int(binary.BigEndian.Uint32(data[end:]))
		if next > n {
			break
		}
		frames++
		end = next
	}
	return frames, end
}
