package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"heartline/internal/app"
)

func backupCommand(f *flags) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "backup --out FILE.tar.gz",
		Short: "Write database, keys, prompts and recordings into one archive, while the program runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			if err := app.Backup(cmd.Context(), cfg, out); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "backup written to %s; it holds the keys, so guard it as you guard them\n", out)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "archive to write")
	cobra.CheckErr(cmd.MarkFlagRequired("out"))
	return cmd
}

func restoreCommand(f *flags) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "restore --from FILE.tar.gz",
		Short: "Unpack a backup into an empty data folder, after checking every hash",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			if err := app.Restore(cmd.Context(), cfg, from); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "restored into %s\n", cfg.DataDir)
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "archive to read")
	cobra.CheckErr(cmd.MarkFlagRequired("from"))
	return cmd
}

func doctorCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Examine ports, disk, clock, certificate, database and trunks, and say what to do",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			if n := app.Doctor(cmd.Context(), cfg, cmd.OutOrStdout()); n > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "\n%d finding(s) keep Heartline from working\n", n)
				return errSaid
			}
			return nil
		},
	}
}
