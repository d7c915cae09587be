package messaging

import "sync"

const (
	// heldElsewhere is what the two ends of a path hold at most of what was written to it and not taken by the program at the other end: the
	// window of a stream (16 MiB with yamux, 10 MiB with QUIC), and the 4 MiB that a reader of this module lets wait in its mailbox.
	heldElsewhere = 24 << 20
	// tailStep is how exactly a tail is counted. It bounds the number of entries.
	tailStep = 64 << 10
)

// tail counts the messages at the end of what was written to a path, which its peer is not known to have taken: the wire has no
// acknowledgements, but no more than heldElsewhere can be under way.
type tail struct {
	mu   sync.Mutex
	runs []run
	// sum is that of the runs, written all that ever was, in bytes.
	sum     run
	written uint64
}

type run struct{ messages, bytes int }

// add counts frames that were written whole, and bytes that they have.
func (t *tail) add(messages, bytes int) {
	if messages == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written += uint64(bytes)
	t.sum = run{t.sum.messages + messages, t.sum.bytes + bytes}
	if last := len(t.runs) - 1; last >= 0 && t.runs[last].bytes < tailStep {
		t.runs[last] = run{t.runs[last].messages + messages, t.runs[last].bytes + bytes}
	} else {
		t.runs = append(t.runs, run{messages, bytes})
	}
	// The newest may lie, as large as it is, beside what else is held.
	newest := t.runs[len(t.runs)-1].bytes
	for len(t.runs) > 1 && t.sum.bytes-newest-t.runs[0].bytes >= heldElsewhere {
		t.sum = run{t.sum.messages - t.runs[0].messages, t.sum.bytes - t.runs[0].bytes}
		t.runs = t.runs[1:]
	}
}

// take returns what is not known to have been taken, and forgets it.
func (t *tail) take() run {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := t.sum
	t.runs, t.sum = nil, run{}
	return sum
}

// all is how many bytes of whole frames were ever written.
func (t *tail) all() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written
}

func (t *tail) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum.messages == 0
}
