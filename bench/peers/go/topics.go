package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
)

// newPubSub is go-libp2p-pubsub as it comes, or with larger queues: its own hold 32 messages and drop what goes beyond.
func newPubSub(h host.Host, w work) *pubsub.PubSub {
	var options []pubsub.Option
	if w.Queues > 0 {
		options = append(options, pubsub.WithPeerOutboundQueueSize(w.Queues), pubsub.WithValidateQueueSize(w.Queues))
	}
	options = append(options, pubsub.WithMaxMessageSize(8<<20))
	ps, err := pubsub.NewGossipSub(context.Background(), h, options...)
	check(err)
	return ps
}

func join(ps *pubsub.PubSub, name string, w work) (*pubsub.Topic, *pubsub.Subscription) {
	topic, err := ps.Join(name)
	check(err)
	size := 32
	if w.Queues > 0 {
		size = w.Queues
	}
	subscription, err := topic.Subscribe(pubsub.WithBufferSize(size))
	check(err)
	return topic, subscription
}

func topicName(i int) string { return fmt.Sprintf("bench-%d", i) }

// waitFor returns when a topic has as many other subscribers.
func waitFor(topic *pubsub.Topic, peers int) {
	for len(topic.ListPeers()) < peers {
		time.Sleep(10 * time.Millisecond)
	}
	// A heartbeat later they are in the mesh.
	time.Sleep(1500 * time.Millisecond)
}

func subscribe(w work) any {
	h := newHost(w)
	ps := newPubSub(h, w)
	t := &tally{senders: 1, done: make(chan map[string]any, 1)}
	var mu sync.Mutex
	for i := range max(1, w.Topics) {
		_, subscription := join(ps, topicName(i), w)
		go func() {
			for {
				message, err := subscription.Next(context.Background())
				if err != nil {
					return
				}
				mu.Lock()
				t.take(message.Data)
				mu.Unlock()
			}
		}()
	}
	tell(h)
	return <-t.done
}

func publish(w work) any {
	h := newHost(w)
	ps := newPubSub(h, w)
	topics := make([]*pubsub.Topic, max(1, w.Topics))
	for i := range topics {
		topics[i], _ = join(ps, topicName(i), w)
	}
	check(h.Connect(context.Background(), target(w)))
	waitFor(topics[len(topics)-1], 1)
	next := 0
	send := func(payload []byte) {
		check(topics[next].Publish(context.Background(), payload))
		next = (next + 1) % len(topics)
	}
	payload := make([]byte, w.Size)
	began := cpu()
	payload[0] = measured
	sent := until(w.Ms, 16, func() { send(payload) })
	used := cpu() - began
	payload[0] = last
	binary.LittleEndian.PutUint32(payload[1:], uint32(sent))
	// With the queues as they come the last message may be lost too, so it follows when they are empty.
	time.Sleep(time.Second)
	send(payload)
	return map[string]any{"sent": sent, "cpu": used}
}

// mesh lets one of several nodes of this process publish to the others.
func mesh(w work) any {
	hosts := make([]host.Host, w.Nodes)
	topics := make([]*pubsub.Topic, w.Nodes)
	var mu sync.Mutex
	var times []time.Duration
	var arrived atomic.Int64
	started := time.Now()
	for i := range hosts {
		hosts[i] = newHost(w)
		topic, subscription := join(newPubSub(hosts[i], w), topicName(0), w)
		topics[i] = topic
		for _, other := range hosts[:i] {
			check(hosts[i].Connect(context.Background(), *host.InfoFromHost(other)))
		}
		if i == 0 {
			continue
		}
		go func() {
			for {
				message, err := subscription.Next(context.Background())
				if err != nil {
					return
				}
				took := time.Since(started) - time.Duration(binary.LittleEndian.Uint64(message.Data))
				mu.Lock()
				times = append(times, took)
				mu.Unlock()
				arrived.Store(int64(time.Since(started)))
			}
		}()
	}
	waitFor(topics[0], w.Nodes-1)
	var payload []byte
	began := time.Now()
	arrived.Store(int64(began.Sub(started)))
	for i := range w.Count {
		if w.EveryMs > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i*w.EveryMs) * time.Millisecond)))
		}
		payload = make([]byte, w.Size) // the router keeps the one before
		binary.LittleEndian.PutUint64(payload, uint64(time.Since(started)))
		check(topics[0].Publish(context.Background(), payload))
	}
	expected := w.Count * (w.Nodes - 1)
	for quiet := time.Duration(0); quiet < 2*time.Second; quiet = time.Since(started) - time.Duration(arrived.Load()) {
		time.Sleep(50 * time.Millisecond)
		mu.Lock()
		all := len(times) == expected
		mu.Unlock()
		if all {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	seconds := (time.Duration(arrived.Load()) - began.Sub(started)).Seconds()
	result := percentiles(times)
	result["delivered"] = float64(len(times)) / float64(expected)
	result["seconds"] = seconds
	return result
}
