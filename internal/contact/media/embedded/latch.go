package embedded

import "net/netip"

// latch decides which source is the peer: symmetric RTP for phones behind NAT,
// closed against injection. The first source wins; during the window after it
// a better one (same host as signalled, or exactly the signalled address) may
// take over; then only the winner is heard, until it has been silent for a
// while. The exactly signalled address may always come back.
type latch struct {
	signalled netip.AddrPort
	current   netip.AddrPort
	rank      int
	until     int64
	lastAt    int64
}

const (
	rankOther = iota
	rankHost
	rankExact
)

func (k *latch) rankOf(src netip.AddrPort) int {
	switch {
	case src == k.signalled:
		return rankExact
	case src.Addr() == k.signalled.Addr():
		return rankHost
	}
	return rankOther
}

// admit reports whether a packet of src counts, and whether src is a new peer.
func (k *latch) admit(src netip.AddrPort, now, window, silence int64) (ok, changed bool) {
	if src == k.current {
		k.lastAt = now
		return true, false
	}
	rank := k.rankOf(src)
	free := !k.current.IsValid() || now-k.lastAt > silence
	if !free && (rank <= k.rank || now > k.until && rank != rankExact) {
		return false, false
	}
	if free {
		k.until = now + window
	}
	k.current, k.rank, k.lastAt = src, rank, now
	return true, true
}

// signal takes a newly negotiated address: another one opens the latch, the
// same one lets a source that is silent already be replaced at once.
func (k *latch) signal(addr netip.AddrPort, now, silence int64) {
	if !addr.IsValid() {
		return
	}
	if addr != k.signalled {
		*k = latch{signalled: addr}
		return
	}
	k.lastAt = min(k.lastAt, now-silence+5e8)
}
