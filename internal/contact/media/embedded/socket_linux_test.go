package embedded

import (
	"testing"
	"time"
)

// TestBrokenPollIsUnwell: an engine that hears nothing any more says so, for
// the alarm and for /readyz.
func TestBrokenPollIsUnwell(t *testing.T) {
	e := testEngine(t, nil)
	check(t, e.Health(ctx))
	p := e.net.(*pollNetwork).pollers[0]
	check(t, p.ep.SetReadDeadline(time.Now()))
	p.done.Wait()
	if err := e.Health(ctx); err == nil {
		t.Error("well without hearing")
	}
}
