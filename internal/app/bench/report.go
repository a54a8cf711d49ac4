package bench

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// report prints aligned lines under a headline: what, measured, limit.
type report struct {
	out     io.Writer
	results *Results
	bench   string
}

func (o Options) report(bench, headline string, args ...any) report {
	fmt.Fprintf(o.Out, bench+": "+headline+"\n", args...)
	return report{o.Out, o.Results, bench}
}

func (r report) line(what, measured, limit string) {
	fmt.Fprintf(r.out, "  %-46s %-22s %s\n", what, measured, limit)
}

// most reports what must not be more than a limit.
func (r report) most(what string, value, limit float64, unit string) {
	r.judge(Result{What: what, Value: value, Limit: limit, Unit: unit, OK: value <= limit}, "≤")
}

// least reports what must not be less than a limit.
func (r report) least(what string, value, limit float64, unit string) {
	r.judge(Result{What: what, Value: value, Limit: limit, Unit: unit, OK: value >= limit}, "≥")
}

// within reports a time that must not be more than a limit.
func (r report) within(what string, took, limit time.Duration) {
	r.most(what, ms(took), ms(limit), "ms")
}

func (r report) judge(res Result, sign string) {
	res.Bench, res.Sign = r.bench, sign
	mark := ""
	if !res.OK {
		mark = "  missed"
	}
	r.line(res.What, number(res.Value)+" "+res.Unit, sign+" "+number(res.Limit)+" "+res.Unit+mark)
	if r.results != nil {
		r.results.list = append(r.results.list, res)
	}
}

// number shows three digits that count.
func number(v float64) string {
	digits := 2
	for limit := 10.0; limit <= 100 && v >= limit; limit *= 10 {
		digits--
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// Result is one figure with its limit.
type Result struct {
	Bench, What, Unit, Sign string
	Value, Limit            float64
	OK                      bool
}

// Results collects figures of several benches.
type Results struct{ list []Result }

// Print writes them as one table; the ratio is measured to limit.
func (r *Results) Print(out io.Writer) {
	fmt.Fprintf(out, "\n%-26s %-46s %14s %14s %7s\n", "bench", "what", "measured", "limit", "ratio")
	missed := 0
	for _, l := range r.list {
		ratio, mark := "", ""
		if l.Limit != 0 {
			ratio = fmt.Sprintf("%.2f", l.Value/l.Limit)
		}
		if !l.OK {
			missed++
			mark = "missed"
		}
		fmt.Fprintf(out, "%-26s %-46s %14s %14s %7s %s\n", l.Bench, l.What, number(l.Value)+" "+l.Unit, l.Sign+" "+number(l.Limit)+" "+l.Unit, ratio, mark)
	}
	fmt.Fprintf(out, "%d of %d limits kept\n", len(r.list)-missed, len(r.list))
}
