package datagrams

import (
	"encoding/binary"
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	// pieces is how many pieces are asked for at a time. Small packets, like acknowledgements, each come as a piece of their own.
	pieces = 8
	// largest is what the kernel joins at most.
	largest = 64 << 10
	// control has room for what quic-go asks the kernel to tell of a packet (128 bytes), and for the size of the packets in a piece.
	control = 160
)

// conn is a UDP socket whose ReadBatch quic-go finds and uses instead of its own.
type conn struct {
	*socket
	batch *ipv4.PacketConn
	// read are the pieces that came, the first of them partly taken; all is what they are read into.
	read, all []ipv4.Message
	taken     int
}

// gathering returns the socket itself where the kernel cannot join packets.
func gathering(socket *socket) net.PacketConn {
	raw, err := socket.SyscallConn()
	if err != nil {
		return socket
	}
	var refused error
	err = raw.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO, 1) })
	if err != nil || refused != nil {
		return socket
	}
	c := &conn{socket: socket, batch: ipv4.NewPacketConn(socket.UDPConn), all: make([]ipv4.Message, pieces)}
	for i := range c.all {
		c.all[i].Buffers = [][]byte{make([]byte, largest)}
		c.all[i].OOB = make([]byte, control)
	}
	return c
}

// ReadBatch fills messages with packets, as the method of the same name of ipv4.PacketConn does.
func (c *conn) ReadBatch(messages []ipv4.Message, flags int) (int, error) {
	if len(c.read) == 0 {
		n, err := c.batch.ReadBatch(c.all, flags)
		if err != nil {
			return 0, err
		}
		c.read = c.all[:n]
	}
	n := 0
	for n < len(messages) && len(c.read) > 0 {
		c.next(&messages[n])
		n++
	}
	return n, nil
}

// next takes the next packet out of the first piece.
func (c *conn) next(packet *ipv4.Message) {
	piece := &c.read[0]
	told, size := packetSize(piece.OOB[:piece.NN])
	end := piece.N
	if size > 0 {
		end = min(end, c.taken+size)
	}
	packet.N = copy(packet.Buffers[0], piece.Buffers[0][c.taken:end])
	packet.NN = copy(packet.OOB, told)
	packet.Flags = piece.Flags
	packet.Addr = piece.Addr
	c.taken = end
	if end == piece.N {
		c.read, c.taken = c.read[1:], 0
	}
}

// packetSize finds the size of the packets that a piece was joined from, 0 when it is a single one, and what else the kernel tells of it. The
// kernel tells the size first.
func packetSize(told []byte) (rest []byte, size int) {
	if len(told) < unix.CmsgLen(4) {
		return told, 0
	}
	header, body, rest, err := unix.ParseOneSocketControlMessage(told)
	if err != nil || header.Level != unix.SOL_UDP || header.Type != unix.UDP_GRO || len(body) < 4 {
		return told, 0
	}
	return rest, int(binary.NativeEndian.Uint32(body))
}
