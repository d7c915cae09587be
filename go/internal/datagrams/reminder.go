package datagrams

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// Sockets are the UDP sockets of one host. They can send once more what was sent last to somebody who does not answer.
type Sockets struct {
	mu   sync.Mutex
	open []*socket
}

// Remind sends the last packet from a socket to a peer once more, or, when it is asked for the first time, notes the packets that are sent from
// now on. A peer that has it already drops it; one that was started anew and does not know the connection says so.
func (s *Sockets) Remind(local, remote net.Addr) {
	if socket, peer := s.find(local, remote); socket != nil {
		socket.remind(peer)
	}
}

// Forget ends that.
func (s *Sockets) Forget(local, remote net.Addr) {
	if socket, peer := s.find(local, remote); socket != nil {
		socket.forget(peer)
	}
}

func (s *Sockets) find(local, remote net.Addr) (*socket, netip.AddrPort) {
	peer, here := addrPort(remote), addrPort(local)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, socket := range s.open {
		// A connection knows which of the addresses of the machine it goes by, a socket may have all of them.
		its := addrPort(socket.LocalAddr())
		if its == here || its.Port() == here.Port() && its.Addr().IsUnspecified() {
			return socket, peer
		}
	}
	return nil, peer
}

func addrPort(addr net.Addr) netip.AddrPort {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	known := udp.AddrPort()
	return netip.AddrPortFrom(known.Addr().Unmap(), known.Port())
}

// socket is a UDP socket that notes the last packet to some peers.
type socket struct {
	*net.UDPConn
	all *Sockets
	// noting is how many peers there are in last; as long as there are none, which is nearly always, nothing is looked up for a packet.
	noting atomic.Int32

	mu   sync.Mutex
	last map[netip.AddrPort][]byte
}

func (s *Sockets) add(conn *net.UDPConn) *socket {
	added := &socket{UDPConn: conn, all: s, last: map[netip.AddrPort][]byte{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, added)
	return added
}

// Close closes the socket.
func (s *socket) Close() error {
	s.all.mu.Lock()
	s.all.open = slices.DeleteFunc(s.all.open, func(other *socket) bool { return other == s })
	s.all.mu.Unlock()
	return s.UDPConn.Close()
}

// WriteMsgUDP is how quic-go sends where it can tell the kernel something of a packet.
func (s *socket) WriteMsgUDP(data, told []byte, to *net.UDPAddr) (n, toldN int, err error) {
	if s.noting.Load() > 0 {
		s.note(data, addrPort(to))
	}
	return s.UDPConn.WriteMsgUDP(data, told, to)
}

// WriteTo is how it sends elsewhere.
func (s *socket) WriteTo(data []byte, to net.Addr) (int, error) {
	if s.noting.Load() > 0 {
		s.note(data, addrPort(to))
	}
	return s.UDPConn.WriteTo(data, to)
}

// largestPacket is that of QUIC; what is larger are several packets that the kernel takes apart.
const largestPacket = 1452

func (s *socket) note(data []byte, to netip.AddrPort) {
	if len(data) > largestPacket {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if packet, noted := s.last[to]; noted {
		s.last[to] = append(packet[:0], data...)
	}
}

func (s *socket) remind(peer netip.AddrPort) {
	s.mu.Lock()
	packet, noted := s.last[peer]
	if !noted {
		s.last[peer] = nil
		s.noting.Add(1)
	}
	packet = slices.Clone(packet)
	s.mu.Unlock()
	if len(packet) > 0 {
		_, _ = s.UDPConn.WriteToUDPAddrPort(packet, peer)
	}
}

func (s *socket) forget(peer netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, noted := s.last[peer]; noted {
		delete(s.last, peer)
		s.noting.Add(-1)
	}
}
