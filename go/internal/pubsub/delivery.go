package pubsub

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// firstPause and lastPause are how long a broken stream is left before another is opened.
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
	// steady is how long a stream has to live for the pauses, and the warnings, to begin anew.
	steady = 30 * time.Second
	// openTimeout bounds the opening of a stream.
	openTimeout = 10 * time.Second
	// firstOpenTimeout is how long the router waits for it; what it has to send meanwhile is not bounded in bytes.
	firstOpenTimeout = 500 * time.Millisecond
)

// run keeps a stream open; str is the first one, nil when it could not be opened yet.
func (o *outbound) run(str network.Stream) {
	defer o.die()
	pause, warned := firstPause, false
	for {
		broken := func() bool { return false }
		var finished bool
		var err error
		if str != nil {
			began, conn := time.Now(), str.Conn()
			if finished, err = o.serve(str); finished {
				return
			}
			if time.Since(began) > steady {
				pause, warned = firstPause, false
			}
			broken = func() bool { return !conn.IsClosed() }
		}
		select {
		case <-time.After(pause):
		case <-o.ctx.Done():
			return
		}
		pause = min(2*pause, lastPause)
		if !o.streams.connected(o.peer) {
			return
		}
		if str = o.open(); str == nil {
			continue
		}
		o.announce()
		if broken() && !warned {
			warned = true
			o.streams.events.Warn(streamBroken, "the topic stream to "+o.peer.String()+" broke and was opened again: "+err.Error())
		}
	}
}

func (o *outbound) open() network.Stream {
	ctx, cancel := context.WithTimeout(o.ctx, openTimeout)
	defer cancel()
	str, err := o.streams.host.NewStream(network.WithNoDial(ctx, "pubsub"), o.peer, o.protocol)
	if err != nil {
		return nil
	}
	return str
}

// serve writes what waits until the stream breaks, or all is written and read that there was to be written.
func (o *outbound) serve(str network.Stream) (finished bool, err error) {
	gone := make(chan struct{})
	var ended error
	guard.Go("pubsub: stream", func() {
		defer close(gone)
		// A peer writes nothing here: it ends its half when it has read the end of ours, or resets the stream.
		if _, ended = str.Read(make([]byte, 1)); ended == nil {
			ended = errMalformed
		}
		_ = str.Reset()
	})
	stop := context.AfterFunc(o.ctx, func() { _ = str.Reset() })
	defer stop()
	o.use(str)
	err = o.pump(str, gone)
	if err == nil {
		<-gone
		finished = errors.Is(ended, io.EOF)
	}
	_ = str.Reset()
	<-gone
	if err == nil || errors.Is(err, errGone) {
		err = ended
	}
	lost := o.queue.unconfirmed()
	if !finished && !o.streams.left(o.peer) {
		o.streams.drops.count(drop{reason: unconfirmed, peer: o.peer, upTo: true}, lost)
	}
	return finished, err
}

func (o *outbound) use(str network.Stream) {
	o.mu.Lock()
	o.current = str
	o.mu.Unlock()
}

// pump returns nil when the last was written and the stream's half is closed.
func (o *outbound) pump(str network.Stream, gone <-chan struct{}) error {
	for {
		batch := o.queue.take()
		if len(batch) > 0 {
			if _, err := str.Write(batch); err != nil {
				o.queue.failed()
				return err
			}
			o.queue.written()
			continue
		}
		if o.last() {
			return str.CloseWrite()
		}
		select {
		case <-o.queue.ready:
		case <-gone:
			return errGone
		case <-o.ctx.Done():
			return o.ctx.Err()
		}
	}
}

func (o *outbound) die() {
	o.cancel()
	o.queue.close()
	o.streams.ended(o)
	close(o.dead)
}
