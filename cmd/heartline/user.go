package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"heartline/internal/app"
)

func userCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Manage users from the command line"}
	cmd.AddCommand(userAddCommand(f), userPasswordCommand(f))
	return cmd
}

func userAddCommand(f *flags) *cobra.Command {
	var u app.NewUser
	cmd := &cobra.Command{
		Use:   "add --login NAME --role ROLE",
		Short: "Add a user; the password is asked for, or read from standard input",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			if u.Password, err = readPassword(cmd); err != nil {
				return err
			}
			if u.Name == "" {
				u.Name = u.Login
			}
			if err := app.AddUser(cmd.Context(), cfg, logger(cfg), u); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "user %s added\n", u.Login)
			return err
		},
	}
	cmd.Flags().StringVar(&u.Login, "login", "", "name to sign in with")
	cmd.Flags().StringVar(&u.Name, "name", "", "name to show (default: the login)")
	cmd.Flags().StringSliceVar(&u.Roles, "role", nil, "role, may be repeated: admin, supervisor, agent, …")
	cobra.CheckErr(cmd.MarkFlagRequired("login"))
	cobra.CheckErr(cmd.MarkFlagRequired("role"))
	return cmd
}

func userPasswordCommand(f *flags) *cobra.Command {
	var login string
	cmd := &cobra.Command{
		Use:   "password --login NAME",
		Short: "Set a new password, end the user's sessions and second factor",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			password, err := readPassword(cmd)
			if err != nil {
				return err
			}
			if err := app.SetPassword(cmd.Context(), cfg, logger(cfg), login, password); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "password of %s set\n", login)
			return err
		},
	}
	cmd.Flags().StringVar(&login, "login", "", "whose password")
	cobra.CheckErr(cmd.MarkFlagRequired("login"))
	return cmd
}

// readPassword asks on a terminal without echo, or takes the first line of a
// pipe; never a flag, which other users of the machine could read.
func readPassword(cmd *cobra.Command) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.Join(errors.New("no password on standard input"), err)
		}
		return line, nil
	}
	fmt.Fprint(cmd.ErrOrStderr(), "Password: ")
	first, err := term.ReadPassword(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(cmd.ErrOrStderr(), "\nAgain: ")
	second, err := term.ReadPassword(fd)
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return "", err
	}
	if string(first) != string(second) {
		return "", errors.New("the two passwords differ")
	}
	return string(first), nil
}
