package node

import (
	"context"
	"sync"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// directory is the node's place in the DHT: a client that knows the bootstrap peers of the options and nobody else, there to meet peers who
// can tell whether this node is reachable. All methods may be called on nil, which is a node without DHT.
type directory struct {
	*dht.IpfsDHT
	keep    bool
	closing sync.Once
	closed  chan struct{}
}

func newDirectory(h host.Host, o *Options) (*directory, error) {
	if !o.DHTEnabled {
		return nil, nil
	}
	bootstrap, err := peerInfos("bootstrapPeers", o.BootstrapPeers)
	if err != nil {
		return nil, err
	}
	d, err := dht.New(h, dht.Mode(dht.ModeClient), dht.BootstrapPeers(bootstrap...))
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "the DHT could not be started: %w", err)
	}
	return &directory{IpfsDHT: d, keep: o.DHTKeep, closed: make(chan struct{})}, nil
}

func (d *directory) start() {
	if d != nil {
		guard.Go("node: DHT", func() { _ = d.Bootstrap(context.Background()) })
	}
}

// verdict: once the reachability is known, the DHT has done its work unless it is to be kept.
func (d *directory) verdict() {
	if d != nil && !d.keep {
		d.end()
	}
}

func (d *directory) end() {
	d.closing.Do(func() {
		guard.Go("node: DHT", func() {
			defer close(d.closed)
			_ = d.Close()
		})
	})
}

func (d *directory) close() {
	if d != nil {
		d.end()
		<-d.closed
	}
}
