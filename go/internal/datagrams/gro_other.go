//go:build !linux

package datagrams

import "net"

func gathering(socket *net.UDPConn) net.PacketConn { return socket }
