package messaging

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/network"
)

// Why a receiver ends a stream: the reason is told to its own program, the code goes to the sender, where the transport carries one
// (WebTransport does not). The codes are this protocol's own, far from those that libp2p has given a meaning.
const (
	reasonTooLarge  = "too-large"
	reasonMalformed = "malformed"
	reasonTooSlow   = "too-slow"
	reasonResources = "resource-limit"

	codeTooLarge  network.StreamErrorCode = 0x50325001
	codeMalformed network.StreamErrorCode = 0x50325002
	codeTooSlow   network.StreamErrorCode = 0x50325003
)

var reasons = map[network.StreamErrorCode]string{
	codeTooLarge:                        reasonTooLarge,
	codeMalformed:                       reasonMalformed,
	codeTooSlow:                         reasonTooSlow,
	network.StreamResourceLimitExceeded: reasonResources,
}

// refusal is the error of a reader that ends its stream because of the frame that it is at.
type refusal struct {
	code  network.StreamErrorCode
	bytes int
}

func (r *refusal) Error() string { return "refused: " + reasons[r.code] }

// loss is what the refusal means for this side's program: one message. What the sender had written behind it is the sender's to tell. A frame
// that makes sense may come again, on another stream.
func (r *refusal) loss() Loss {
	again := r.code == codeTooSlow || r.code == network.StreamResourceLimitExceeded
	return Loss{Reason: reasons[r.code], Messages: 1, Bytes: r.bytes, UpTo: again}
}

// noMemory is the refusal of a frame that did not fit into a limit; the resource manager also answers so when the stream has ended.
func noMemory(err error, came int) error {
	if errors.Is(err, network.ErrResourceLimitExceeded) {
		return &refusal{network.StreamResourceLimitExceeded, came}
	}
	return err
}

// refusedAs says why the peer has ended a stream; empty when the error of a read or a write does not tell.
func refusedAs(err error) string {
	var reset *network.StreamError
	if !errors.As(err, &reset) || !reset.Remote {
		return ""
	}
	return reasons[reset.ErrorCode]
}
