package datagrams

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

type batchReader interface {
	net.PacketConn
	ReadBatch(messages []ipv4.Message, flags int) (int, error)
}

func listen(t *testing.T) batchReader {
	t.Helper()
	socket, err := (&Sockets{}).Listen("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	_ = socket.SetReadDeadline(time.Now().Add(10 * time.Second))
	reader, joins := socket.(batchReader)
	if !joins {
		t.Skip("this kernel does not join UDP packets")
	}
	return reader
}

// sendJoined sends packets of a size in one call; the last one may be smaller.
func sendJoined(t *testing.T, from *net.UDPConn, to net.Addr, data []byte, size uint16) {
	t.Helper()
	told := make([]byte, unix.CmsgSpace(2))
	header := (*unix.Cmsghdr)(unsafe.Pointer(&told[0]))
	header.Level, header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(told[unix.CmsgSpace(0):], size)
	if _, _, err := from.WriteMsgUDP(data, told, to.(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, from batchReader, count, batch int) (packets [][]byte, messages []ipv4.Message) {
	t.Helper()
	for len(packets) < count {
		ms := make([]ipv4.Message, batch)
		for i := range ms {
			ms[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 1452)}, OOB: make([]byte, 128)}
		}
		n, err := from.ReadBatch(ms, 0)
		if err != nil {
			t.Fatalf("%v after %d packets", err, len(packets))
		}
		for _, m := range ms[:n] {
			packets = append(packets, m.Buffers[0][:m.N])
			messages = append(messages, m)
		}
	}
	return packets, messages
}

func TestPacketsThatCameJoinedAreTakenApart(t *testing.T) {
	to := listen(t)
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	data := make([]byte, 10*1200+500)
	for i := range data {
		data[i] = byte(i / 1200)
	}
	sendJoined(t, from, to.LocalAddr(), data, 1200)
	if _, err := from.WriteTo([]byte("alone"), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	packets, messages := read(t, to, 12, 3)
	for i, packet := range packets[:11] {
		if want := data[i*1200 : min(len(data), (i+1)*1200)]; !bytes.Equal(packet, want) {
			t.Errorf("packet %d is another one: %d bytes", i, len(packet))
		}
	}
	if string(packets[11]) != "alone" {
		t.Errorf("the last packet is %q", packets[11])
	}
	for i, m := range messages {
		if m.Addr.String() != from.LocalAddr().String() {
			t.Errorf("packet %d is from %s", i, m.Addr)
		}
	}
}

func TestWhatElseTheKernelTellsOfAPacketIsHandedOn(t *testing.T) {
	to := listen(t)
	raw, err := to.(*conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1) }); err != nil {
		t.Fatal(err)
	}
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if err := ipv4.NewConn(from).SetTOS(2); err != nil {
		t.Fatal(err)
	}
	sendJoined(t, from, to.LocalAddr(), make([]byte, 3000), 1000)
	_, messages := read(t, to, 3, 8)
	for i, m := range messages {
		header, body, rest, err := unix.ParseOneSocketControlMessage(m.OOB[:m.NN])
		if err != nil || header.Level != unix.IPPROTO_IP || header.Type != unix.IP_TOS || body[0] != 2 || len(rest) != 0 {
			t.Errorf("packet %d: %+v %v %v, %d more bytes", i, header, body, err, len(rest))
		}
	}
}

func TestAClosedSocketEndsReading(t *testing.T) {
	to := listen(t)
	ended := make(chan error, 1)
	go func() {
		_, err := to.ReadBatch([]ipv4.Message{{Buffers: [][]byte{make([]byte, 1452)}, OOB: make([]byte, 128)}}, 0)
		ended <- err
	}()
	to.Close()
	if err := <-ended; err == nil {
		t.Error("nothing was read, and no error came")
	}
}
