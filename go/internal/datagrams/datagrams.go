// Package datagrams makes the UDP sockets of QUIC. On Linux they take many packets at a time from the kernel (UDP_GRO): what a peer sent in one
// call comes in one piece, and is taken apart here. quic-go itself asks for up to eight packets a call, each of which the kernel handles alone.
package datagrams

import (
	"context"
	"net"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// Option lets a host use such sockets.
func (s *Sockets) Option() libp2p.Option { return libp2p.QUICReuse(s.newConnManager) }

// newConnManager is what a libp2p host makes by itself, but for the sockets: the resource manager is asked about every connection that comes in,
// and about addresses that are to be verified first.
func (s *Sockets) newConnManager(reset quic.StatelessResetKey, tokens quic.TokenGeneratorKey, resources network.ResourceManager, life fx.Lifecycle) (*quicreuse.ConnManager, error) {
	admit := func(ctx context.Context, client *quic.ClientInfo) (_ context.Context, err error) {
		err = guard.Call("datagrams: connection", func() error {
			address, err := quicreuse.ToQuicMultiaddr(client.RemoteAddr, quic.Version1)
			if err != nil {
				address = nil
			}
			scope, err := resources.OpenConnection(network.DirInbound, false, address)
			if err != nil {
				return err
			}
			ctx = network.WithConnManagementScope(ctx, scope)
			context.AfterFunc(ctx, scope.Done)
			return nil
		})
		return ctx, err
	}
	manager, err := quicreuse.NewConnManager(reset, tokens,
		quicreuse.OverrideListenUDP(s.Listen),
		quicreuse.ConnContext(admit),
		quicreuse.VerifySourceAddress(resources.VerifySourceAddress))
	if err != nil {
		return nil, err
	}
	life.Append(fx.StopHook(manager.Close))
	return manager, nil
}

// Listen opens a socket. It is read by one goroutine alone, in batches.
func (s *Sockets) Listen(network string, address *net.UDPAddr) (net.PacketConn, error) {
	conn, err := net.ListenUDP(network, address)
	if err != nil {
		return nil, err
	}
	return gathering(s.add(conn)), nil
}
