package privacy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"heartline/internal/care/consent"
	"heartline/internal/care/patient"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/dossier"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

type consentPeople struct{ *patient.Service }

func (p consentPeople) Person(ctx context.Context, tx *store.Tx, patientID string) (consent.Person, error) {
	x, err := p.Profile(ctx, tx, patientID)
	return consent.Person{ID: x.ID, BirthDate: x.BirthDate, GuardianID: x.GuardianID, Restricted: x.Restricted, Erased: x.Erased}, err
}

// rig is the privacy service over real records and consents. Jobs are done by
// hand, with fulfil.
type rig struct {
	*Service
	t        *testing.T
	db       *store.DB
	patients *patient.Service
	consents *consent.Service
	one, two context.Context // two people who manage privacy
	now      time.Time
	extra    dossier.Keeper // a part of the test's own
}

func newRig(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: db, now: time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)}
	now := func() time.Time { r.now = r.now.Add(time.Second); return r.now }
	keys, err := crypto.Open(t.TempDir())
	r.must(err)
	bus, log := event.NewBus(), audit.New(now)
	t.Cleanup(bus.Close)
	r.patients = patient.New(db, keys, log, bus, now, time.UTC)
	r.consents = consent.New(consent.Deps{DB: db, Audit: log, Bus: bus, Now: now, People: consentPeople{r.patients}})
	r.extra = dossier.Keeper{Part: "extra",
		Obstacles: func(context.Context, *store.Tx, []string) ([]dossier.Obstacle, error) { return nil, nil },
		Erase:     func(context.Context, *store.Tx, []string) error { return nil }}
	extra := dossier.Keeper{Part: "extra",
		Obstacles: func(ctx context.Context, tx *store.Tx, ids []string) ([]dossier.Obstacle, error) {
			return r.extra.Obstacles(ctx, tx, ids)
		},
		Erase: func(ctx context.Context, tx *store.Tx, ids []string) error { return r.extra.Erase(ctx, tx, ids) }}
	r.Service = New(Deps{DB: db, Audit: log, Bus: bus, Now: now, People: r.patients, Keepers: []dossier.Keeper{r.patients.Keeper(), r.consents.Keeper(), extra}})
	manager := func(name string) context.Context {
		all := map[identity.Permission]bool{}
		for _, p := range identity.All() {
			all[p] = true
		}
		return identity.With(t.Context(), identity.Principal{UserID: name, Name: name, Permissions: all})
	}
	r.one, r.two = manager("one"), manager("two")
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) somebody() patient.Patient {
	r.t.Helper()
	p, err := r.patients.Create(r.one, patient.Patient{Name: "东方既白", BirthDate: "1990-01-01", Notes: "只有他知道", Allergies: []string{"青霉素"},
		Phones: []patient.Phone{{Number: "13900000001", Primary: true}}})
	r.must(err)
	p, err = r.patients.Edit(r.one, p.ID, p.Version, func(x *patient.Patient) error { x.Notes = "改过的话"; return nil })
	r.must(err)
	return p
}

func (r *rig) ask(patientID, kind string) Request {
	r.t.Helper()
	q, err := r.Ask(r.one, Request{PatientID: patientID, Kind: kind, Requester: BySelf, Channel: "phone", Evidence: "身份证"})
	r.must(err)
	return q
}

// done decides a request as the second person and fulfils it.
func (r *rig) done(patientID, kind string) Request {
	r.t.Helper()
	q := r.ask(patientID, kind)
	_, err := r.Decide(r.two, q.ID, true, "")
	r.must(err)
	r.must(r.fulfil(identity.System(r.t.Context(), "privacy"), q.ID))
	q, err = r.Get(r.one, q.ID)
	r.must(err)
	if q.Status != Done {
		r.t.Fatalf("%s is %s, want done", kind, q.Status)
	}
	return q
}

func (r *rig) column(query string, args ...any) (out []string) {
	r.t.Helper()
	r.must(r.db.Read(r.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(r.t.Context(), query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			out = append(out, s)
		}
		return rows.Err()
	}))
	return out
}

func TestACopyHoldsEverythingAndIsSealedForThePerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p := r.somebody()
		_, err := r.consents.Decide(r.one, consent.Entry{PatientID: p.ID, Purpose: "marketing", Channel: "sms", Decision: consent.Refused, GivenBy: consent.BySelf, Note: "别再打扰"})
		r.must(err)
		q := r.done(p.ID, Export)
		c, err := r.Fetch(r.one, q.ID)
		r.must(err)
		var all strings.Builder
		parts := map[string]bool{}
		for _, s := range c.Sections {
			parts[s.Part] = true
			for _, row := range s.Rows {
				for _, cell := range row {
					all.WriteString(cell.Name + "=" + cell.Value + "\n")
				}
			}
		}
		for _, want := range []string{"东方既白", "13900000001", "青霉素", "改过的话", "old=只有他知道", "note=别再打扰", "action=patient.create"} {
			if !strings.Contains(all.String(), want) {
				t.Errorf("the copy lacks %q:\n%s", want, all.String())
			}
		}
		for _, part := range []string{"patient", "groups", "timeline", "history", "consents", "audit"} {
			if !parts[part] {
				t.Errorf("the copy lacks the part %s", part)
			}
		}
		sealed := r.column("SELECT sealed FROM privacy_files WHERE request_id = $1", q.ID)
		if len(sealed) != 1 || strings.Contains(sealed[0], "东方") {
			t.Errorf("the stored copy is readable: %v", sealed)
		}
		r.now = r.now.Add(31 * 24 * time.Hour)
		if _, err := r.Fetch(r.one, q.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("an expired copy: %v, want not found", err)
		}
	})
}

func TestErasureMakesEverythingUnreadable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p := r.somebody()
		other := r.somebody2()
		_, err := r.consents.Decide(r.one, consent.Entry{PatientID: p.ID, Purpose: "marketing", Channel: "sms", Decision: consent.Refused, GivenBy: consent.BySelf, Note: "别再打扰"})
		r.must(err)
		copied := r.done(p.ID, Export)
		history := r.column("SELECT old_value || new_value FROM patient_history WHERE patient_id = $1", p.ID)
		var sealed string
		r.must(db.Write(r.one, func(tx *store.Tx) (err error) {
			sealed, err = r.patients.SealFor(r.one, tx, p.ID, "old data", "test")
			return err
		}))
		if len(history) == 0 {
			t.Fatal("no history to be erased")
		}
		r.done(p.ID, Delete)

		// What was sealed stays in the database, and nobody can open it.
		if after := r.column("SELECT old_value || new_value FROM patient_history WHERE patient_id = $1", p.ID); len(after) != len(history) {
			t.Errorf("history has %d rows, had %d", len(after), len(history))
		}
		r.must(db.Write(r.one, func(tx *store.Tx) error {
			if text, err := r.patients.UnsealFor(r.one, tx, p.ID, sealed, "test"); err == nil {
				t.Errorf("old data still opens: %q", text)
			}
			if _, err := r.patients.SealFor(r.one, tx, p.ID, "new data", "test"); err == nil {
				t.Error("an erased person got a new key")
			}
			return nil
		}))
		if _, err := r.Fetch(r.one, copied.ID); err == nil {
			t.Error("the copy made before still opens")
		}
		r.gone(p, other)
	})
}

// somebody2 shares nothing with somebody and must survive their removal.
func (r *rig) somebody2() patient.Patient {
	r.t.Helper()
	p, err := r.patients.Create(r.one, patient.Patient{Name: "西门吹雪", Phones: []patient.Phone{{Number: "13900000002", Primary: true}}})
	r.must(err)
	return p
}

// gone checks that the words of a person stand nowhere in the clear, that
// nobody finds or changes them, and that another person is untouched.
func (r *rig) gone(p, other patient.Patient) {
	r.t.Helper()
	for _, q := range []string{"SELECT name || notes || allergies || birth_date FROM patients WHERE id = $1", "SELECT note || evidence_ref FROM consents WHERE patient_id = $1"} {
		for _, text := range r.column(q, p.ID) {
			if strings.ContainsAny(text, "东方既白改过青霉素别扰") || strings.Contains(text, "1990") {
				r.t.Errorf("left in the clear: %q", text)
			}
		}
	}
	for _, table := range []string{"patient_phones", "patient_identifiers", "patient_secrets", "patient_keys", "patient_timeline", "privacy_files"} {
		if left := r.column("SELECT patient_id FROM "+table+" WHERE patient_id = $1", p.ID); len(left) > 0 {
			r.t.Errorf("%s still has %d rows", table, len(left))
		}
	}
	for _, key := range []string{"13900000001", "东方既白", "dongfangjibai", "0001"} {
		hits, err := r.patients.Search(r.one, key, 10)
		r.must(err)
		for _, h := range hits {
			if h.ID == p.ID {
				r.t.Errorf("still found by %s", key)
			}
		}
	}
	_, err := r.patients.BreakGlass(r.two, p.ID, "look for what is left")
	r.must(err)
	list, _, err := r.patients.History(r.two, p.ID, "", 50)
	r.must(err)
	for _, c := range list {
		if !c.Erased || c.Old+c.New != "" {
			r.t.Errorf("history still says %+v", c)
		}
	}
	_, err = r.consents.Decide(r.one, consent.Entry{PatientID: p.ID, Purpose: "marketing", Channel: "sms", Decision: consent.Refused, GivenBy: consent.BySelf})
	if !errs.Is(err, errs.Conflict) {
		r.t.Errorf("a decision of an erased person: %v, want a conflict", err)
	}
	if got, err := r.patients.Get(r.one, other.ID); err != nil || got.Name != "西门吹雪" || len(got.Phones) != 1 {
		r.t.Errorf("another person: %+v, %v", got, err)
	}
}

func TestErasureReachesMergedRecords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		keep, twin := r.somebody2(), r.somebody()
		_, err := r.patients.Merge(r.one, patient.MergeRequest{Keep: keep.ID, Merge: twin.ID})
		r.must(err)
		r.done(twin.ID, Delete)
		for _, one := range []string{keep.ID, twin.ID} {
			if left := r.column("SELECT name || notes FROM patients WHERE id = $1", one); len(left) != 1 || left[0] != "" {
				t.Errorf("record %s still says %v", one, left)
			}
		}
		if keys := r.column("SELECT patient_id FROM patient_secrets"); len(keys) > 0 {
			t.Errorf("keys are left: %v", keys)
		}
	})
}

func TestRestrictionClosesTheRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p := r.somebody()
		r.done(p.ID, Restrict)
		denied := func(what string, err error) {
			t.Helper()
			var e *errs.Error
			if !errors.As(err, &e) || e.Key != "patient.restricted" {
				t.Errorf("%s of a restricted record: %v, want patient.restricted", what, err)
			}
		}
		_, err := r.patients.Get(r.one, p.ID)
		denied("view", err)
		_, _, err = r.patients.History(r.one, p.ID, "", 10)
		denied("history", err)
		_, err = r.patients.Timeline(r.one, p.ID, patient.TimelineFilter{}, "")
		denied("timeline", err)
		_, err = r.patients.Reveal(r.one, p.ID, "name", "curious")
		denied("reveal", err)
		_, err = r.patients.Edit(r.one, p.ID, 0, func(x *patient.Patient) error { x.Notes = "x"; return nil })
		denied("edit", err)
		a, err := r.patients.BreakGlass(r.one, p.ID, "急救")
		r.must(err)
		_, err = r.patients.Get(r.one, p.ID)
		r.must(err)
		_, err = r.patients.Get(r.two, p.ID) // the access is one person's
		denied("view of another person", err)
		if err := r.patients.ReviewAccess(r.one, a.ID, "fine"); !errs.Is(err, errs.Denied) {
			t.Errorf("review of one's own access: %v, want denied", err)
		}
		r.must(r.patients.ReviewAccess(r.two, a.ID, "确为急救"))
		r.now = r.now.Add(31 * time.Minute)
		_, err = r.patients.Get(r.one, p.ID)
		denied("view after half an hour", err)
		r.done(p.ID, Lift)
		_, err = r.patients.Get(r.one, p.ID)
		r.must(err)
	})
}

func TestRemovalWaitsForTheLaw(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p := r.somebody()
		visit := r.now.AddDate(-14, 0, 0)
		r.must(db.Write(r.one, func(tx *store.Tx) error {
			return r.patients.SetTimelineOf(r.one, tx, patient.KindOutpatient, "v1", patient.TimelineEntry{PatientID: p.ID, At: visit, Kind: patient.KindOutpatient, Title: "门诊", SourceID: "v1"})
		}))
		q := r.ask(p.ID, Delete)
		if len(q.Obstacles) != 1 || q.Obstacles[0].Part != "outpatient" || !q.Obstacles[0].Until.Equal(visit.AddDate(15, 0, 0)) {
			t.Errorf("obstacles %+v", q.Obstacles)
		}
		_, err := r.Decide(r.two, q.ID, true, "")
		var e *errs.Error
		if !errors.As(err, &e) || e.Key != "privacy.must_be_kept" || e.Params["basis"] == "" {
			t.Errorf("accepted with %v, want privacy.must_be_kept", err)
		}
		r.now = r.now.AddDate(1, 0, 1)
		_, err = r.Decide(r.two, q.ID, true, "")
		r.must(err)
		// Something may come between the decision and the deed.
		r.extra.Obstacles = func(context.Context, *store.Tx, []string) ([]dossier.Obstacle, error) {
			return []dossier.Obstacle{{Key: "privacy.must_be_kept_card", Part: "card"}}, nil
		}
		r.must(r.fulfil(identity.System(t.Context(), "privacy"), q.ID))
		if q, err = r.Get(r.one, q.ID); err != nil || q.Status != Failed {
			t.Errorf("with money on the card: %s, %v, want failed", q.Status, err)
		}
		if got, err := r.patients.Get(r.one, p.ID); err != nil || got.Name != "东方既白" {
			t.Errorf("the record after a failed removal: %q, %v", got.Name, err)
		}
	})
}

func TestRemovalIsAllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p := r.somebody()
		q := r.ask(p.ID, Delete)
		_, err := r.Decide(r.two, q.ID, true, "")
		r.must(err)
		broken := errors.New("disk full")
		r.extra.Erase = func(context.Context, *store.Tx, []string) error { return broken }
		if err := r.fulfil(identity.System(t.Context(), "privacy"), q.ID); !errors.Is(err, broken) {
			t.Errorf("removal with a broken part: %v", err)
		}
		if got, err := r.patients.Get(r.one, p.ID); err != nil || got.Notes != "改过的话" {
			t.Errorf("half removed: %+v, %v", got, err)
		}
		r.extra.Erase = func(context.Context, *store.Tx, []string) error { return nil }
		r.must(r.fulfil(identity.System(t.Context(), "privacy"), q.ID)) // as the job does, later
		if q, err = r.Get(r.one, q.ID); err != nil || q.Status != Done {
			t.Errorf("after trying again: %s, %v", q.Status, err)
		}
	})
}

func TestWhoDecides(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	p := r.somebody()
	del := r.ask(p.ID, Delete)
	if _, err := r.Decide(r.one, del.ID, true, ""); !errs.Is(err, errs.Denied) {
		t.Errorf("one person alone removed somebody: %v", err)
	}
	if _, err := r.Ask(r.one, Request{PatientID: p.ID, Kind: Delete, Requester: BySelf, Channel: "phone", Evidence: "x"}); !errs.Is(err, errs.Conflict) {
		t.Errorf("the same request twice: %v, want a conflict", err)
	}
	if _, err := r.Decide(r.two, del.ID, false, ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("a refusal without a note: %v, want invalid", err)
	}
	if q, err := r.Decide(r.two, del.ID, false, "身份不符"); err != nil || q.Status != Refused || q.DecidedBy != "two" {
		t.Errorf("refusal: %+v, %v", q, err)
	}
	if _, err := r.Decide(r.two, del.ID, true, ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("deciding twice: %v, want a conflict", err)
	}
	agent := identity.With(t.Context(), identity.Principal{UserID: "agent", Permissions: map[identity.Permission]bool{identity.PatientWrite: true}})
	q, err := r.Ask(agent, Request{PatientID: p.ID, Kind: Export, Requester: BySelf, Channel: "phone", Evidence: "回拨核对"})
	r.must(err)
	for what, err := range map[string]error{"decide": errOf(r.Decide(agent, q.ID, true, "")), "get": errOf(r.Get(agent, q.ID)), "fetch": errOf(r.Fetch(agent, q.ID))} {
		if !errs.Is(err, errs.Denied) {
			t.Errorf("%s by an agent: %v, want denied", what, err)
		}
	}
	if _, err := r.Ask(agent, Request{PatientID: p.ID, Kind: "sell", Requester: BySelf, Channel: "phone", Evidence: "x"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("an unknown kind: %v, want invalid", err)
	}
	r.now = r.now.Add(16 * 24 * time.Hour)
	late, _, err := r.List(r.one, Filter{Overdue: true})
	if err != nil || len(late) != 1 || late[0].ID != q.ID {
		t.Errorf("overdue: %+v, %v", late, err)
	}
}

func errOf[T any](_ T, err error) error { return err }
