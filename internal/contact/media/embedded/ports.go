package embedded

import (
	"math/rand/v2"
	"net/netip"
	"sync"

	"heartline/internal/platform/errs"
)

// ports hands out even/odd pairs of UDP ports for RTP and RTCP.
type ports struct {
	net   network
	ip    netip.Addr
	min   int
	pairs int
	mu    sync.Mutex
	next  int
	used  []bool
	free  int
}

func newPorts(n network, ip netip.Addr, lo, hi int) *ports {
	lo += lo & 1
	pairs := max(0, (hi-lo+1)/2)
	p := &ports{net: n, ip: ip, min: lo, pairs: pairs, used: make([]bool, pairs), free: pairs}
	if pairs > 0 {
		p.next = rand.IntN(pairs)
	}
	return p
}

// take binds the next free pair. Ports that something else on the machine
// holds are passed over.
func (p *ports) take() (rtp, rtcp socket, port int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.pairs {
		i := p.next
		p.next = (p.next + 1) % p.pairs
		if p.used[i] {
			continue
		}
		port = p.min + 2*i
		if rtp, err = p.listen(port); err != nil {
			continue
		}
		if rtcp, err = p.listen(port + 1); err != nil {
			rtp.close()
			continue
		}
		p.used[i] = true
		p.free--
		return rtp, rtcp, port, nil
	}
	return nil, nil, 0, errs.Wrap(errs.Unavailable, "media.ports_exhausted", err0(err))
}

// err0 gives a cause to the error of a range that was full without a bind.
func err0(err error) error {
	if err == nil {
		return errs.New(errs.Unavailable, "media.ports_in_use")
	}
	return err
}

func (p *ports) listen(port int) (socket, error) {
	return p.net.listen(netip.AddrPortFrom(p.ip, uint16(port)))
}

func (p *ports) give(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := (port - p.min) / 2; i >= 0 && i < p.pairs && p.used[i] {
		p.used[i] = false
		p.free++
	}
}

func (p *ports) available() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.free
}
