package pubsub

import (
	"time"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// quietTracer follows nothing of what the router does; a tracer embeds it and overrides what it wants to know. The router calls its tracers
// from its main loop: they may not wait for it.
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
