package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"heartline/internal/api"
	"heartline/internal/platform/disk"
)

// system is what the system page shows of the parts that only app knows.
func (a *App) system(ctx context.Context) api.SystemView {
	free, total, _ := disk.Space(a.cfg.Recordings())
	view := api.SystemView{
		Version: a.version, Commit: commit(), GoVersion: runtime.Version(), StartedAt: a.startedAt, Now: a.now(),
		Database: string(a.db.Dialect()), Disk: api.DiskView{FreeBytes: free, TotalBytes: total},
		LiveCalls: len(a.calls.Live(ctx)), MaxCalls: a.cfg.MaxCalls, Trunks: a.trunkStatus(),
		Listeners: map[string]string{"http": a.web.addr.String(), "sip": a.cfg.SIPAddr, "rtp": a.cfg.RTPPorts},
	}
	if a.cfg.TLSCert != "" {
		view.Listeners["sips"] = a.cfg.SIPTLSAddr
	}
	for _, check := range []struct {
		name string
		fn   func(context.Context) error
	}{{"database", a.db.SQL().PingContext}, {"media", a.media.Health}} {
		c := api.HealthCheck{Name: check.name, OK: true}
		if err := check.fn(ctx); err != nil {
			c.OK, c.Detail = false, err.Error()
		}
		view.Checks = append(view.Checks, c)
	}
	for _, r := range a.sip.Registrations() {
		view.Registrations = append(view.Registrations, api.RegistrationRow{Extension: r.User, Contact: r.Contact,
			Transport: r.Transport, UserAgent: r.UserAgent, ExpiresAt: r.Expires})
	}
	return view
}

func (a *App) trunkStatus() []api.TrunkStatus {
	list := []api.TrunkStatus{}
	for _, t := range a.sip.TrunkStatus() {
		row := api.TrunkStatus{ID: t.ID, Name: t.Name, Up: t.Up, Registered: t.Registered, Calls: t.Calls, LastCode: t.LastCode,
			LatencyMs: float64(t.RTT) / float64(time.Millisecond)}
		if !t.Changed.IsZero() {
			row.Since = &t.Changed
		}
		list = append(list, row)
	}
	return list
}

func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

func (a *App) about() api.About {
	about := api.About{Name: a.cfg.HospitalName, NameEN: a.cfg.HospitalNameEN, Version: a.version, Demo: a.cfg.Demo,
		ServiceNumber: a.cfg.ServiceNumber, TimeZone: a.cfg.TimeZone, Locale: "zh-CN", Logins: []api.DemoLogin{}}
	if a.cfg.Demo {
		about.Logins = demoLogins()
	}
	return about
}
