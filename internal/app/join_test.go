package app

import (
	"testing"

	"heartline/internal/contact/call"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/switchboard"
)

// TestEveryCallHasATitle: on the timeline, also where nobody wrote down what it
// was about and it was in no queue.
func TestEveryCallHasATitle(t *testing.T) {
	for want, rec := range map[string]callrecord.Record{
		"call.outbound":        {Direction: call.Outbound, Outcome: callrecord.Answered},
		"call.outbound_missed": {Direction: call.Outbound, Outcome: callrecord.Missed},
		"call.ivr":             {Direction: call.Inbound, Outcome: callrecord.SelfService},
		"call.inbound":         {Direction: call.Inbound, Outcome: callrecord.Answered},
		"call.internal":        {Direction: call.Internal, Outcome: callrecord.Missed},
	} {
		if got := callTitle(&switchboard.Snapshot{}, rec); got != want {
			t.Errorf("%+v is called %q", rec, got)
		}
	}
}
