package pubsub

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// readSize is how much is read ahead of each stream.
	readSize = 16 << 10
	// headerRoom is what is kept free for the length before an RPC.
	headerRoom = binary.MaxVarintLen32
	// longestRPC is what nobody announces who means it.
	longestRPC = 1 << 30
	// maxControl is the router's own bound for control messages.
	maxControl = 512<<10 - 64
	// maxMessageHead is what a message may hold besides its payload, maxMessageID what it may be told from others by: the router keeps that
	// for two minutes.
	maxMessageHead = 64 << 10
	maxMessageID   = 256
	// stepTimeout is how long the next 64 KiB of a large message may take.
	stepTimeout = 30 * time.Second
)

// inbound is the stream of a peer as the router reads it. It takes RPCs apart and hands them on in RPCs of moderate size, without what this
// node does not take: a message that is too large is left out and told of, where the router would reset the stream and hear no more.
type inbound struct {
	network.Stream
	streams   *streams
	peer      peer.ID
	reader    *bufio.Reader
	interests *interests

	// rest is what is still to be read of an RPC; ahead is the length of a field of it that is next, when number is not 0.
	rest, ahead int
	number      protowire.Number
	// frame is the RPC that is put together, behind headerRoom; cost is what its messages cost, large is set when it holds a large one.
	frame []byte
	cost  int
	large *large
	// reserved is the memory taken in the stream's resource scope.
	reserved int
	// ready is what the router has not read yet, handed the cost of what it is reading.
	ready  []byte
	handed int
	// left: the peer has ended the stream as it should be; err is why there is no more.
	left bool
	err  error
}

func newInbound(s *streams, str network.Stream) *inbound {
	return &inbound{
		Stream: str, streams: s, peer: str.Conn().RemotePeer(), reader: bufio.NewReaderSize(str, readSize),
		interests: s.subscriptions.of(), frame: make([]byte, headerRoom),
	}
}

// Read gives the router RPCs, each with its length before it.
func (i *inbound) Read(p []byte) (int, error) {
	for len(i.ready) == 0 {
		if i.err == nil {
			i.err = guard.Call("pubsub: read", i.next)
		}
		if i.err != nil {
			return 0, i.err
		}
	}
	n := copy(p, i.ready)
	i.ready = i.ready[n:]
	return n, nil
}

// end gives back what the stream has taken. What the router was reading has not reached its loop.
func (i *inbound) end() {
	i.interests.close()
	i.streams.validation.settle(i.streams.validation.of(i.peer), i.handed)
	i.recycle()
}

// next makes the next RPC ready.
func (i *inbound) next() error {
	// The router comes for more once it has passed on what it had.
	i.handed = 0
	i.recycle()
	for i.rest > 0 || len(i.frame) == headerRoom {
		if i.rest == 0 {
			if err := i.begin(); err != nil {
				return err
			}
			continue
		}
		full, err := i.field()
		if err != nil {
			return err
		}
		if full {
			break
		}
	}
	if i.cost > 0 {
		if err := i.streams.validation.admit(i.peer, i.cost); err != nil {
			return err
		}
	}
	i.handed, i.cost = i.cost, 0
	header := binary.AppendUvarint(nil, uint64(len(i.frame)-headerRoom))
	i.ready = i.frame[headerRoom-len(header):]
	copy(i.ready, header)
	return nil
}

// begin reads the length of an RPC.
func (i *inbound) begin() error {
	size, err := binary.ReadUvarint(i.reader)
	if err != nil {
		i.left = err == io.EOF
		return err
	}
	if size > longestRPC {
		return fmt.Errorf("%w of %d bytes", errMalformed, size)
	}
	i.rest = int(size)
	return nil
}

// field reads one field of an RPC, or says that there is no more room for it in this one.
func (i *inbound) field() (full bool, err error) {
	if i.number == 0 {
		if skipped, err := i.head(); skipped || err != nil {
			return false, err
		}
	}
	if len(i.frame) > headerRoom && len(i.frame)+i.ahead > maxRPC {
		return true, nil
	}
	number, size := i.number, i.ahead
	i.number = 0
	switch {
	case number == fieldMessage && size > i.streams.maxMessage:
		return false, i.tooLarge(size)
	case number == fieldMessage:
		return false, i.message(size)
	case number == fieldSubscription && size <= maxMessageHead:
		return false, i.subscription(size)
	case number == fieldControl && size <= maxControl:
		_, err = i.collect(number, size)
		return false, err
	default:
		return false, i.discard(size)
	}
}

// head reads the number of a field and its length; what has no length is nothing that is known, and skipped.
func (i *inbound) head() (skipped bool, err error) {
	tag, err := i.uvarint()
	if err != nil {
		return false, err
	}
	number, kind := protowire.DecodeTag(tag)
	switch kind {
	case protowire.VarintType:
		_, err = i.uvarint()
		return true, err
	case protowire.Fixed32Type:
		return true, i.discard(4)
	case protowire.Fixed64Type:
		return true, i.discard(8)
	case protowire.BytesType:
		size, err := i.uvarint()
		if err != nil {
			return false, err
		}
		if number < 1 || size > uint64(i.rest) {
			return false, errMalformed
		}
		i.number, i.ahead = number, int(size)
		return false, nil
	}
	return false, errMalformed
}

func (i *inbound) uvarint() (uint64, error) {
	value, err := binary.ReadUvarint(rpcReader{i})
	if err != nil && err != io.ErrUnexpectedEOF {
		err = fmt.Errorf("%w: %w", errMalformed, err)
	}
	return value, err
}

// rpcReader reads the bytes of one RPC.
type rpcReader struct{ *inbound }

func (r rpcReader) ReadByte() (byte, error) {
	if r.rest == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	b, err := r.reader.ReadByte()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	r.rest--
	return b, err
}

func (i *inbound) discard(size int) error {
	if size > i.rest {
		return errMalformed
	}
	i.rest -= size
	_, err := i.reader.Discard(size)
	return unexpected(err)
}
