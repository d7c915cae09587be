package pubsub

const (
	// recentBytes is how much of what was written a peer may not have read: the largest window of a stream, and what lies in buffers below it.
	recentBytes = 24 << 20
	recentStep  = 64 << 10
)

// recent adds up what was written last, in steps, as it is forgotten again.
type recent struct {
	steps []step
	bytes int
	sum   load
}

type step struct {
	bytes int
	load  load
}

func (r *recent) add(bytes int, l load) {
	if last := len(r.steps) - 1; last >= 0 && r.steps[last].bytes < recentStep {
		r.steps[last] = step{r.steps[last].bytes + bytes, r.steps[last].load.plus(l)}
	} else {
		r.steps = append(r.steps, step{bytes, l})
	}
	r.bytes += bytes
	r.sum = r.sum.plus(l)
	for first := r.steps[0]; r.bytes-first.bytes >= recentBytes; first = r.steps[0] {
		r.steps = r.steps[1:]
		r.bytes -= first.bytes
		r.sum = r.sum.minus(first.load)
	}
}
