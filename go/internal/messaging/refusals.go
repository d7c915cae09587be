package messaging

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// refusalsInterval is how long refusals are added up before they are told.
const refusalsInterval = 100 * time.Millisecond

// refusals adds up for a moment what is refused of a peer, so that whoever sends nonsense without end makes no event of each.
type refusals struct {
	tell func(Loss)

	mu    sync.Mutex
	sums  map[refusedOf]Loss
	timer *time.Timer
}

type refusedOf struct {
	peer   peer.ID
	reason string
}

func newRefusals(tell func(Loss)) *refusals { return &refusals{tell: tell, sums: map[refusedOf]Loss{}} }

// add counts what a refusal means for the program.
func (r *refusals) add(p peer.ID, refused *refusal) {
	loss := refused.loss()
	if loss.UpTo && loss.Bytes == 0 {
		return // between two frames
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	of := refusedOf{p, loss.Reason}
	loss.Peer = p
	loss.Messages += r.sums[of].Messages
	loss.Bytes += r.sums[of].Bytes
	r.sums[of] = loss
	if r.timer == nil {
		r.timer = time.AfterFunc(refusalsInterval, func() { guard.Do("messaging: refusals", r.flush) })
	}
}

// flush tells what was not told yet.
func (r *refusals) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	for _, loss := range r.sums {
		r.tell(loss)
	}
	clear(r.sums)
}
