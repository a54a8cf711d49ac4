package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"

	"heartline/internal/app"
	"heartline/internal/platform/config"
)

func serveCommand(f *flags) *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the contact centre until SIGTERM, then let calls end and stop",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			if profile != "" {
				file, err := os.Create(profile)
				if err != nil {
					return err
				}
				if err := pprof.StartCPUProfile(file); err != nil {
					return err
				}
				defer func() { pprof.StopCPUProfile(); err = errors.Join(err, file.Close()) }()
			}
			a, err := app.Open(cmd.Context(), cfg, logger(cfg), version)
			if err != nil {
				return err
			}
			return a.Serve(cmd.Context(), nil)
		},
	}
	cmd.Flags().StringVar(&profile, "cpu-profile", "", "write a CPU profile of the whole run to this file")
	return cmd
}

func demoCommand(f *flags) *cobra.Command {
	var traffic bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Seed a fictional hospital into an empty data folder and run it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			cfg.Demo = true
			return app.Demo(cmd.Context(), cfg, logger(cfg), app.DemoOptions{Version: version, Traffic: traffic, Out: os.Stdout})
		},
	}
	cmd.Flags().BoolVar(&traffic, "traffic", false, "let simulated callers ring and simulated agents answer")
	return cmd
}

func migrateCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this version's schema",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			if err := app.Migrate(cmd.Context(), cfg); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "the database is up to date")
			return err
		},
	}
}

func configCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print every configuration key with its meaning and present value",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			return config.Print(cmd.OutOrStdout(), cfg)
		},
	}
}

func rebuildCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Derive all call records anew from the event log",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			n, err := app.Rebuild(cmd.Context(), cfg, logger(cfg))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d call records derived from the event log\n", n)
			return err
		},
	}
}
