package pubsub

import (
	"context"
	"sync"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxPeerValidating and maxValidating bound the messages of one peer and of all of them whose signatures are to be checked. A peer that
	// sends faster than they are checked is read no faster, and takes no one else's place.
	maxPeerValidating = 2 << 20
	maxValidating     = 32 << 20
	// validationOverhead is what a message costs besides its payload; so the messages in the router are never more than it has room for.
	validationOverhead = maxValidating / queueSize
)

// validation is the messages that the router has been given and not checked yet.
type validation struct {
	ctx context.Context

	mu    sync.Mutex
	freed *sync.Cond
	total int
	// waiting is how many streams wait for room.
	waiting int
	peers   map[peer.ID]*credit
}

// credit is what the messages of one peer cost. Messages carry it through the router.
type credit struct {
	peer    peer.ID
	cost    int
	waiting int
}

func newValidation(ctx context.Context) *validation {
	v := &validation{ctx: ctx, peers: map[peer.ID]*credit{}}
	v.freed = sync.NewCond(&v.mu)
	context.AfterFunc(ctx, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.freed.Broadcast()
	})
	return v
}

func costOf(data int) int { return data + validationOverhead }

func costOfAll(rpc *libp2ppubsub.RPC) (cost int) {
	for _, m := range rpc.GetPublish() {
		cost += costOf(len(m.GetData()))
	}
	return cost
}

// admit returns when there is room for a peer's next messages. Those of a peer that has none there always find it.
func (v *validation) admit(p peer.ID, cost int) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.peers[p]
	if c == nil {
		c = &credit{peer: p}
		v.peers[p] = c
	}
	c.waiting++
	v.waiting++
	for c.cost > 0 && (c.cost+cost > maxPeerValidating || v.total+cost > maxValidating) && v.ctx.Err() == nil {
		v.freed.Wait()
	}
	c.waiting--
	v.waiting--
	c.cost += cost
	v.total += cost
	v.release(c)
	return v.ctx.Err()
}

// of finds the credit that messages of a peer were admitted on.
func (v *validation) of(p peer.ID) *credit {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.peers[p]
}

// settle gives back what was admitted; nothing, when c is nil.
func (v *validation) settle(c *credit, cost int) {
	if c == nil || cost == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	c.cost -= cost
	v.total -= cost
	if c.waiting > 0 && c.cost <= maxPeerValidating/2 || v.waiting > 0 && v.total <= maxValidating/2 {
		v.freed.Broadcast()
	}
	v.release(c)
}

func (v *validation) release(c *credit) {
	if c.cost == 0 && c.waiting == 0 {
		delete(v.peers, c.peer)
	}
}

// checked settles a message that carries a credit; it is called for every message that leaves the router's queue, or found no room in it.
func (v *validation) checked(m *libp2ppubsub.Message) {
	if c, carries := m.ValidatorData.(*credit); carries {
		m.ValidatorData = nil
		v.settle(c, costOf(len(m.GetData())))
	}
}
