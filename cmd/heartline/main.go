// Command heartline is the whole contact centre: `heartline serve` runs it,
// the other subcommands look after it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"heartline/internal/platform/config"
)

// version is set by the build.
var version = "dev"

// gcPercent lets the heap grow to four times what is live before it is
// collected: a call lives on a few kilobytes for a minute, so collecting early
// costs CPU on every call and saves little memory. GOGC overrides it.
const gcPercent = 300

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errSaid) {
			fmt.Fprintln(os.Stderr, "heartline:", err)
		}
		os.Exit(1)
	}
}

// errSaid ends a command that has told the user already what is wrong.
var errSaid = errors.New("see above")

// flags are those that every subcommand has.
type flags struct{ config, data, logFormat, logLevel string }

func root() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:           "heartline",
		Short:         "The open hospital contact centre 爱心专线",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.PersistentFlags().StringVar(&f.config, "config", "", "configuration file (default: HEARTLINE_CONFIG, or none)")
	cmd.PersistentFlags().StringVar(&f.data, "data", "", "data folder (default ./var)")
	cmd.PersistentFlags().StringVar(&f.logFormat, "log-format", "", "text or json")
	cmd.PersistentFlags().StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error")
	cmd.AddCommand(serveCommand(&f), demoCommand(&f), migrateCommand(&f), userCommand(&f), backupCommand(&f),
		restoreCommand(&f), doctorCommand(&f), configCommand(&f), benchCommand(&f), rebuildCommand(&f))
	return cmd
}

// load reads the configuration; flags come after file and environment.
func (f *flags) load() (*config.Config, error) {
	cfg, err := config.Load(f.config)
	if err != nil {
		return nil, err
	}
	if f.data != "" {
		cfg.DataDir = f.data
	}
	if f.logFormat != "" {
		cfg.LogFormat = f.logFormat
	}
	if f.logLevel != "" {
		cfg.LogLevel = f.logLevel
	}
	if unknown := config.UnknownVariables(os.Environ()); len(unknown) > 0 {
		return nil, fmt.Errorf("unknown environment variables %s; `heartline config` lists the known ones", strings.Join(unknown, ", "))
	}
	return cfg, nil
}

func logger(cfg *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level()}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
