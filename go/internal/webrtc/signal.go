package webrtc

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/network"
)

// maxSignal bounds a message of the signalling; with as many addresses as are taken it has half of that.
const maxSignal = 64 << 10

// signal is a message of the signalling: a 4-byte big-endian length, then JSON.
type signal struct {
	Type    string `json:"type"`
	SDP     string `json:"sdp,omitempty"`
	Message string `json:"message,omitempty"`
}

func writeSignal(w io.Writer, message signal) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

// readSignal reads one message; the stream's memory is reserved for what it announces.
func readSignal(str network.Stream) (message signal, err error) {
	var length [4]byte
	if _, err = io.ReadFull(str, length[:]); err != nil {
		return message, err
	}
	size := int(binary.BigEndian.Uint32(length[:]))
	if size < 1 || size > maxSignal {
		return message, fmt.Errorf("a message of %d bytes", size)
	}
	if err = str.Scope().ReserveMemory(size, network.ReservationPriorityMedium); err != nil {
		return message, err
	}
	defer str.Scope().ReleaseMemory(size)
	body := make([]byte, size)
	if _, err = io.ReadFull(str, body); err != nil {
		return message, err
	}
	return message, json.Unmarshal(body, &message)
}
