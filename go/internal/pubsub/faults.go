package pubsub

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxFaults is how many badly signed messages a peer may pass on in a minute or two. One that checks what it passes on, as routers do,
	// passes on none.
	maxFaults = 32
	// faultBytes of payload weigh as much as another message.
	faultBytes = 64 << 10
	// faultPeriod is how long faults count at least; they count twice as long at most.
	faultPeriod = time.Minute
	// maxFaulty is how many peers are remembered for a period.
	maxFaulty = 8192
)

// faults counts what peers pass on that is badly signed. A peer with too many is not listened to until they are forgotten.
type faults struct {
	mu sync.Mutex
	// current are those of the period that began then, earlier those of the one before.
	current, earlier map[peer.ID]int
	began            time.Time
}

func newFaults() *faults {
	return &faults{current: map[peer.ID]int{}, earlier: map[peer.ID]int{}, began: time.Now()}
}

// add counts a message; cut is true for the one that is too much.
func (f *faults) add(p peer.ID, bytes int) (cut bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn()
	before := f.current[p] + f.earlier[p]
	if before >= maxFaults {
		return false
	}
	weight := 1 + bytes/faultBytes
	f.current[p] += weight
	return before+weight >= maxFaults
}

// cut says whether a peer is not listened to.
func (f *faults) cut(p peer.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn()
	return f.current[p]+f.earlier[p] >= maxFaults
}

func (f *faults) turn() {
	passed := time.Since(f.began)
	if passed < faultPeriod && len(f.current) < maxFaulty {
		return
	}
	f.earlier = f.current
	if passed >= 2*faultPeriod {
		f.earlier = map[peer.ID]int{}
	}
	f.current = map[peer.ID]int{}
	f.began = time.Now()
}
