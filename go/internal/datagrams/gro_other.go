//go:build !linux

package datagrams

import "net"

func gathering(socket *socket) net.PacketConn { return socket }
