package smpp

import (
	"regexp"
	"strings"
	"sync"
)

// Receipt is what the message centre says about a message that it took.
type Receipt struct {
	ID    string // as submit_sm_resp gave it
	State string // DELIVRD, EXPIRED, DELETED, UNDELIV, ACCEPTD, UNKNOWN, REJECTD, ENROUTE
	Error string // network or operator error, as text
}

// stateNames are the values of message_state (§5.2.28).
func stateNames() []string {
	return []string{"", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"}
}

// receiptText is the usual form of a receipt (appendix B): fields in any
// order, of which some are often missing.
var receiptText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(id|stat|err):([^ ]*)`)
})

// receiptOf reads a delivery receipt. ok is false when p is none.
func receiptOf(p *PDU) (r Receipt, ok bool) {
	if p.Command != DeliverSM || p.Message.ESMClass&esmTypes != esmReceipt {
		return r, false
	}
	for _, f := range receiptText().FindAllStringSubmatch(string(p.Message.Text), -1) {
		switch strings.ToLower(f[1]) {
		case "id":
			r.ID = f[2]
		case "stat":
			r.State = strings.ToUpper(f[2])
		case "err":
			r.Error = f[2]
		}
	}
	if v, ok := p.tlv(tagReceiptedID); ok { // preferred where both are given
		r.ID = strings.TrimRight(string(v), "\x00")
	}
	if n, ok := p.number(tagState); ok && n > 0 && n < len(stateNames()) {
		r.State = stateNames()[n]
	}
	return r, r.ID != ""
}
