// What becomes of the fields of an RPC that comes in: what is taken, what is left out, and the memory for what is large.

package pubsub

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// collect appends a field to the RPC that is put together, and returns its content; nil, when there was no memory for it.
func (i *inbound) collect(number protowire.Number, size int) ([]byte, error) {
	before := len(i.frame)
	i.rest -= size
	i.frame = protowire.AppendVarint(protowire.AppendTag(i.frame, number, protowire.BytesType), uint64(size))
	begin := len(i.frame)
	for left := size; left > 0; {
		step := min(left, maxRPC)
		if size > maxRPC && !i.reserve(step) {
			i.streams.drops.count(drop{reason: noMemory, peer: i.peer}, load{1, size})
			i.frame = i.frame[:before]
			_, err := i.reader.Discard(left)
			return nil, unexpected(err)
		}
		at := len(i.frame)
		i.frame = slices.Grow(i.frame, step)[:at+step]
		if _, err := io.ReadFull(i.reader, i.frame[at:]); err != nil {
			return nil, unexpected(err)
		}
		left -= step
	}
	if i.large != nil {
		i.streams.unfinished.end(i.large)
		_ = i.SetReadDeadline(time.Time{})
	}
	return i.frame[begin:], nil
}

// reserve asks for the memory for the next part of a large field, and gives it a time to come in.
func (i *inbound) reserve(step int) bool {
	if i.Scope().ReserveMemory(step, network.ReservationPriorityMedium) != nil {
		return false
	}
	i.reserved += step
	if i.large == nil {
		i.large = i.streams.unfinished.begin(i)
	}
	i.streams.unfinished.grow(i.large, step)
	_ = i.SetReadDeadline(time.Now().Add(stepTimeout))
	return true
}

// recycle lets go of the RPC that the router has read.
func (i *inbound) recycle() {
	if i.large != nil {
		i.streams.unfinished.end(i.large)
		i.streams.unfinished.release(i.large)
		i.large = nil
	}
	if i.reserved > 0 {
		i.Scope().ReleaseMemory(i.reserved)
		i.reserved = 0
	}
	if cap(i.frame) > 2*maxRPC {
		i.frame = make([]byte, headerRoom)
	}
	i.frame = i.frame[:headerRoom]
}

// message reads a message. One that no router makes is left out, and counts as badly signed.
func (i *inbound) message(size int) error {
	before := len(i.frame)
	content, err := i.collect(fieldMessage, size)
	if content == nil {
		return err
	}
	d, err := describe(content)
	if err != nil || d.id > maxMessageID || size-d.data > maxMessageHead {
		i.frame = i.frame[:before]
		i.streams.fault(i.peer, size)
		return nil
	}
	i.cost += costOf(d.data)
	return nil
}

// tooLarge skips a message, and tells of it.
func (i *inbound) tooLarge(size int) error {
	i.rest -= size
	d, err := skim(i.reader, size)
	if !i.streams.subscriptions.joined(d.topic) {
		d.topic = ""
	}
	i.streams.drops.count(drop{reason: tooLarge, topic: d.topic, peer: i.peer}, load{1, d.data})
	return unexpected(err)
}

// subscription reads what the peer subscribes to, or no more.
func (i *inbound) subscription(size int) error {
	before := len(i.frame)
	content, err := i.collect(fieldSubscription, size)
	if content == nil {
		return err
	}
	var option pb.RPC_SubOpts
	if proto.Unmarshal(content, &option) != nil {
		return errMalformed
	}
	news := false
	if option.GetSubscribe() {
		refused := i.interests.refused
		news = i.interests.add(option.GetTopicid())
		if i.interests.refused > refused && i.interests.telling() {
			i.streams.events.Warn(tooManyTopics, fmt.Sprintf(
				"peer %s subscribes to more topics than are kept of one peer, or of all; %d are not known here", i.peer, i.interests.refused))
		}
	} else {
		news = i.interests.remove(option.GetTopicid())
	}
	if !news {
		i.frame = i.frame[:before]
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skim reads a message without keeping it.
func skim(r *bufio.Reader, size int) (described, error) {
	limited := &io.LimitedReader{R: r, N: int64(size)}
	d := skimFields(bufio.NewReaderSize(limited, 16))
	_, err := io.Copy(io.Discard, limited)
	if err == nil && limited.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return d, err
}

func skimFields(r *bufio.Reader) (d described) {
	for {
		tag, err := binary.ReadUvarint(r)
		if err != nil {
			return d
		}
		number, kind := protowire.DecodeTag(tag)
		length, err := binary.ReadUvarint(r)
		if err != nil || kind != protowire.BytesType || length > longestRPC {
			return d
		}
		content := io.Discard
		var topic strings.Builder
		if number == messageTopic && length <= longestTopic {
			content = &topic
		}
		if _, err := io.CopyN(content, r, int64(length)); err != nil {
			return d
		}
		switch number {
		case messageTopic:
			d.topic = topic.String()
		case messageData:
			d.data = int(length)
		}
	}
}
