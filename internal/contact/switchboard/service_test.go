package switchboard

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/calendar"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// fixture is a service on an empty database with an administrator's context.
type fixture struct {
	*Service
	ctx context.Context
	db  *store.DB
	bus *event.Bus
	cfg Config
}

func newFixture(t *testing.T, db *store.DB) fixture {
	t.Helper()
	dir := t.TempDir()
	keys, err := crypto.Open(dir + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	bus := event.NewBus()
	t.Cleanup(bus.Close)
	now := func() time.Time { return time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC) }
	cfg := Config{DB: db, Keys: keys, Audit: audit.New(now), Bus: bus, Now: now, DataDir: dir, Realm: "test"}
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return fixture{s, identity.System(t.Context(), "test"), db, bus, cfg}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v %+v", err, fieldsOf(err))
		}
		return v
	}
}

func fieldsOf(err error) errs.Fields {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}

func hasField(err error, path, key string) bool {
	for _, f := range fieldsOf(err) {
		if f.Path == path && (key == "" || f.Key == key) {
			return true
		}
	}
	return false
}

func TestSnapshotFollowsEveryChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		changed := make(chan Changed, 16)
		cancel := event.Subscribe(f.bus, "test", func(_ context.Context, c Changed) { changed <- c })
		defer cancel()
		q := must[Queue](t)(f.Queues.Create(f.ctx, Queue{Code: "enquiries", Name: " 咨询 ", Enabled: true}))
		if q.Name != "咨询" || q.RingTimeoutS != 20 || q.ServiceLevelS != 15 || q.Priority != 5 || q.Strategy != StrategyLongestIdle {
			t.Errorf("defaults not filled in: %+v", q)
		}
		must[Extension](t)(f.Extensions.Create(f.ctx, Extension{Number: "8001", Secret: "correct horse", UserID: "u1", Enabled: true}))
		must[Number](t)(f.Numbers.Create(f.ctx, Number{Number: "+86 96166", QueueID: q.ID, Enabled: true}))
		snap := f.Current(f.ctx)
		if n, ok := snap.Number("0086-96166"); !ok || n.QueueID != q.ID || n.Language != DefaultLanguage {
			t.Errorf("number not found: %+v %v", n, ok)
		}
		if got, ok := snap.Queue("enquiries"); !ok || got.ID != q.ID {
			t.Error("queue not found by code")
		}
		if e, ok := snap.ExtensionOf("u1"); !ok || e.Number != "8001" || e.Secret != "" || !e.HasSecret {
			t.Errorf("extension of user: %+v", e)
		}
		acc, _ := snap.Account("8001")
		m, h := HA1("8001", "test", "correct horse")
		if acc.HA1MD5 != m || acc.HA1SHA256 != h || !acc.Enabled {
			t.Errorf("account digests: %+v", acc)
		}
		c := <-changed
		if c.Kind != "queue" || c.ID != q.ID || c.Snapshot == 0 {
			t.Errorf("first fact: %+v", c)
		}
		q.Enabled = false
		must[Queue](t)(f.Queues.Update(f.ctx, q))
		if _, ok := f.Current(f.ctx).Queue(q.ID); ok {
			t.Error("disabled queue is still served")
		}
		if _, ok := snap.Queue(q.ID); !ok {
			t.Error("an old snapshot changed under its reader")
		}
		if n, err := audit.Verify(f.ctx, db); err != nil || n != 4 {
			t.Errorf("audit has %d entries, %v; want 4", n, err)
		}
	})
}

func TestSecretsAreSealedAndKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		e := must[Extension](t)(f.Extensions.Create(f.ctx, Extension{Number: "8002", Secret: "first secret", Enabled: true}))
		tr := must[Trunk](t)(f.Trunks.Create(f.ctx, Trunk{Name: "carrier", Kind: TrunkRegister, Host: "sip.example.cn",
			Username: "027", Password: "trunk secret", Enabled: true}))
		for _, col := range []string{"SELECT secret FROM extensions", "SELECT secret FROM trunks"} {
			var stored string
			err := db.Read(f.ctx, func(tx *store.Tx) error { return tx.QueryRow(f.ctx, col).Scan(&stored) })
			if err != nil || stored == "" || strings.Contains(stored, "secret") {
				t.Errorf("%s: %q, %v", col, stored, err)
			}
		}
		e.Name = "renamed"
		must[Extension](t)(f.Extensions.Update(f.ctx, e))
		tr.Priority = 7
		must[Trunk](t)(f.Trunks.Update(f.ctx, tr))
		again, err := New(t.Context(), f.cfg) // as after a restart
		if err != nil {
			t.Fatal(err)
		}
		m, _ := HA1("8002", "test", "first secret")
		if a, _ := again.Current(f.ctx).Account("8002"); a.HA1MD5 != m {
			t.Error("an update without a secret lost it")
		}
		if ts := again.Current(f.ctx).Trunks(); len(ts) != 1 || ts[0].Password != "trunk secret" || ts[0].Priority != 7 {
			t.Errorf("trunks after restart: %+v", ts)
		}
		got := must[Extension](t)(f.Extensions.Get(f.ctx, e.ID))
		if got.Secret != "" || !got.HasSecret {
			t.Errorf("secret shown or forgotten: %+v", got)
		}
	})
}

// refusal is an item that must be refused, and the field that the error names.
type refusal struct {
	err       func() error
	path, key string
}

func queueRefusals(f fixture, _ Queue) map[string]refusal {
	return map[string]refusal{
		"queue code":    {func() error { _, e := f.Queues.Create(f.ctx, Queue{Code: "A B", Name: "x"}); return e }, "code", ""},
		"queue twice":   {func() error { _, e := f.Queues.Create(f.ctx, Queue{Code: "a", Name: "x"}); return e }, "code", "switchboard.taken"},
		"queue name":    {func() error { _, e := f.Queues.Create(f.ctx, Queue{Code: "b", Name: " "}); return e }, "name", "required"},
		"queue control": {func() error { _, e := f.Queues.Create(f.ctx, Queue{Code: "b", Name: "a\x00b"}); return e }, "name", "bad_characters"},
		"queue utf8":    {func() error { _, e := f.Queues.Create(f.ctx, Queue{Code: "b", Name: "\xff\xfe"}); return e }, "name", "bad_characters"},
		"ring":          {func() error { _, e := f.Queues.Create(f.ctx, Queue{Code: "b", Name: "x", RingTimeoutS: 1}); return e }, "ring_timeout_s", "out_of_range"},
		"overflow nowhere": {func() error {
			_, e := f.Queues.Create(f.ctx, Queue{Code: "b", Name: "x", OverflowAfterS: 60})
			return e
		}, "overflow_queue", "required"},
		"overflow unknown": {func() error {
			_, e := f.Queues.Create(f.ctx, Queue{Code: "b", Name: "x", OverflowQueue: "nope"})
			return e
		}, "overflow_queue", "switchboard.unknown_reference"},
		"skill unknown": {func() error {
			_, e := f.Queues.Create(f.ctx, Queue{Code: "b", Name: "x", Skills: []SkillNeed{{"x", 9}}})
			return e
		}, "skills[0].skill", ""},
	}
}

func lineRefusals(f fixture, q Queue) map[string]refusal {
	return map[string]refusal{
		"number letters":   {func() error { _, e := f.Numbers.Create(f.ctx, Number{Number: "abc", QueueID: q.ID}); return e }, "number", ""},
		"number no target": {func() error { _, e := f.Numbers.Create(f.ctx, Number{Number: "96166"}); return e }, "target", ""},
		"number two": {func() error {
			_, e := f.Numbers.Create(f.ctx, Number{Number: "96166", QueueID: q.ID, FlowID: "x"})
			return e
		}, "target", ""},
		"extension":   {func() error { _, e := f.Extensions.Create(f.ctx, Extension{Number: "8'--"}); return e }, "number", ""},
		"weak secret": {func() error { _, e := f.Extensions.Create(f.ctx, Extension{Number: "8001", Secret: "8001"}); return e }, "secret", "switchboard.secret_short"},
		"mobile": {func() error {
			_, e := f.Extensions.Create(f.ctx, Extension{Number: "8001", Kind: KindMobile})
			return e
		}, "mobile_number", ""},
		"trunk open": {func() error { _, e := f.Trunks.Create(f.ctx, Trunk{Name: "t", Kind: TrunkStatic, Host: "h"}); return e }, "peer_ips", "required"},
		"trunk whole world": {func() error {
			_, e := f.Trunks.Create(f.ctx, Trunk{Name: "t", Kind: TrunkStatic, Host: "h", PeerIPs: []string{"0.0.0.0/0"}})
			return e
		}, "peer_ips[0]", "switchboard.address_range_too_wide"},
		"trunk host": {func() error {
			_, e := f.Trunks.Create(f.ctx, Trunk{Name: "t", Kind: TrunkStatic, Host: "a b\r\n", PeerIPs: []string{"10.0.0.1"}})
			return e
		}, "host", ""},
		"trunk register": {func() error {
			_, e := f.Trunks.Create(f.ctx, Trunk{Name: "t", Kind: TrunkRegister, Host: "h"})
			return e
		}, "username", "required"},
		"rule": {func() error {
			_, e := f.Trunks.Create(f.ctx, Trunk{Name: "t", Kind: TrunkRegister, Host: "h", Username: "u", Rules: []NumberRule{{Direction: "up"}}})
			return e
		}, "rules[0].direction", "not_allowed"},
	}
}

func otherRefusals(f fixture, q Queue) map[string]refusal {
	return map[string]refusal{
		"agent no user": {func() error { _, e := f.Agents.Create(f.ctx, AgentProfile{Number: "801", Name: "x"}); return e }, "user_id", "required"},
		"agent level": {func() error {
			_, e := f.Agents.Create(f.ctx, AgentProfile{Meta: Meta{ID: "u"}, Number: "801", Name: "x", Queues: []QueueMember{{q.ID, 0}}})
			return e
		}, "queues[0].level", "out_of_range"},
		"agent seat": {func() error {
			_, e := f.Agents.Create(f.ctx, AgentProfile{Meta: Meta{ID: "u"}, Number: "801", Name: "x", DefaultSeat: SeatExtension})
			return e
		}, "extension", "required"},
		"hours": {func() error {
			_, e := f.Calendars.Create(f.ctx, Calendar{Name: "c", Hours: calendar.Hours{Weekly: calendar.Daily(calendar.Span{From: 60, To: 30})}})
			return e
		}, "hours", ""},
		"language": {func() error { _, e := f.CreateFlow(f.ctx, Flow{Name: "f", Language: "../../etc"}); return e }, "language", ""},
	}
}

func TestFieldErrorsNameTheField(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	q := must[Queue](t)(f.Queues.Create(f.ctx, Queue{Code: "a", Name: "A"}))
	for _, cases := range []map[string]refusal{queueRefusals(f, q), lineRefusals(f, q), otherRefusals(f, q)} {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				if err := c.err(); !errs.Is(err, errs.Invalid) || !hasField(err, c.path, c.key) {
					t.Errorf("got %v %+v, want %s %s", err, fieldsOf(err), c.path, c.key)
				}
			})
		}
	}
	if n := len(f.Current(f.ctx).numbers); n != 0 {
		t.Errorf("%d refused numbers are served", n)
	}
}

func TestRightsVersionsAndReferences(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		agent := identity.With(t.Context(), identity.Principal{UserID: "a", Permissions: map[identity.Permission]bool{identity.CallHandle: true}})
		if _, err := f.Queues.Create(agent, Queue{Code: "a", Name: "A"}); !errs.Is(err, errs.Denied) {
			t.Errorf("an agent created a queue: %v", err)
		}
		if _, err := f.Extensions.List(t.Context()); !errs.Is(err, errs.Unknown) {
			t.Errorf("nobody listed extensions: %v", err)
		}
		q := must[Queue](t)(f.Queues.Create(f.ctx, Queue{Code: "a", Name: "A", Enabled: true}))
		stale := q
		q.WrapUpS = 10
		must[Queue](t)(f.Queues.Update(f.ctx, q))
		if _, err := f.Queues.Update(f.ctx, stale); !errs.Is(err, errs.Conflict) {
			t.Errorf("a stale form overwrote a newer one: %v", err)
		}
		must[AgentProfile](t)(f.Agents.Create(f.ctx, AgentProfile{Meta: Meta{ID: "u1"}, Number: "801", Name: "x",
			Queues: []QueueMember{{q.ID, 1}}, Enabled: true}))
		if err := f.Queues.Delete(f.ctx, q.ID); !errs.Is(err, errs.Conflict) {
			t.Errorf("a queue with agents was deleted: %v", err)
		}
		if err := f.Agents.Delete(f.ctx, "u1"); err != nil {
			t.Fatal(err)
		}
		if err := f.Queues.Delete(f.ctx, q.ID); err != nil {
			t.Errorf("delete unused queue: %v", err)
		}
		if err := f.Queues.Delete(f.ctx, q.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("second delete: %v", err)
		}
	})
}

const goodGraph = `{"id":"x","start":"a","operator":"q","nodes":{
	"a":{"type":"play","prompts":["greeting"],"next":"m"},
	"m":{"type":"menu","prompts":["main_menu"],"timeout_s":5,"tries":2,"choices":{"1":"q","0":"q"},"on_timeout":"q","on_invalid":"q"},
	"q":{"type":"queue","queue":"main","on_overflow":"h"},
	"h":{"type":"hangup","prompts":["goodbye"]}}}`

func TestFlowLifeCycle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		fl := must[Flow](t)(f.CreateFlow(f.ctx, Flow{Name: "main"}))
		if _, err := f.Publish(f.ctx, fl.ID); !errs.Is(err, errs.Conflict) {
			t.Errorf("published nothing: %v", err)
		}
		_, problems, err := f.SaveDraft(f.ctx, fl.ID, json.RawMessage(goodGraph), "first")
		if err != nil || len(problems) == 0 {
			t.Fatalf("a draft with an unknown queue: %v, %v", problems, err)
		}
		if _, err := f.Publish(f.ctx, fl.ID); !errs.Is(err, errs.Invalid) || !hasField(err, "graph.nodes.q.queue", "") {
			t.Errorf("a broken flow was published: %v %+v", err, fieldsOf(err))
		}
		if _, ok := f.Current(f.ctx).Flow(fl.ID); ok {
			t.Error("a draft is served")
		}
		must[Queue](t)(f.Queues.Create(f.ctx, Queue{Code: "main", Name: "M", Enabled: true}))
		v1 := must[FlowVersion](t)(f.Publish(f.ctx, fl.ID))
		got, ok := f.Current(f.ctx).Flow(fl.ID)
		if !ok || got.Number != v1.Number || got.Graph.Nodes["a"].Next != "m" || got.Graph.Version != v1.Number {
			t.Fatalf("published flow: %+v %v", got, ok)
		}
		changed := strings.Replace(goodGraph, `"greeting"`, `"greeting","recording_notice"`, 1)
		if _, _, err := f.SaveDraft(f.ctx, fl.ID, json.RawMessage(changed), "second"); err != nil {
			t.Fatal(err)
		}
		v2 := must[FlowVersion](t)(f.Publish(f.ctx, fl.ID))
		v3 := must[FlowVersion](t)(f.Rollback(f.ctx, fl.ID, v1.Number))
		if got, _ := f.Current(f.ctx).Flow(fl.ID); got.Number != v3.Number || len(got.Graph.Nodes["a"].Prompts) != 1 {
			t.Errorf("after rollback version %d serves %+v", got.Number, got.Graph.Nodes["a"])
		}
		list := must[[]FlowVersion](t)(f.FlowVersions(f.ctx, fl.ID))
		states := map[int]string{}
		for _, v := range list {
			states[v.Number] = v.State
		}
		if states[v1.Number] != FlowRetired || states[v2.Number] != FlowRetired || states[v3.Number] != FlowPublished {
			t.Errorf("states %v", states)
		}
		if _, err := f.Rollback(f.ctx, fl.ID, 99); !errs.Is(err, errs.NotFound) {
			t.Errorf("rollback to nowhere: %v", err)
		}
	})
}

func TestHostileGraphs(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	fl := must[Flow](t)(f.CreateFlow(f.ctx, Flow{Name: "main"}))
	for _, g := range []string{"", "null garbage", "[]", `{"start":1}`, `{"nodes":{"a":{"type":"play","evil":1}}}`,
		goodGraph + goodGraph, strings.Repeat("[", 100000), `{"nodes":{"a":` + strings.Repeat(`{"a":`, 50000) + "1"} {
		if _, _, err := f.SaveDraft(f.ctx, fl.ID, json.RawMessage(g), ""); err == nil {
			t.Errorf("accepted %.40q", g)
		}
	}
}

func TestNormaliseNumbers(t *testing.T) {
	tr := Trunk{Rules: []NumberRule{
		{Direction: RuleIn, Prefix: "+86", Strip: 3},
		{Direction: RuleOut, Prefix: "1", MinLen: 11, MaxLen: 11, Prepend: "0"},
		{Direction: RuleOut, Prefix: "9", MinLen: 3, Strip: 1},
	}}
	for _, c := range [][3]string{
		{RuleIn, "+8613800000000", "13800000000"}, {RuleIn, "13800000000", "13800000000"},
		{RuleOut, "13800000000", "013800000000"}, {RuleOut, "9120", "120"}, {RuleOut, "9", "9"}, {RuleOut, "", ""},
	} {
		if got := tr.Normalise(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s became %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
