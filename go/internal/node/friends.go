package node

import (
	"container/list"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// maxFriends, maxFriendAddrs and maxFriendBytes bound what is kept: peers, addresses of one, and bytes of addresses of all.
	maxFriends     = 1024
	maxFriendAddrs = 16
	maxFriendBytes = 1 << 20
	// friendship keeps the connection manager from closing a friend's connections.
	friendship = "friend"
	// departure is how long a friend counts as gone when its last connection has ended.
	departure = 10 * time.Second
	// shortPatience bounds a dial of a friend that is gone, unless its connections are so slow that a new one takes slowness times the time
	// that it took to hear who it is.
	shortPatience = time.Second
	slowness      = 8
	// identifiedIn is the entry of the peerstore with that time, which goes when libp2p forgets the peer.
	identifiedIn = "unaiverse/identified-in"
)

// friends are the peers that the program has named, connected to or sent something to. What connectTo was given for them is kept for as long
// as the node lives, where libp2p forgets a peer 15 minutes after its connection has ended, and their connections are the last to go.
type friends struct {
	connections connmgr.ConnManager
	book        *book

	mu    sync.Mutex
	known map[peer.ID]*list.Element
	// recent holds all of them, the one that was met last first.
	recent *list.List
	bytes  int
}

type friend struct {
	id    peer.ID
	addrs []ma.Multiaddr
	// at is where it was last connected from.
	at netip.Addr
	// took is how long it took to hear who it is on a connection, the last time.
	took time.Duration
	// left is when its last connection ended, unless this node ended it.
	left time.Time
}

func newFriends(connections connmgr.ConnManager, book *book) *friends {
	return &friends{connections: connections, book: book, known: map[peer.ID]*list.Element{}, recent: list.New()}
}

// meet makes a peer a friend, or notes more addresses of one. The friend who was not met for the longest makes room.
func (f *friends) meet(p peer.ID, addrs []ma.Multiaddr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	element := f.known[p]
	if element == nil {
		element = f.recent.PushFront(&friend{id: p})
		f.known[p] = element
		f.connections.Protect(p, friendship)
	}
	f.recent.MoveToFront(element)
	met := element.Value.(*friend)
	met.left = time.Time{}
	f.keepLocked(met, addrs)
	for f.recent.Len() > maxFriends || f.bytes > maxFriendBytes {
		f.forgetLocked(f.recent.Back())
	}
}

// keepLocked notes addresses in front of those that were given before.
func (f *friends) keepLocked(met *friend, addrs []ma.Multiaddr) {
	if len(addrs) == 0 {
		return
	}
	f.bytes -= size(met.addrs)
	kept := slices.Clone(addrs)
	for _, addr := range met.addrs {
		if !slices.ContainsFunc(kept, addr.Equal) {
			kept = append(kept, addr)
		}
	}
	if len(kept) > maxFriendAddrs {
		f.book.SetAddrs(met.id, kept[maxFriendAddrs:], peerstore.RecentlyConnectedAddrTTL)
		kept = kept[:maxFriendAddrs]
	}
	met.addrs = kept
	f.bytes += size(kept)
	f.book.AddAddrs(met.id, kept, peerstore.PermanentAddrTTL)
}

func (f *friends) forgetLocked(element *list.Element) {
	last := f.recent.Remove(element).(*friend)
	delete(f.known, last.id)
	f.bytes -= size(last.addrs)
	f.connections.Unprotect(last.id, friendship)
	f.book.SetAddrs(last.id, last.addrs, peerstore.RecentlyConnectedAddrTTL)
}

func size(addrs []ma.Multiaddr) (bytes int) {
	for _, addr := range addrs {
		bytes += len(addr.Bytes())
	}
	return bytes
}

func (f *friends) change(p peer.ID, fn func(*friend)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if element := f.known[p]; element != nil {
		fn(element.Value.(*friend))
	}
}

// identified notes how fast a new connection is, of a friend or of one who may become it.
func (f *friends) identified(conn network.Conn) {
	_ = f.book.Put(conn.RemotePeer(), identifiedIn, time.Since(conn.Stat().Opened))
	f.seen(conn)
}

// seen notes where a friend is.
func (f *friends) seen(conn network.Conn) {
	if at, known := addressOf(conn.RemoteMultiaddr()); known && !circuit(conn.RemoteMultiaddr()) {
		f.change(conn.RemotePeer(), func(met *friend) { met.at = at })
	}
}

// departed notes that the last connection with a peer has ended.
func (f *friends) departed(p peer.ID) {
	f.change(p, func(met *friend) {
		met.left = time.Now()
		if took, err := f.book.Get(p, identifiedIn); err == nil {
			met.took, _ = took.(time.Duration)
		}
	})
}

// patience is how long to dial a friend whose last connection has just ended: long enough for one who is still there.
func (f *friends) patience(p peer.ID) (patience time.Duration, gone bool) {
	f.change(p, func(met *friend) {
		gone = time.Since(met.left) < departure && met.took > 0
		patience = max(shortPatience, slowness*met.took)
	})
	return patience, gone
}

func (f *friends) includes(p peer.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[p] != nil
}

// anyAt says whether a friend was last seen at an IP address.
func (f *friends) anyAt(at netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for element := f.recent.Front(); element != nil; element = element.Next() {
		if element.Value.(*friend).at == at {
			return true
		}
	}
	return false
}
