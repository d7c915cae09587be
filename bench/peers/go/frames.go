package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const protocolID = "/unaiverse/chat/1.0.0"

// The first byte of a payload; the last message carries how many were measured.
const (
	warm = iota
	measured
	last
)

func appendFrame(to []byte, channel string, payload []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(1+len(channel)+len(payload)))
	to = append(to, byte(len(channel)))
	to = append(to, channel...)
	return append(to, payload...)
}

// readFrames hands over views into its own buffer, which is the fastest that a Go program can be given them.
func readFrames(str network.Stream, handle func(channel string, payload []byte)) {
	reader := bufio.NewReaderSize(str, 256<<10)
	var channel string
	var large []byte
	for {
		head, err := reader.Peek(4)
		if err != nil {
			return
		}
		size := 4 + int(binary.BigEndian.Uint32(head))
		var frame []byte
		if size <= reader.Size() {
			frame, err = reader.Peek(size)
		} else {
			if cap(large) < size {
				large = make([]byte, size)
			}
			frame = large[:size]
			_, err = io.ReadFull(reader, frame)
		}
		if err != nil {
			return
		}
		length := int(frame[4])
		if name := frame[5 : 5+length]; string(name) != channel {
			channel = string(name)
		}
		handle(channel, frame[5+length:])
		if size <= reader.Size() {
			_, _ = reader.Discard(size)
		}
	}
}

// tally counts what senders send, from the first measured message to the last.
type tally struct {
	mu       sync.Mutex
	began    time.Time
	cpu      float64
	messages int
	sent     int
	bytes    int
	senders  int
	done     chan map[string]any
}

func (t *tally) take(payload []byte) {
	switch payload[0] {
	case measured:
		if t.messages == 0 {
			t.began, t.cpu = time.Now(), cpu()
		}
		t.messages++
		t.bytes += len(payload)
	case last:
		t.sent += int(binary.LittleEndian.Uint32(payload[1:]))
		if t.senders--; t.senders == 0 {
			seconds := time.Since(t.began).Seconds()
			t.done <- map[string]any{"messages": t.messages, "bytes": t.bytes, "lost": t.sent - t.messages, "seconds": seconds, "cpu": cpu() - t.cpu}
		}
	}
}

func receiveFrames(w work) any {
	h := newHost(w)
	t := &tally{senders: max(1, w.Nodes), done: make(chan map[string]any, 1)}
	h.SetStreamHandler(protocolID, func(str network.Stream) {
		if t.senders == 1 {
			readFrames(str, func(_ string, payload []byte) { t.take(payload) })
			return
		}
		readFrames(str, func(_ string, payload []byte) {
			t.mu.Lock()
			t.take(payload)
			t.mu.Unlock()
		})
	})
	tell(h)
	return <-t.done
}

func connect(h host.Host, to peer.AddrInfo) (network.Stream, string) {
	check(h.Connect(context.Background(), to))
	str, err := h.NewStream(context.Background(), to.ID, protocolID)
	check(err)
	return str, h.ID().String() + "::dm:" + to.ID.String() + "-bench"
}

// sender writes each frame by itself, or gathers frames into writes of 64 KiB.
func sender(h host.Host, w work) (send func(payload []byte), flush func()) {
	str, channel := connect(h, target(w))
	if w.Gather {
		buffer := bufio.NewWriterSize(str, 64<<10)
		var frame []byte
		return func(payload []byte) {
			frame = appendFrame(frame[:0], channel, payload)
			_, err := buffer.Write(frame)
			check(err)
		}, func() { check(buffer.Flush()) }
	}
	var frame []byte
	return func(payload []byte) {
		frame = appendFrame(frame[:0], channel, payload)
		_, err := str.Write(frame)
		check(err)
	}, func() {}
}

func sendFrames(w work) any {
	hosts := max(1, w.Nodes)
	var ready, group sync.WaitGroup
	ready.Add(hosts)
	group.Add(hosts)
	var began float64
	var once sync.Once
	results := make([]int, hosts)
	for i := range hosts {
		go func() {
			defer group.Done()
			send, flush := sender(newHost(w), w)
			ready.Done()
			ready.Wait()
			payload := make([]byte, w.Size)
			rounds := max(1, (64<<10)/w.Size)
			until(w.WarmMs, rounds, func() { send(payload) })
			flush()
			once.Do(func() { began = cpu() })
			payload[0] = measured
			results[i] = until(w.Ms, rounds, func() { send(payload) })
			payload[0] = last
			binary.LittleEndian.PutUint32(payload[1:], uint32(results[i]))
			send(payload)
			flush()
		}()
	}
	group.Wait()
	sent := 0
	for _, n := range results {
		sent += n
	}
	return map[string]any{"sent": sent, "cpu": cpu() - began}
}

// until repeats do for some milliseconds, looking at the clock once in as many rounds, and says how often.
func until(ms, rounds int, do func()) (count int) {
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for time.Now().Before(end) {
		for range rounds {
			do()
		}
		count += rounds
	}
	return count
}

func receivePings(w work) any {
	h := newHost(w)
	h.SetStreamHandler(protocolID, func(str network.Stream) {
		var frame []byte
		readFrames(str, func(channel string, payload []byte) {
			frame = appendFrame(frame[:0], channel, payload)
			_, _ = str.Write(frame)
		})
	})
	tell(h)
	return nil
}

func sendPings(w work) any {
	h := newHost(w)
	str, channel := connect(h, target(w))
	back := make(chan struct{})
	frame := appendFrame(nil, channel, make([]byte, w.Size))
	times := make([]time.Duration, 0, w.Count)
	var began time.Time
	var used float64
	// The goroutine that reads an answer sends the next ping, as js-libp2p and the module do: what is measured is the path.
	ping := func() {
		began = time.Now()
		_, err := str.Write(frame)
		check(err)
	}
	skip := w.Count / 10
	go readFrames(str, func(string, []byte) {
		took := time.Since(began)
		if skip > 0 {
			skip--
		} else {
			times = append(times, took)
		}
		if len(times) == w.Count {
			close(back)
			return
		}
		if used == 0 && skip == 0 {
			used = cpu()
			sampled = time.Now()
		}
		if w.EveryMs > 0 {
			time.AfterFunc(time.Duration(w.EveryMs)*time.Millisecond, ping)
		} else {
			ping()
		}
	})
	ping()
	<-back
	result := percentiles(times)
	result["cores"] = (cpu() - used) / time.Since(sampled).Seconds()
	runtime.KeepAlive(h)
	return result
}

var sampled time.Time

func dial(w work) any {
	h := newHost(w)
	to := target(w)
	var times []time.Duration
	for i := range w.Count + w.Count/10 {
		began := time.Now()
		check(h.Connect(context.Background(), to))
		check(h.Network().ClosePeer(to.ID))
		if i >= w.Count/10 {
			times = append(times, time.Since(began))
		}
	}
	return percentiles(times)
}
