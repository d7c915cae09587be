package pubsub

import (
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// tracer hears what the router does with messages. Most of its methods are called in the router's loop, and may not wait for it.
type tracer struct {
	quietTracer
	router  *router
	streams *streams
	drops   *drops
}

func traced(fn func()) { guard.Do("pubsub: tracer", fn) }

func (t tracer) SendRPC(rpc *libp2ppubsub.RPC, p peer.ID) {
	traced(func() {
		t.router.sending(rpc, p)
		t.streams.queued(p, loadOf(rpc.GetPublish()))
	})
}

func (t tracer) DropRPC(rpc *libp2ppubsub.RPC, p peer.ID) {
	traced(func() {
		t.router.sending(rpc, p)
		for _, m := range rpc.GetPublish() {
			t.drops.count(drop{reason: outboundFull, topic: m.GetTopic(), peer: p}, load{1, len(m.GetData())})
		}
	})
}

func (t tracer) UndeliverableMessage(m *libp2ppubsub.Message) {
	traced(func() { t.drops.count(drop{reason: inboxFull, topic: m.GetTopic()}, load{1, len(m.GetData())}) })
}

func (t tracer) ValidateMessage(m *libp2ppubsub.Message) {
	traced(func() { t.streams.validation.checked(m) })
}

func (t tracer) DuplicateMessage(m *libp2ppubsub.Message) {
	traced(func() { t.streams.validation.checked(m) })
}

func (t tracer) RejectMessage(m *libp2ppubsub.Message, reason string) {
	traced(func() {
		t.streams.validation.checked(m)
		switch reason {
		case libp2ppubsub.RejectValidationQueueFull, libp2ppubsub.RejectValidationThrottled:
			t.drops.count(drop{reason: validationFull, topic: m.GetTopic(), peer: m.ReceivedFrom}, load{1, len(m.GetData())})
		case libp2ppubsub.RejectInvalidSignature:
			t.streams.fault(m.ReceivedFrom, len(m.GetData()))
		}
	})
}

// quietTracer follows nothing.
type quietTracer struct{}

var _ libp2ppubsub.RawTracer = quietTracer{}

func (quietTracer) OnNewOutboundStream(peer.ID, protocol.ID)                   {}
func (quietTracer) OnClosedOutboundStream(peer.ID)                             {}
func (quietTracer) Join(string)                                                {}
func (quietTracer) Leave(string)                                               {}
func (quietTracer) Graft(peer.ID, string)                                      {}
func (quietTracer) Prune(peer.ID, string)                                      {}
func (quietTracer) ValidateMessage(*libp2ppubsub.Message)                      {}
func (quietTracer) DeliverMessage(*libp2ppubsub.Message)                       {}
func (quietTracer) RejectMessage(*libp2ppubsub.Message, string)                {}
func (quietTracer) DuplicateMessage(*libp2ppubsub.Message)                     {}
func (quietTracer) ThrottlePeer(peer.ID)                                       {}
func (quietTracer) RecvRPC(*libp2ppubsub.RPC)                                  {}
func (quietTracer) SendRPC(*libp2ppubsub.RPC, peer.ID)                         {}
func (quietTracer) SendRPCCompleted(*libp2ppubsub.RPC, peer.ID, time.Duration) {}
func (quietTracer) DropRPC(*libp2ppubsub.RPC, peer.ID)                         {}
func (quietTracer) UndeliverableMessage(*libp2ppubsub.Message)                 {}
