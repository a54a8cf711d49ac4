package consent_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"heartline/internal/care/consent"
	"heartline/internal/care/patient"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// people answers from real records.
type people struct{ *patient.Service }

func (p people) Person(ctx context.Context, tx *store.Tx, patientID string) (consent.Person, error) {
	x, err := p.Profile(ctx, tx, patientID)
	return consent.Person{ID: x.ID, BirthDate: x.BirthDate, GuardianID: x.GuardianID, Restricted: x.Restricted, Erased: x.Erased}, err
}

type rig struct {
	*consent.Service
	t        *testing.T
	db       *store.DB
	patients *patient.Service
	ctx      context.Context
	now      time.Time
}

func newRig(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: db, now: time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC), ctx: identity.System(t.Context(), "test")}
	now := func() time.Time { r.now = r.now.Add(time.Second); return r.now }
	keys, err := crypto.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bus, log := event.NewBus(), audit.New(now)
	t.Cleanup(bus.Close)
	zone := time.FixedZone("CST", 8*3600)
	r.patients = patient.New(db, keys, log, bus, now, zone)
	r.Service = consent.New(consent.Deps{DB: db, Audit: log, Bus: bus, Now: now, Zone: zone, People: people{r.patients}})
	return r
}

func (r *rig) person(p patient.Patient) patient.Patient {
	r.t.Helper()
	out, err := r.patients.Create(r.ctx, p)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// yes is a consent that is complete for every purpose.
func yes(patientID, purpose, channel string) consent.Entry {
	return consent.Entry{PatientID: patientID, Purpose: purpose, Channel: channel, Decision: consent.Granted, TextLanguage: "zh-CN", GivenBy: consent.BySelf,
		Evidence: consent.EvidenceForm, EvidenceRef: "F-1"}
}

func (r *rig) decide(e consent.Entry) consent.Entry {
	r.t.Helper()
	out, err := r.Decide(r.ctx, e)
	if err != nil {
		r.t.Fatalf("decide %s %s: %v", e.Purpose, e.Decision, err)
	}
	return out
}

func (r *rig) allows(want bool, patientID, purpose, channel string) {
	r.t.Helper()
	got, err := r.Allowed(r.ctx, patientID, purpose, channel)
	if err != nil || got != want {
		r.t.Errorf("%s by %s: allowed %v (%v), want %v", purpose, channel, got, err, want)
	}
}

func refused(t *testing.T, err error, path, key string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || !slices.ContainsFunc(e.Fields, func(f errs.Field) bool { return f.Path == path && f.Key == key }) {
		t.Errorf("refused with %v, want %s at %s", err, key, path)
	}
}

func TestWithdrawalIsHonouredAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p := r.person(patient.Patient{Name: "王芳", BirthDate: "1980-01-01"})
		r.allows(false, p.ID, "marketing", "sms") // nobody asked yet
		r.allows(true, p.ID, "service", "sms")    // the contract
		e := r.decide(yes(p.ID, "marketing", "sms"))
		if e.TextVersion != 1 {
			t.Errorf("agreed to version %d, want the newest, 1", e.TextVersion)
		}
		r.allows(true, p.ID, "marketing", "sms")
		r.allows(false, p.ID, "marketing", "phone") // another channel is another question
		r.decide(consent.Entry{PatientID: p.ID, Purpose: "marketing", Channel: "sms", Decision: consent.Withdrawn, GivenBy: consent.BySelf})
		r.allows(false, p.ID, "marketing", "sms")
		r.decide(consent.Entry{PatientID: p.ID, Purpose: "service", Channel: "sms", Decision: consent.Refused, GivenBy: consent.BySelf})
		r.allows(false, p.ID, "service", "sms")
		r.allows(true, p.ID, "service", "phone")
		r.allows(false, p.ID, "no-such-purpose", "sms")
		list, err := r.History(r.ctx, p.ID)
		if err != nil || len(list) != 3 || list[0].Decision != consent.Refused || list[2].Decision != consent.Granted || list[2].EvidenceRef != "F-1" {
			t.Errorf("history %+v, %v", list, err)
		}
	})
}

func TestPurposesWithoutChannels(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	p := r.person(patient.Patient{Name: "王芳"})
	r.decide(yes(p.ID, "profiling", consent.AnyChannel))
	r.allows(true, p.ID, "profiling", "sms")
	r.allows(false, p.ID, "marketing", "fax")
	_, err := r.Decide(r.ctx, yes(p.ID, "marketing", "fax"))
	refused(t, err, "channel", "not_allowed")
}

func TestSensitivePurposesWantEvidence(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	p := r.person(patient.Patient{Name: "王芳", BirthDate: "1980-01-01"})
	for _, e := range []consent.Entry{{Evidence: "", EvidenceRef: "F-1"}, {Evidence: consent.EvidenceCall, EvidenceRef: " "}} {
		in := yes(p.ID, "followup", "phone")
		in.Evidence, in.EvidenceRef = e.Evidence, e.EvidenceRef
		_, err := r.Decide(r.ctx, in)
		refused(t, err, "evidence", "consent.evidence_needed")
	}
	plain := yes(p.ID, "satisfaction", "sms") // not sensitive
	plain.Evidence, plain.EvidenceRef = "", ""
	r.decide(plain)
	r.allows(false, p.ID, "followup", "phone")
}

func TestAGuardianDecidesForAChild(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		mother := r.person(patient.Patient{Name: "王芳", BirthDate: "1990-01-01"})
		// In Shanghai it is the day of the fourteenth birthday; in UTC it is the day before it.
		r.now = time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)
		child := r.person(patient.Patient{Name: "王小宝", BirthDate: "2012-11-22", GuardianID: mother.ID})
		grown := r.person(patient.Patient{Name: "王大宝", BirthDate: "2012-11-21", GuardianID: mother.ID})
		_, err := r.Decide(r.ctx, yes(child.ID, "followup", "phone"))
		refused(t, err, "given_by", "consent.guardian_needed")
		r.decide(yes(grown.ID, "followup", "phone"))
		in := yes(child.ID, "followup", "phone")
		in.GivenBy, in.GuardianID = consent.ByGuardian, grown.ID
		_, err = r.Decide(r.ctx, in)
		refused(t, err, "guardian_id", "consent.guardian_unknown")
		in.GuardianID = ""
		if e := r.decide(in); e.GuardianID != mother.ID {
			t.Errorf("guardian %q, want the mother %q", e.GuardianID, mother.ID)
		}
		orphan := r.person(patient.Patient{Name: "小明", BirthDate: "2020-01-01"})
		in = yes(orphan.ID, "followup", "phone")
		in.GivenBy = consent.ByGuardian
		_, err = r.Decide(r.ctx, in)
		refused(t, err, "guardian_id", "consent.guardian_unknown")
	})
}

func TestANewTextMakesOlderConsentsOutdated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p := r.person(patient.Patient{Name: "王芳"})
		r.decide(yes(p.ID, "marketing", "sms"))
		text, err := r.AddText(r.ctx, consent.Text{Purpose: "marketing", Language: "zh-CN", Text: "  我同意医院向我发送义诊信息，可随时撤回。 "})
		if err != nil || text.Version != 2 || text.Text[0] == ' ' {
			t.Fatalf("text %+v, %v", text, err)
		}
		list, err := r.Of(r.ctx, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(c consent.Current) bool { return c.Purpose.Code == "marketing" && c.Channel == "sms" })
		if c := list[i]; !c.Outdated || !c.Allowed || c.Entry.TextVersion != 1 {
			t.Errorf("after the new text: %+v", c)
		}
		old := yes(p.ID, "marketing", "sms")
		old.TextVersion = 1
		_, err = r.Decide(r.ctx, old)
		refused(t, err, "text_version", "consent.text_outdated")
		r.decide(yes(p.ID, "marketing", "sms"))
		list, err = r.Of(r.ctx, p.ID)
		if err != nil || list[i].Outdated || list[i].Entry.TextVersion != 2 {
			t.Errorf("after agreeing anew: %+v, %v", list[i], err)
		}
		for _, bad := range []consent.Text{{Purpose: "marketing", Language: "zh-CN", Text: "短"}, {Purpose: "marketing", Language: "fr", Text: "assez long pour passer"}} {
			if _, err := r.AddText(r.ctx, bad); !errs.Is(err, errs.Invalid) {
				t.Errorf("text %+v: %v, want invalid", bad, err)
			}
		}
		if _, err := r.AddText(r.ctx, consent.Text{Purpose: "nothing", Language: "en", Text: "long enough a text"}); !errs.Is(err, errs.NotFound) {
			t.Errorf("text of no purpose: %v", err)
		}
	})
}

func TestRestrictedAndMergedPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p, twin := r.person(patient.Patient{Name: "王芳"}), r.person(patient.Patient{Name: "王芳"})
		r.decide(yes(p.ID, "marketing", "sms"))
		restrict := func(on bool) {
			if err := db.Write(r.ctx, func(tx *store.Tx) error { return r.patients.SetRestricted(r.ctx, tx, p.ID, on) }); err != nil {
				t.Fatal(err)
			}
		}
		restrict(true)
		r.allows(false, p.ID, "marketing", "sms")
		r.allows(true, p.ID, "service", "sms") // the contract goes on
		restrict(false)
		r.allows(true, p.ID, "marketing", "sms")
		if _, err := r.patients.Merge(r.ctx, patient.MergeRequest{Keep: p.ID, Merge: twin.ID}); err != nil {
			t.Fatal(err)
		}
		r.allows(true, twin.ID, "marketing", "sms") // the record that stands for it
		if e := r.decide(yes(twin.ID, "satisfaction", "sms")); e.PatientID != p.ID {
			t.Errorf("decision stored with %s, want the kept record %s", e.PatientID, p.ID)
		}
	})
}

func TestConsentsNeedRights(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	p := r.person(patient.Patient{Name: "王芳"})
	reader := identity.With(t.Context(), identity.Principal{UserID: "u1", Permissions: map[identity.Permission]bool{identity.PatientRead: true}})
	if _, err := r.Of(reader, p.ID); err != nil {
		t.Errorf("reader: %v", err)
	}
	if _, err := r.Decide(reader, yes(p.ID, "marketing", "sms")); !errs.Is(err, errs.Denied) {
		t.Errorf("decision of a reader: %v, want denied", err)
	}
	if _, err := r.AddText(reader, consent.Text{Purpose: "marketing", Language: "en", Text: "long enough a text"}); !errs.Is(err, errs.Denied) {
		t.Errorf("text of a reader: %v, want denied", err)
	}
	if _, err := r.Of(t.Context(), p.ID); !errs.Is(err, errs.Unknown) {
		t.Errorf("nobody: %v, want unknown", err)
	}
	bad := yes(p.ID, "marketing", "sms")
	bad.Note = "a\x00b"
	if _, err := r.Decide(r.ctx, bad); !errs.Is(err, errs.Invalid) {
		t.Errorf("control characters: %v, want invalid", err)
	}
	list, err := audit.List(t.Context(), r.db, audit.Filter{Patient: p.ID, Limit: 50})
	if err != nil || !slices.ContainsFunc(list, func(e audit.Entry) bool { return e.Action == "consent.view" && e.Actor == "u1" }) {
		t.Errorf("the look was not audited: %+v, %v", list, err)
	}
}
