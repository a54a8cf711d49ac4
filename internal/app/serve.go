package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/media/embedded"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
	"heartline/internal/insight/kpi"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
)

// Serve starts the telephone and the web, runs ready (if any) once everything
// listens, and waits until ctx ends; then it drains and stops. A second
// signal, or the end of the drain time, ends calls that are still up.
func (a *App) Serve(ctx context.Context, ready func(ctx context.Context) error) (err error) {
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	if err := a.lock(); err != nil {
		return err
	}
	if err := a.start(ctx); err != nil {
		return err
	}
	a.log.Info("heartline is ready", "version", a.version, "http", a.cfg.HTTPAddr, "sip", a.cfg.SIPAddr, "database", string(a.db.Dialect()))
	if ready != nil {
		if err := ready(ctx); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
	case err := <-a.web.failed:
		return fmt.Errorf("web server: %w", err)
	}
	a.drain(context.WithoutCancel(ctx))
	return nil
}

// start brings the parts up in the order in which they need each other.
func (a *App) start(ctx context.Context) error {
	for _, step := range []struct {
		name string
		fn   func(context.Context) error
	}{
		{"recordings of the last run", a.recoverRecordings},
		{"event log", a.startJournal},
		{"calls of the last run", a.closeOrphans},
		{"messages", a.startMessages},
		{"jobs", a.startJobs},
		{"routing", a.startRouting},
		{"media", a.startMedia},
		{"call control", a.startCalls},
		{"telephone", a.startSIP},
		{"watch", a.watch},
		{"web", a.startWeb},
	} {
		if err := step.fn(ctx); err != nil {
			return fmt.Errorf("start %s: %w", step.name, err)
		}
	}
	return nil
}

func (a *App) recoverRecordings(ctx context.Context) error {
	saved, err := a.recordings.Recover(ctx)
	if err != nil {
		// A file that cannot be saved must not keep callers waiting.
		a.log.Error("some recordings of the last run could not be finished", "error", err)
		a.alarms.Raise(alarm.Warning, "alarm.recording_recovery", "", nil)
	}
	if saved > 0 {
		a.log.Info("finished recordings of the last run", "count", saved)
	}
	return nil
}

func (a *App) startJournal(ctx context.Context) error {
	if err := a.journal.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	a.onClose("event log", a.journal.Stop)
	return nil
}

func (a *App) closeOrphans(ctx context.Context) error {
	last, err := a.journal.LastAt(ctx)
	if err != nil {
		return err
	}
	// While people talk nothing is logged, but they are recorded.
	heard, err := a.recordings.LastAt(ctx)
	if err != nil {
		return err
	}
	if heard.After(last) {
		last = heard
	}
	n, err := a.records.CloseOrphans(identity.System(ctx, "restart"), last)
	if n > 0 {
		a.log.Info("closed calls that the last run left open", "count", n)
	}
	return err
}

// startJobs lets promises be kept; those that come back every day are made
// first.
func (a *App) startJobs(ctx context.Context) error {
	if err := a.booking.Start(ctx); err != nil {
		return err
	}
	if err := a.patients.Start(ctx); err != nil {
		return err
	}
	if err := a.recordings.StartExpiry(ctx, a.jobs, a.cfg.Location()); err != nil {
		return err
	}
	if err := a.jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	a.onClose("jobs", a.jobs.Stop)
	return nil
}

func (a *App) startRouting(ctx context.Context) error {
	cfg, version := acdConfig(a.board.Current(ctx))
	a.acd = acd.NewService(acd.Settings{Config: cfg, Version: version, Zone: a.cfg.Location()}, a.journal, a.bus, a.now)
	if err := a.acd.Start(ctx); err != nil {
		return err
	}
	a.onClose("routing", a.acd.Stop)
	return a.countToday(ctx)
}

// countToday tells the router what happened since midnight before it started,
// so that the wallboard's day does not begin with a restart.
func (a *App) countToday(ctx context.Context) error {
	now := a.now().In(a.cfg.Location())
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	day, err := a.reports.Summary(identity.System(ctx, "wallboard"), kpi.Query{From: midnight, To: midnight.AddDate(0, 0, 1)})
	if err != nil {
		return err
	}
	for _, q := range day.Queues {
		t := q.Tally
		a.acd.SeedToday(q.Queue, acd.Today{Offered: t.Offered, Answered: t.Answered, AnsweredInTime: t.AnsweredInTime, Abandoned: t.Abandoned,
			ShortAbandoned: t.ShortAbandoned, Overflowed: t.Overflowed, OtherLeft: t.Unserved,
			WaitMsAnswered: t.WaitAnswered.Milliseconds(), LongestWaitMs: t.LongestWait.Milliseconds()})
	}
	return nil
}

func (a *App) startMedia(context.Context) (err error) {
	first, last := a.cfg.RTPRange()
	host, _ := splitAddr(a.cfg.SIPAddr)
	a.media, err = embedded.New(embedded.Config{IP: host, ExternalIP: a.cfg.SIPExternalIP, PortMin: first, PortMax: last,
		BrowserUDPPort: a.cfg.BrowserUDPPort, Log: a.log, Now: a.now})
	if err != nil {
		return err
	}
	a.onClose("media", a.media.Close)
	return nil
}

func (a *App) startCalls(context.Context) error {
	a.calls = call.New(call.Config{MaxCalls: a.cfg.MaxCalls, InternalUnrecorded: !a.cfg.RecordInternal, ConversationsOnly: a.cfg.RecordFrom == "conversation",
		AnnounceAgent: true}, call.Deps{
		Media: a.media, ACD: a.acd, Journal: a.journal, Directory: func() call.Directory { return a.board.Current(context.Background()) },
		Prompts: newPromptClips(a.board), Recorder: a.recordings, Identifier: identifier{a.patients}, Sealer: a.keys,
		Dips:   newDips(a.patients, a.hospital, a.booking, a.cfg.Location(), a.now),
		Alarms: a.alarms, Bus: a.bus, Log: a.log, Now: a.now, MayDialOut: mayDialOut, ShowNumber: showNumber})
	a.acd.SetSwitch(a.calls)
	a.onClose("call control", a.calls.Close)
	return nil
}

func (a *App) startSIP(ctx context.Context) error {
	cfg := sip.Config{UDP: a.cfg.SIPAddr, TCP: a.cfg.SIPAddr, ExternalIP: a.cfg.SIPExternalIP, Realm: a.board.Realm(), UserAgent: "Heartline",
		SourceRate: a.cfg.SIPSourceRate}
	if a.cfg.TLSCert != "" && a.cfg.SIPTLSAddr != "" {
		pair, err := tls.LoadX509KeyPair(a.cfg.TLSCert, a.cfg.TLSKey)
		if err != nil {
			return err
		}
		cfg.TLS = a.cfg.SIPTLSAddr
		cfg.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	server, err := sip.New(cfg, directory{a.board}, a.calls, a.log)
	if err != nil {
		return err
	}
	if err := server.SetTrunks(sipTrunks(a.board.Current(ctx))); err != nil {
		return err
	}
	a.calls.SetPhones(server)
	if err := server.Start(ctx); err != nil {
		return err
	}
	a.sip = server
	a.onClose("telephone", server.Stop)
	cancel := event.Subscribe(a.bus, "telephone configuration", a.reconfigure)
	a.onClose("telephone configuration", func(context.Context) error { cancel(); return nil })
	return nil
}

// reconfigure brings a change of the switchboard to the running telephone.
func (a *App) reconfigure(ctx context.Context, change switchboard.Changed) {
	snap := a.board.Current(ctx)
	a.calls.ConfigChanged()
	if change.Kind == "queue" || change.Kind == "" {
		a.acd.Configure(acdConfig(snap))
	}
	if change.Kind == "trunk" || change.Kind == "" {
		if err := a.sip.SetTrunks(sipTrunks(snap)); err != nil {
			a.log.Error("trunks could not be changed", "error", err)
			a.alarms.Raise(alarm.Warning, "alarm.trunks", "", nil)
		}
	}
}

// drain lets calls end by themselves for the configured time.
func (a *App) drain(ctx context.Context) {
	live := len(a.calls.Live(ctx))
	a.log.Info("stopping; new calls are refused", "calls", live, "drain", a.cfg.Drain())
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Drain())
	defer cancel()
	started := a.now()
	if err := a.calls.Drain(ctx); err != nil {
		a.log.Warn("the drain time is over; ending calls", "calls", len(a.calls.Live(ctx)))
	}
	a.log.Info("drained", "after", a.now().Sub(started).Round(time.Millisecond))
}
