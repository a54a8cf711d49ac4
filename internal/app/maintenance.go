package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"heartline/internal/app/doctor"
	"heartline/internal/platform/backup"
	"heartline/internal/platform/config"
	"heartline/internal/platform/disk"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Migrate brings the database to this version's schema.
func Migrate(ctx context.Context, cfg *config.Config) error {
	db, err := store.Open(ctx, cfg.Database())
	if err != nil {
		return err
	}
	return db.Close()
}

// with opens an App for one task on the command line, in the name of the
// person at the machine.
func with(ctx context.Context, cfg *config.Config, log *slog.Logger, fn func(ctx context.Context, a *App) error) error {
	a, err := Open(ctx, cfg, log, "")
	if err != nil {
		return err
	}
	return errors.Join(fn(identity.System(ctx, "command-line"), a), a.Close(context.WithoutCancel(ctx)))
}

// NewUser is a user to be added from the command line.
type NewUser struct {
	Login, Name, Password string
	Roles                 []string
}

// AddUser adds a user.
func AddUser(ctx context.Context, cfg *config.Config, log *slog.Logger, u NewUser) error {
	return with(ctx, cfg, log, func(ctx context.Context, a *App) error {
		_, err := a.identity.CreateUser(ctx, identity.NewUser{Login: u.Login, Name: u.Name, Password: u.Password, Roles: u.Roles})
		return explain(err)
	})
}

// SetPassword gives a user a new password and ends the user's sessions.
func SetPassword(ctx context.Context, cfg *config.Config, log *slog.Logger, login, password string) error {
	return with(ctx, cfg, log, func(ctx context.Context, a *App) error {
		users, _, err := a.identity.ListUsers(ctx, identity.UserFilter{Query: login, Limit: 200})
		if err != nil {
			return err
		}
		for _, u := range users {
			if u.Login != login {
				continue
			}
			_, err := a.identity.UpdateUser(ctx, u.ID, identity.UserChange{Name: u.Name, NameLatin: u.NameLatin, Email: u.Email, Roles: u.Roles,
				Departments: u.Departments, Locale: u.Settings.Locale, Active: u.Active, Password: password, ResetTOTP: true})
			return explain(err)
		}
		return fmt.Errorf("no user signs in as %q", login)
	})
}

// explain names the fields that a service refused, for the command line.
func explain(err error) error {
	var e *errs.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	all := err
	for _, f := range e.Fields {
		all = errors.Join(all, fmt.Errorf("%s: %s", f.Path, f.Key))
	}
	return all
}

// Rebuild derives all call records anew from the event log.
func Rebuild(ctx context.Context, cfg *config.Config, log *slog.Logger) (n int, err error) {
	err = with(ctx, cfg, log, func(ctx context.Context, a *App) error {
		if err := a.lock(); err != nil {
			return err
		}
		n, err = a.records.Rebuild(ctx)
		return err
	})
	return n, err
}

// Backup writes everything into one archive; the program may be running.
func Backup(ctx context.Context, cfg *config.Config, out string) error {
	db, err := store.Connect(ctx, cfg.Database())
	if err != nil {
		return err
	}
	var outside []backup.Dir
	if cfg.RecordingDir != "" {
		outside = append(outside, backup.Dir{Name: "recordings", Path: cfg.RecordingDir})
	}
	_, err = backup.Backup(ctx, db, cfg.DataDir, out, outside...)
	return errors.Join(err, db.Close())
}

// Restore unpacks an archive into an empty data folder.
func Restore(ctx context.Context, cfg *config.Config, from string) error {
	_, err := backup.Restore(ctx, from, cfg.DataDir, cfg.DatabaseURL)
	return err
}

// Doctor examines the machine and returns how much is wrong with it.
func Doctor(ctx context.Context, cfg *config.Config, out io.Writer) int {
	running := doctor.Ready(ctx, cfg.HTTPAddr)
	first, last := cfg.RTPRange()
	host, _ := splitAddr(cfg.SIPAddr)
	checks := []doctor.Check{
		doctor.DataFolder(cfg.DataDir),
		doctor.Keys(cfg.KeyDir()),
		doctor.Disk(cfg.DataDir, disk.Free, minFree),
		doctor.Clock(time.Now, cfg.TimeZone, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)),
		doctor.Port("http", "tcp", cfg.HTTPAddr, running),
		doctor.Port("sip udp", "udp", cfg.SIPAddr, running),
		doctor.Port("sip tcp", "tcp", cfg.SIPAddr, running),
		doctor.Port("rtp first", "udp", net.JoinHostPort(host, fmt.Sprint(first)), running),
		doctor.Port("rtp last", "udp", net.JoinHostPort(host, fmt.Sprint(last)), running),
		doctor.Certificate(cfg.TLSCert, cfg.TLSKey, time.Now),
	}
	if cfg.TLSCert != "" {
		checks = append(checks, doctor.Port("sip tls", "tcp", cfg.SIPTLSAddr, running))
	}
	checks = append(checks, messageChecks(cfg)...)
	return doctor.Examine(ctx, out, append(checks, databaseChecks(ctx, cfg)...))
}

// databaseChecks look at the database and at the trunks it names.
func databaseChecks(ctx context.Context, cfg *config.Config) []doctor.Check {
	quiet := slog.New(slog.DiscardHandler)
	var trunks []doctor.Check
	err := with(ctx, cfg, quiet, func(ctx context.Context, a *App) error {
		for _, t := range a.board.Current(ctx).Trunks() {
			trunks = append(trunks, doctor.Trunk(t.Name, t.Host, t.Port, t.Transport))
		}
		return nil
	})
	return append([]doctor.Check{doctor.Database(err)}, trunks...)
}
