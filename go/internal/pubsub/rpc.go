// What an RPC of the topic protocols holds, field by field, without decoding what is passed on as it is. An RPC is a list of subscriptions,
// messages and control messages; to send its fields in several RPCs, or those of several in one, means the same.

package pubsub

import (
	"encoding/binary"
	"errors"
	"slices"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The fields of an RPC, and those of a message that are looked at here.
const (
	fieldSubscription protowire.Number = 1
	fieldMessage      protowire.Number = 2
	fieldControl      protowire.Number = 3

	messageAuthor protowire.Number = 1
	messageData   protowire.Number = 2
	messageSeqno  protowire.Number = 3
	messageTopic  protowire.Number = 4

	controlIHave protowire.Number = 1
	controlIWant protowire.Number = 2
)

// maxRPC is how large an RPC becomes by joining fields; rust-libp2p takes no larger ones by default. A field that is larger goes alone.
const maxRPC = 64 << 10

// idsInEntry is how many messages are named at once where there are too many for one RPC.
const idsInEntry = 400

var errMalformed = errors.New("malformed RPC")

// field is one field of a protobuf message.
type field struct {
	number protowire.Number
	// whole is the field as it is encoded, content what is in it; only fields with a length have a content.
	whole, content []byte
}

// next takes the first field off an encoded message.
func next(encoded []byte) (first field, rest []byte, err error) {
	number, kind, tag := protowire.ConsumeTag(encoded)
	if tag < 0 {
		return field{}, nil, errMalformed
	}
	size := protowire.ConsumeFieldValue(number, kind, encoded[tag:])
	if size < 0 {
		return field{}, nil, errMalformed
	}
	first = field{number: number, whole: encoded[:tag+size]}
	if kind == protowire.BytesType {
		first.content, _ = protowire.ConsumeBytes(encoded[tag:])
	}
	return first, encoded[tag+size:], nil
}

// described is what is known of a message without decoding it.
type described struct {
	topic string
	// data is the length of its payload, id that of what it is told from others by.
	data, id int
}

func describe(message []byte) (d described, err error) {
	var author, seqno int
	for len(message) > 0 {
		var f field
		if f, message, err = next(message); err != nil {
			return described{}, err
		}
		switch f.number {
		case messageAuthor:
			author = len(f.content)
		case messageData:
			d.data = len(f.content)
		case messageSeqno:
			seqno = len(f.content)
		case messageTopic:
			d.topic = string(f.content)
		}
	}
	d.id = author + seqno
	return d, nil
}

// load is how many messages something holds, and how many bytes of payload.
type load struct{ messages, bytes int }

func (l load) plus(other load) load { return load{l.messages + other.messages, l.bytes + other.bytes} }

func (l load) minus(other load) load { return load{l.messages - other.messages, l.bytes - other.bytes} }

func loadOf(messages []*pb.Message) (sum load) {
	for _, m := range messages {
		sum = sum.plus(load{1, len(m.GetData())})
	}
	return sum
}

// appendField encodes a field that has a length.
func appendField(to []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), content)
}

// frame puts the length before an RPC, as it goes through a stream.
func frame(rpc []byte) []byte {
	return appendFrame(make([]byte, 0, len(rpc)+binary.MaxVarintLen32), rpc)
}

func appendFrame(to, rpc []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(rpc))), rpc...)
}

// announcements are RPCs that tell of subscriptions.
func announcements(topics []string) (rpcs [][]byte) {
	var rpc []byte
	yes := true
	for _, topic := range topics {
		subscription, err := proto.Marshal(&pb.RPC_SubOpts{Subscribe: &yes, Topicid: &topic})
		if err != nil {
			continue
		}
		if len(rpc) > 0 && len(rpc)+len(subscription) > maxRPC/2 {
			rpcs, rpc = append(rpcs, rpc), nil
		}
		rpc = appendField(rpc, fieldSubscription, subscription)
	}
	if len(rpc) > 0 {
		rpcs = append(rpcs, rpc)
	}
	return rpcs
}

// parts takes an RPC apart: fields that hold no message, joined into RPCs of at most maxRPC, and the same for messages. What is empty is
// left out.
func parts(rpc []byte) (control, messages [][]byte, err error) {
	for len(rpc) > 0 {
		var f field
		if f, rpc, err = next(rpc); err != nil {
			return nil, nil, err
		}
		switch {
		case len(f.content) == 0:
		case f.number == fieldMessage:
			messages = join(messages, f.whole)
		case f.number == fieldControl && len(f.whole) > maxRPC:
			if control, err = splitControl(control, f.content); err != nil {
				return nil, nil, err
			}
		default:
			control = join(control, f.whole)
		}
	}
	return control, messages, nil
}

// join adds a field to the last of some RPCs, or begins another.
func join(rpcs [][]byte, whole []byte) [][]byte {
	if last := len(rpcs) - 1; last >= 0 && len(rpcs[last])+len(whole) <= maxRPC {
		rpcs[last] = append(rpcs[last], whole...)
		return rpcs
	}
	return append(rpcs, append([]byte(nil), whole...))
}

// splitControl divides a control message between several RPCs. No RPC holds two: not every implementation puts them together again.
func splitControl(rpcs [][]byte, control []byte) ([][]byte, error) {
	var part []byte
	for len(control) > 0 {
		f, rest, err := next(control)
		if err != nil {
			return nil, err
		}
		for _, entry := range splitEntry(f) {
			if len(part) > 0 && len(part)+len(entry)+2*binary.MaxVarintLen32 > maxRPC {
				rpcs, part = append(rpcs, appendField(nil, fieldControl, part)), nil
			}
			part = append(part, entry...)
		}
		control = rest
	}
	return append(rpcs, appendField(nil, fieldControl, part)), nil
}

// splitEntry divides what can name thousands of messages: what a node has, and what it wants.
func splitEntry(f field) (entries [][]byte) {
	if len(f.whole) <= maxRPC/2 {
		return [][]byte{f.whole}
	}
	var have pb.ControlIHave
	var want pb.ControlIWant
	switch {
	case f.number == controlIHave && proto.Unmarshal(f.content, &have) == nil:
		for ids := range slices.Chunk(have.GetMessageIDs(), idsInEntry) {
			entry, _ := proto.Marshal(&pb.ControlIHave{TopicID: have.TopicID, MessageIDs: ids})
			entries = append(entries, appendField(nil, f.number, entry))
		}
	case f.number == controlIWant && proto.Unmarshal(f.content, &want) == nil:
		for ids := range slices.Chunk(want.GetMessageIDs(), idsInEntry) {
			entry, _ := proto.Marshal(&pb.ControlIWant{MessageIDs: ids})
			entries = append(entries, appendField(nil, f.number, entry))
		}
	default:
		return [][]byte{f.whole}
	}
	return entries
}
