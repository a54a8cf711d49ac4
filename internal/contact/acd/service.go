package acd

// Switch is implemented by call control. Its methods are called from the
// service's own goroutine, in order, and must not block; they may Post.
type Switch interface {
	Offer(o Offer)                    // ring the agent
	CancelOffer(id, reason string)    // stop ringing
	Announce(call string, a Announce) // say position and estimate
	Overflow(o Overflow)              // the call moved, or call control must decide
	NoAgents(n NoAgents)              // nobody able is signed in; call control must decide
}
