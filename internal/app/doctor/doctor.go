// Package doctor examines a machine before or while Heartline runs on it:
// data folder, disk, clock, ports, certificate, database, keys, trunks. Each
// finding says what to do. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Verdict of one check.
type Verdict string

// Good needs nothing, Warn should be looked at, Bad keeps Heartline from
// working.
const (
	Good Verdict = "ok"
	Warn Verdict = "warn"
	Bad  Verdict = "bad"
)

// Finding is what one check saw and what to do about it.
type Finding struct {
	Check   string
	Verdict Verdict
	Saw     string
	Advice  string // "" when Verdict is Good
}

// Check looks at one thing.
type Check struct {
	Name string
	Run  func(ctx context.Context) Finding
}

const perCheck = 10 * time.Second

// Examine runs the checks in order and writes each finding as it comes. It
// returns the number of findings that keep Heartline from working.
func Examine(ctx context.Context, out io.Writer, checks []Check) (bad int) {
	for _, c := range checks {
		f := run(ctx, c)
		if f.Verdict == Bad {
			bad++
		}
		fmt.Fprintf(out, "%-5s %-12s %s\n", mark(f.Verdict), c.Name, f.Saw)
		if f.Advice != "" {
			fmt.Fprintf(out, "%19s→ %s\n", "", f.Advice)
		}
	}
	return bad
}

func run(ctx context.Context, c Check) Finding {
	ctx, cancel := context.WithTimeout(ctx, perCheck)
	defer cancel()
	f := c.Run(ctx)
	f.Check = c.Name
	return f
}

func mark(v Verdict) string {
	switch v {
	case Good:
		return "✓ ok"
	case Warn:
		return "! warn"
	default:
		return "✗ BAD"
	}
}

func good(format string, args ...any) Finding {
	return Finding{Verdict: Good, Saw: fmt.Sprintf(format, args...)}
}

func warn(advice, format string, args ...any) Finding {
	return Finding{Verdict: Warn, Saw: fmt.Sprintf(format, args...), Advice: advice}
}

func bad(advice, format string, args ...any) Finding {
	return Finding{Verdict: Bad, Saw: fmt.Sprintf(format, args...), Advice: advice}
}
