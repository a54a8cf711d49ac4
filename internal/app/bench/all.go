package bench

import (
	"context"
	"fmt"
	"time"
)

// All runs every bench that has a limit, one after another, and prints one
// table of what was measured against what is asked. A bench that fails is
// named and does not stop the others.
func All(ctx context.Context, o Options) error {
	o.Results = &Results{}
	failed := 0
	for _, b := range []struct {
		name    string
		run     func(context.Context, Options) error
		rate    float64
		calls   int
		seconds int
	}{
		{name: "calls", run: Calls, rate: 400, seconds: 20},
		{name: "media", run: Media, calls: 100, seconds: 20},
		{name: "memory", run: Memory, calls: 300, seconds: 2},
		{name: "queue", run: Queue, rate: 50, calls: 60, seconds: 20},
		{name: "booking", run: Booking, seconds: 10},
		{name: "people", run: People, calls: 400},
	} {
		one := o
		one.Rate, one.Calls, one.Length = b.rate, b.calls, time.Duration(b.seconds)*time.Second
		if err := b.run(ctx, one); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failed++
			fmt.Fprintf(o.Out, "%s failed: %v\n", b.name, err)
		}
	}
	o.Results.Print(o.Out)
	if failed > 0 {
		return fmt.Errorf("%d benches failed", failed)
	}
	return nil
}
