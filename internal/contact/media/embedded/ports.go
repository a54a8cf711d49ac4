package embedded

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"heartline/internal/platform/errs"
)

// The rest of a pair of sockets between two calls: late datagrams of the one
// must not reach the other; and how many pairs may rest, so that a storm leaves
// no heap of descriptors behind.
const (
	restFor = 500 * time.Millisecond
	maxRest = 512
)

// ports hands out even/odd pairs of UDP ports for RTP and RTCP. Pairs that come
// back stay bound for a while: opening and closing four sockets per call would
// be most of its system calls.
type ports struct {
	net   network
	ip    netip.Addr
	now   func() time.Time
	min   int
	pairs int
	mu    sync.Mutex
	next  int
	used  []bool // handed out or resting
	free  int
	rest  []pair // oldest first
}

// pair is one bound RTP port with its RTCP port.
type pair struct {
	rtp, rtcp socket
	port      int
	since     time.Time // it rests
}

func newPorts(n network, ip netip.Addr, lo, hi int) *ports {
	lo += lo & 1
	pairs := max(0, (hi-lo+1)/2)
	p := &ports{net: n, ip: ip, now: time.Now, min: lo, pairs: pairs, used: make([]bool, pairs), free: pairs}
	if pairs > 0 {
		p.next = rand.IntN(pairs)
	}
	return p
}

// take gives a pair that has rested, or binds the next free one. Ports that
// something else on the machine holds are passed over.
func (p *ports) take() (pair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rest) > 0 && p.now().Sub(p.rest[0].since) >= restFor {
		return p.wake(), nil
	}
	var err error
	for range p.pairs {
		i := p.next
		p.next = (p.next + 1) % p.pairs
		if p.used[i] {
			continue
		}
		var got pair
		if got, err = p.bind(p.min + 2*i); err != nil {
			continue
		}
		p.used[i] = true
		p.free--
		return got, nil
	}
	if len(p.rest) > 0 {
		return p.wake(), nil
	}
	return pair{}, errs.Wrap(errs.Unavailable, "media.ports_exhausted", err0(err))
}

// wake takes the pair that has rested longest.
func (p *ports) wake() pair {
	got := p.rest[0]
	p.rest = slices.Delete(p.rest, 0, 1)
	p.free--
	return got
}

func (p *ports) bind(port int) (pair, error) {
	rtp, err := p.net.listen(netip.AddrPortFrom(p.ip, uint16(port)))
	if err != nil {
		return pair{}, err
	}
	rtcp, err := p.net.listen(netip.AddrPortFrom(p.ip, uint16(port+1)))
	if err != nil {
		rtp.close()
		return pair{}, err
	}
	return pair{rtp: rtp, rtcp: rtcp, port: port}, nil
}

// give takes a pair back. Nothing is delivered from it any more.
func (p *ports) give(got pair) {
	got.rtp.serve(nil)
	got.rtcp.serve(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	if len(p.rest) < maxRest {
		got.since = p.now()
		p.rest = append(p.rest, got)
		return
	}
	p.drop(got)
}

func (p *ports) drop(got pair) {
	got.rtp.close()
	got.rtcp.close()
	p.used[(got.port-p.min)/2] = false
}

// close ends the pairs that rest.
func (p *ports) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, got := range p.rest {
		p.drop(got)
	}
	p.rest = nil
}

// err0 gives a cause to the error of a range that was full without a bind.
func err0(err error) error {
	if err == nil {
		return errs.New(errs.Unavailable, "media.ports_in_use")
	}
	return err
}

func (p *ports) available() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.free
}
