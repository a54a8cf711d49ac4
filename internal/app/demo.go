package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"heartline/internal/api"
	"heartline/internal/demo"
	"heartline/internal/demo/traffic"
	"heartline/internal/platform/config"
	"heartline/internal/platform/identity"
)

// DemoOptions are the choices of the demo.
type DemoOptions struct {
	Version string
	Traffic bool
	Out     io.Writer // where the welcome is printed
}

// Demo seeds a fictional hospital, if the data folder has none, and serves it.
func Demo(ctx context.Context, cfg *config.Config, log *slog.Logger, o DemoOptions) error {
	cfg.HospitalName, cfg.HospitalNameEN = demo.HospitalName, demo.HospitalNameEN
	a, err := Open(ctx, cfg, log, o.Version)
	if err != nil {
		return err
	}
	if err := a.seed(ctx, o.Out); err != nil {
		return errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	return a.Serve(ctx, func(ctx context.Context) error {
		if o.Traffic {
			a.startTraffic(ctx)
		}
		return a.welcome(o)
	})
}

func (a *App) seed(ctx context.Context, out io.Writer) error {
	ctx = identity.System(ctx, "demo-seed")
	started := a.now()
	err := demo.Seed(ctx, a.demoServices())
	if errors.Is(err, demo.ErrSeeded) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("seed the demo hospital: %w", err)
	}
	_, err = fmt.Fprintf(out, "seeded %s in %s\n", demo.HospitalName, a.now().Sub(started).Round(100*time.Millisecond))
	return err
}

func (a *App) demoServices() demo.Services {
	return demo.Services{DB: a.db, Identity: a.identity, Board: a.board, Patients: a.patients, Hospital: a.hospital, Booking: a.booking, Ledger: a.ledger,
		Kiosks: a.kiosks, Journal: a.journal, Records: a.records, Keys: a.keys, Now: a.now, Zone: a.cfg.Location(), Log: a.log}
}

// startTraffic plays the simulated morning beside the server until it stops.
func (a *App) startTraffic(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx := identity.System(ctx, "demo-traffic")
		cast, err := demo.Cast(ctx, demo.Services{DB: a.db, Identity: a.identity, Board: a.board, Patients: a.patients, Keys: a.keys, Now: a.now})
		if err != nil {
			a.log.Error("simulated morning", "error", err)
			return
		}
		voice, _ := newPromptClips(a.board).Clip("after_hours", "zh-CN")
		err = traffic.Run(ctx, traffic.Config{Server: a.sipDial(), Trunk: demo.TrunkPeer, Number: a.cfg.ServiceNumber, Callers: cast.Callers,
			Agents: cast.Agents, Dispositions: cast.Dispositions, PerMinute: callersPerAgent * float64(len(cast.Agents)), Voice: voice.PCM, Seed: uint64(a.now().UnixNano()),
			Desk: a.calls, Records: a.records, Log: a.log})
		if err != nil {
			a.log.Error("simulated morning", "error", err)
		}
	}()
	a.onClose("simulated morning", func(context.Context) error { cancel(); <-done; return nil })
}

// callersPerAgent, a minute, keep the simulated agents busy three quarters of
// the time: now and then somebody waits, and a few give up.
const callersPerAgent = .55

// sipDial is where a phone on this machine reaches the SIP server.
func (a *App) sipDial() string {
	host, port := splitAddr(a.cfg.SIPAddr)
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func demoLogins() []api.DemoLogin {
	var list []api.DemoLogin
	for _, l := range demo.Logins() {
		list = append(list, api.DemoLogin{Login: l.Login, Password: l.Password, Name: l.Name, Role: l.Role})
	}
	return list
}

// tryKiosk says how to be at the self-service machine of the demo.
func (a *App) tryKiosk() func(ctx context.Context) (api.TryKiosk, error) {
	if !a.cfg.Demo {
		return nil
	}
	return func(ctx context.Context) (api.TryKiosk, error) {
		v, err := demo.Visitor(identity.System(ctx, "demo"), a.demoServices())
		if err != nil {
			return api.TryKiosk{}, err
		}
		return api.TryKiosk{Token: demo.KioskToken, Name: v.Name, Number: v.Phone, PIN: demo.KioskPIN, IDNumber: v.IDNumber, Code: v.Code}, nil
	}
}

// tryPeople lists the callers that visitors of /try can be.
func (a *App) tryPeople() func(ctx context.Context) ([]api.TryIdentity, error) {
	if !a.cfg.Demo {
		return nil
	}
	return func(ctx context.Context) ([]api.TryIdentity, error) {
		people, err := demo.People(identity.System(ctx, "demo"), a.patients)
		if err != nil {
			return nil, err
		}
		list := make([]api.TryIdentity, 0, len(people))
		for _, p := range people {
			list = append(list, api.TryIdentity{Number: p.Number, Name: p.Name, Age: p.Age, Sex: p.Sex, Scenario: p.Scenario})
		}
		return list, nil
	}
}

// welcome tells a newcomer what to do next.
func (a *App) welcome(o DemoOptions) error {
	_, port, _ := net.SplitHostPort(a.web.addr.String())
	base := "http://localhost:" + port
	_, sipPort := splitAddr(a.cfg.SIPAddr)
	w := &printer{out: o.Out}
	w.line("")
	w.line("  %s  %s", demo.HospitalName, demo.HospitalNameEN)
	w.line("")
	w.line("  desk      %s", base)
	w.line("  caller    %s/try      open it in a second window and dial %s", base, a.cfg.ServiceNumber)
	w.line("  patients  %s/portal   sign in as %s; the code comes as a message in /try", base, demo.VisitorPhone())
	w.line("  kiosk     %s/kiosk    one touch sets the machine up; it shows whom you can be", base)
	w.line("")
	w.line("  login         password            who")
	for _, l := range demo.Logins() {
		w.line("  %-13s %-19s %s, %s", l.Login, l.Password, l.Name, l.Role)
	}
	w.line("")
	w.line("  numbers   %s the hotline; %s in English; 8001 … the extensions", a.cfg.ServiceNumber, demo.EnglishNumber)
	w.line("  softphone server 127.0.0.1:%s (UDP or TCP), user %s, password %s", sipPort, demo.SoftphoneUser, demo.SoftphoneSecret)
	if !o.Traffic {
		w.line("  traffic   start with --traffic to see a simulated morning on the wallboard")
	}
	w.line("")
	w.line("  Ctrl-C stops it; the data stays in %s", a.cfg.DataDir)
	w.line("")
	return w.err
}

// printer keeps the first error of many lines.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
	}
}
