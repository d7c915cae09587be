package node

import (
	"sync"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// advertised is the host's address factory: each part of the node that changes or adds addresses is a step of it.
type advertised struct {
	mu    sync.RWMutex
	steps []func([]ma.Multiaddr) []ma.Multiaddr
}

func (a *advertised) add(step func([]ma.Multiaddr) []ma.Multiaddr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.steps = append(a.steps, step)
}

func (a *advertised) addrs(addrs []ma.Multiaddr) []ma.Multiaddr {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, step := range a.steps {
		guard.Do("node: addresses", func() { addrs = step(addrs) })
	}
	return addrs
}
