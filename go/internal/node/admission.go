package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// perAddress is how many connections peers may make from one public address, a home's /56 of IPv6 being one. It is libp2p's own number,
	// as are those that follow: how many homes' worth a /48 may have, and how fast connections may come from one address.
	perAddress  = 8
	homesOfSite = 8
	pace        = 0.2
	// friendSlack is how many more may begin where a friend was, to see whether it is the friend.
	friendSlack = 4
)

var (
	errCrowded = errors.New("as many connections come from there as one address may make")
	errFull    = errors.New("as many connections come to this node as it takes")
)

// admission is the resource manager with bounds on what comes from one address. Only what peers dial counts: where this node dials, it has
// decided so. libp2p's own bounds count both, and take what comes through a relay for what comes from it.
type admission struct {
	network.ResourceManager
	// perAddress is the bound of a public address, perNeighbour that of one on this machine or a local network, which many peers may share,
	// and inAll that of all of them.
	perAddress, perNeighbour, inAll int
	// arriving bounds how fast connections come, unverified how fast before QUIC makes sure of where they come from.
	arriving, unverified *rate.Limiter
	friends              *friends
	// refused hears where a connection was refused for want of room: of that address when crowded, else of the node.
	refused func(from netip.Addr, crowded bool)

	mu     sync.Mutex
	counts map[netip.Prefix]int
}

func newAdmission(inner network.ResourceManager, perAddress, perNeighbour, inAll int) *admission {
	return &admission{
		ResourceManager: inner, perAddress: perAddress, perNeighbour: perNeighbour, inAll: inAll,
		arriving: newPace(pace, 2*perAddress), unverified: newPace(pace/2, perAddress/2), counts: map[netip.Prefix]int{},
	}
}

func newPace(perSecond float64, burst int) *rate.Limiter {
	one := rate.Limit{RPS: perSecond, Burst: burst}
	return &rate.Limiter{SubnetRateLimiter: rate.SubnetLimiter{
		IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: one}},
		IPv6SubnetLimits: []rate.SubnetLimit{
			{PrefixLength: 56, Limit: one},
			{PrefixLength: 48, Limit: rate.Limit{RPS: homesOfSite * perSecond, Burst: homesOfSite * burst}},
		},
		GracePeriod: time.Minute,
	}}
}

// OpenConnection is asked before a connection is made or taken.
func (a *admission) OpenConnection(dir network.Direction, usefd bool, endpoint ma.Multiaddr) (scope network.ConnManagementScope, err error) {
	err = guard.Call("node: admission", func() (err error) {
		scope, err = a.open(dir, usefd, endpoint)
		return err
	})
	return scope, err
}

func (a *admission) open(dir network.Direction, usefd bool, endpoint ma.Multiaddr) (network.ConnManagementScope, error) {
	from, known := addressOf(endpoint)
	if dir == network.DirOutbound || !known || circuit(endpoint) {
		return a.ResourceManager.OpenConnection(dir, usefd, endpoint)
	}
	if !isNeighbour(from) && !a.arriving.Allow(from) {
		return nil, fmt.Errorf("connections come too fast from %s", from)
	}
	crowded, err := a.enter(from)
	if err != nil {
		return nil, a.refuse(from, err)
	}
	inner, err := a.ResourceManager.OpenConnection(dir, usefd, endpoint)
	if err != nil {
		a.leave(from)
		if crowded != nil {
			return nil, a.refuse(from, crowded)
		}
		return nil, err
	}
	return &arrival{ConnManagementScope: inner, admission: a, from: from, crowded: crowded}, nil
}

func (a *admission) refuse(from netip.Addr, full error) error {
	a.refused(from, errors.Is(full, errCrowded))
	return full
}

// enter counts a connection. Where it may stay only if a friend has made it, crowded is the error for everybody else.
func (a *admission) enter(from netip.Addr) (crowded, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	shares := a.shares(from)
	for _, s := range shares {
		if a.counts[s.prefix] < s.bound {
			continue
		}
		if a.counts[s.prefix] >= s.bound+friendSlack || !a.friends.anyAt(from) {
			return nil, s.full
		}
		crowded = s.full
	}
	for _, s := range shares {
		a.counts[s.prefix]++
	}
	return crowded, nil
}

func (a *admission) leave(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.shares(from) {
		if a.counts[s.prefix]--; a.counts[s.prefix] == 0 {
			delete(a.counts, s.prefix)
		}
	}
}

// share is a range of addresses, how many connections may come from it, and the error for the next one.
type share struct {
	prefix netip.Prefix
	bound  int
	full   error
}

func (a *admission) shares(from netip.Addr) []share {
	all := share{netip.Prefix{}, a.inAll, errFull}
	whole := netip.PrefixFrom(from, from.BitLen())
	if isNeighbour(from) {
		return []share{{whole, a.perNeighbour, errCrowded}, all}
	}
	if from.Is4() {
		return []share{{whole, a.perAddress, errCrowded}, all}
	}
	home, _ := from.Prefix(56)
	site, _ := from.Prefix(48)
	return []share{{home, a.perAddress, errCrowded}, {site, homesOfSite * a.perAddress, errCrowded}, all}
}

// VerifySourceAddress is asked by QUIC at the first packet of a connection.
func (a *admission) VerifySourceAddress(addr net.Addr) (verify bool) {
	verify = true
	guard.Do("node: admission", func() {
		if from, err := netip.ParseAddrPort(addr.String()); err == nil {
			ip := from.Addr().Unmap().WithZone("")
			verify = !ip.IsLoopback() && !a.unverified.Allow(ip)
		}
	})
	return verify
}

// arrival is a connection that a peer has made.
type arrival struct {
	network.ConnManagementScope
	admission *admission
	from      netip.Addr
	// crowded is the error for whoever is not a friend, nil where everybody is taken.
	crowded error
	once    sync.Once
}

// SetPeer is called when it is known who has made it.
func (c *arrival) SetPeer(p peer.ID) error {
	return guard.Call("node: admission", func() error {
		if c.crowded != nil && !c.admission.friends.includes(p) {
			return c.admission.refuse(c.from, c.crowded)
		}
		return c.ConnManagementScope.SetPeer(p)
	})
}

// Done ends it.
func (c *arrival) Done() {
	c.once.Do(func() { guard.Do("node: admission", func() { c.admission.leave(c.from) }) })
	c.ConnManagementScope.Done()
}

// addressOf is the IP address in a multiaddr.
func addressOf(addr ma.Multiaddr) (netip.Addr, bool) {
	ip, err := manet.ToIP(addr)
	if err != nil {
		return netip.Addr{}, false
	}
	parsed, ok := netip.AddrFromSlice(ip)
	return parsed.Unmap(), ok
}

// isNeighbour: many peers can share such an address, and who floods a node from there is found.
func isNeighbour(ip netip.Addr) bool {
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}
