package pubsub

import (
	"sync"
	"time"
	"weak"

	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"google.golang.org/protobuf/proto"
)

const (
	// maxHistory bounds the messages that GossipSub keeps for those who missed them, in bytes.
	maxHistory = 16 << 20
	// historySpan is longer than GossipSub keeps any: five heartbeats of a second each.
	historySpan = 6 * time.Second
)

// emptied is what is left of a message that was let go. Its topic is empty, and nobody may ask for that.
var emptied = &pb.Message{}

// history bounds what GossipSub remembers of the last seconds, whatever their number of bytes. It is given copies of messages whose contents
// can be taken away, in the router's loop, where alone they are looked at.
type history struct {
	kept  []keptMessage
	bytes int

	// mu guards the names of messages that were let go, which others must not be told of: those of the last span, and of the one before.
	mu             sync.Mutex
	current, older map[string]struct{}
	began          time.Time
}

type keptMessage struct {
	message weak.Pointer[libp2ppubsub.Message]
	size    int
	at      time.Time
}

func newHistory() *history {
	return &history{current: map[string]struct{}{}, older: map[string]struct{}{}, began: time.Now()}
}

// put notes a message that the router has just kept.
func (h *history) put(m *libp2ppubsub.Message) {
	now := time.Now()
	size := proto.Size(m.Message)
	h.kept = append(h.kept, keptMessage{weak.Make(m), size, now})
	h.bytes += size
	for len(h.kept) > 0 {
		oldest := h.kept[0]
		expired := now.Sub(oldest.at) > historySpan
		if !expired && h.bytes <= maxHistory {
			return
		}
		if m := oldest.message.Value(); m != nil && !expired {
			m.Message = emptied
			h.letGo(m.ID, now)
		}
		h.kept[0] = keptMessage{}
		h.kept = h.kept[1:]
		h.bytes -= oldest.size
	}
}

func (h *history) letGo(id string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.began) > historySpan {
		h.older, h.current, h.began = h.current, map[string]struct{}{}, now
	}
	h.current[id] = struct{}{}
}

// without takes out of an RPC what it says to have and is there no more.
func (h *history) without(encoded []byte) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rpc pb.RPC
	if len(h.current)+len(h.older) == 0 || proto.Unmarshal(encoded, &rpc) != nil || len(rpc.GetControl().GetIhave()) == 0 {
		return encoded
	}
	for _, have := range rpc.Control.Ihave {
		ids := have.MessageIDs[:0]
		for _, id := range have.MessageIDs {
			if !h.gone(id) {
				ids = append(ids, id)
			}
		}
		have.MessageIDs = ids
	}
	rest, err := proto.Marshal(&rpc)
	if err != nil {
		return encoded
	}
	return rest
}

func (h *history) gone(id string) bool {
	if _, gone := h.current[id]; gone {
		return true
	}
	_, gone := h.older[id]
	return gone
}
