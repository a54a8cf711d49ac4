package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"heartline/internal/app/bench"
)

func benchCommand(_ *flags) *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure this machine: calls, media, queue; each against a limit or a bare relay"}
	add := func(name, short string, rate float64, calls int, fn func(context.Context, bench.Options) error) {
		var o bench.Options
		var length float64
		sub := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Length, o.Out = time.Duration(length*float64(time.Second)), cmd.OutOrStdout()
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			return fn(cmd.Context(), o)
		}}
		people := 200_000
		if name == "all" {
			people = 1_000_000
		} else {
			sub.Flags().Float64Var(&length, "seconds", 10, "length of the load")
		}
		if rate > 0 {
			sub.Flags().Float64Var(&o.Rate, "rate", rate, "calls a second")
		}
		if name == "calls" {
			sub.Flags().BoolVar(&o.Record, "record", false, "record each call too")
		}
		if name == "people" || name == "all" {
			sub.Flags().IntVar(&o.People, "people", people, "people to generate; 10000000 is the full size on PostgreSQL, 1000000 on SQLite")
			sub.Flags().IntVar(&o.Entries, "entries", 2_000_000, "entries of timelines to generate; 100000000 is the full size")
		}
		if name == "people" {
			sub.Flags().StringVar(&o.Keep, "keep", "", "folder that keeps what was generated, to measure again without filling")
		}
		if name == "booking" || name == "people" || name == "all" {
			sub.Flags().StringVar(&o.Database, "database", "", "sqlite or postgres; both when empty")
			sub.Flags().StringVar(&o.Postgres, "postgres", "", "address of a PostgreSQL database to fill; a private server when empty")
		}
		if calls > 0 {
			sub.Flags().IntVar(&o.Calls, "calls", calls, "calls, agents or questions")
		}
		sub.Flags().StringVar(&o.Profile, "cpu-profile", "", "file for a CPU profile of the program under test")
		cmd.AddCommand(sub)
	}
	add("calls", "Set up calls with authentication and event log", 400, 0, bench.Calls)
	add("media", "Hold bridged, recorded calls", 0, 100, bench.Media)
	add("memory", "What an established, recorded call adds to the idle program", 0, 300, bench.Memory)
	add("queue", "Time from entering a queue until an agent's phone rings", 50, 60, bench.Queue)
	add("pop", "Time to know the caller among a million customers", 50, 1_000_000, bench.Pop)
	add("booking", "Book numbers on both databases, and the storm of seven o'clock", 0, 0, bench.Booking)
	add("people", "Find people by every kind of key, and read timelines, on both databases", 0, 400, bench.People)
	add("all", "All of these, and one table of what was measured against what is asked", 0, 0, bench.All)
	cmd.AddCommand(&cobra.Command{Use: "relay", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return bench.Relay(cmd.InOrStdin(), cmd.OutOrStdout()) }})
	return cmd
}
