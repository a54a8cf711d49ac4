package app

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
	"heartline/internal/contact/call"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// keypad is a small hospital behind the telephone menu.
type keypad struct {
	*testing.T
	d    *dips
	ctx  context.Context
	db   *store.DB
	dept hospital.Department
	doc  hospital.Doctor
	zhou patient.Patient
	baby patient.Patient
	now  time.Time
}

func newKeypad(t *testing.T, db *store.DB) *keypad {
	t.Helper()
	zone := time.FixedZone("CST", 8*3600)
	k := &keypad{T: t, db: db, ctx: identity.System(t.Context(), "test"), now: time.Date(2026, 11, 23, 7, 0, 0, 0, zone)}
	now := func() time.Time { return k.now }
	keys, err := crypto.Open(t.TempDir())
	k.must(err)
	bus, log := event.NewBus(), audit.New(now)
	t.Cleanup(bus.Close)
	patients := patient.New(db, keys, log, bus, now, zone)
	house := hospital.New(hospital.Deps{DB: db, Audit: log, Bus: bus, Now: now})
	bookings := booking.New(booking.Deps{DB: db, Audit: log, Bus: bus, Now: now, Zone: zone})
	p := policy.Default()
	p.Limits, p.Penalties, p.CancelByType, p.Cancel = nil, nil, nil, policy.Deadline{Kind: policy.BeforeStart, Minutes: 60}
	saved, err := bookings.SavePolicy(k.ctx, booking.StoredPolicy{Name: "mild", Policy: p})
	k.must(err)
	_, err = bookings.ActivatePolicy(k.ctx, saved.ID)
	k.must(err)
	k.d = newDips(patients, house, bookings, zone, now)
	campus, err := house.SaveCampus(k.ctx, hospital.Campus{Code: "main", Name: "本部"})
	k.must(err)
	k.dept, err = house.CreateDepartment(k.ctx, hospital.Department{Code: "03.04", Name: "心内科", CampusID: campus.ID, Clinical: true})
	k.must(err)
	k.doc, err = house.SaveDoctor(k.ctx, hospital.Doctor{Code: "D1001", Name: "林致远", Title: hospital.Chief, DepartmentID: k.dept.ID, CampusID: campus.ID})
	k.must(err)
	k.zhou = k.person("周敏", "1962-03-05", "13800138000", "440308196203051512")
	return k
}

func (k *keypad) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *keypad) person(name, birth, phone, number string) patient.Patient {
	k.Helper()
	p := patient.Patient{Name: name, BirthDate: birth, Phones: []patient.Phone{{Number: phone, Primary: true}}}
	if number != "" {
		number = number[:17] + string(patient.CheckDigit(number[:17]))
		p.Identifiers = []patient.Identifier{{Type: patient.IDCard, Value: number}}
	}
	saved, err := k.d.patients.Create(k.ctx, p)
	k.must(err)
	saved.Notes = number // for the test alone
	return saved
}

// clinic opens a session on the second day from now, numbers every ten minutes
// from eight.
func (k *keypad) clinic(n int) booking.Session {
	k.Helper()
	start := k.now.AddDate(0, 0, 2).Add(time.Hour)
	se := booking.Session{Date: start.Format(time.DateOnly), Period: booking.Morning, StartAt: start, EndAt: start.Add(4 * time.Hour),
		DepartmentID: k.dept.ID, DoctorID: k.doc.ID, Type: booking.Expert, Fee: 5000, ReleaseAt: k.now.AddDate(0, 0, -7)}
	numbers := make([]booking.Number, n)
	for i := range numbers {
		at := start.Add(time.Duration(i) * 10 * time.Minute)
		numbers[i] = booking.Number{StartAt: at, EndAt: at.Add(10 * time.Minute)}
	}
	se, err := k.d.bookings.CreateSession(k.ctx, se, numbers)
	k.must(err)
	return se
}

// run asks as call control does: with nobody signed in.
func (k *keypad) run(name string, kv ...string) call.DipResult {
	k.Helper()
	vars := map[string]string{call.VarCaller: "13800138000", call.VarKey: "c1/" + name}
	for i := 0; i+1 < len(kv); i += 2 {
		vars[kv[i]] = kv[i+1]
	}
	r, err := k.d.Run(k.Context(), "c1", name, vars)
	k.must(err)
	return r
}

func (k *keypad) expect(r call.DipResult, outcome string) call.DipResult {
	k.Helper()
	if r.Outcome != outcome {
		k.Fatalf("%+v, want %s", r, outcome)
	}
	return r
}

func TestKeypadIdentifies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := newKeypad(t, db)
		r := k.expect(k.run("identify_by_phone"), "found")
		if r.Vars["patient"] != k.zhou.ID || r.Vars["birth_year"] != "1962" || len(r.People) != 1 {
			t.Errorf("%+v", r)
		}
		for _, number := range []string{"", "8001", "13900000000"} {
			k.expect(k.run("identify_by_phone", call.VarCaller, number), "none")
		}
		r = k.expect(k.run("identify_by_id", "id_number", k.zhou.Notes), "found")
		if r.Vars["patient"] != k.zhou.ID {
			t.Errorf("%+v", r)
		}
		k.expect(k.run("identify_by_phone_birth", "phone", "13800138000", "birth", "19620305"), "found")

		k.baby = k.person("周小宝", "2020-06-01", "13800138000", "")
		r = k.expect(k.run("identify_by_phone"), "many")
		for _, o := range r.Options {
			if len(o.Say) != 1 || !strings.HasPrefix(o.Say[0], "=born:") {
				t.Errorf("spoken %v", o.Say) // a year, never a name
			}
		}
		r = k.expect(k.run("identify_by_phone_birth", "phone", "13800138000", "birth", "20200601"), "found")
		if r.Vars["patient"] != k.baby.ID {
			t.Errorf("%+v", r)
		}
		k.person("周小贝", "2020-06-01", "13800138000", "")
		k.expect(k.run("identify_by_phone"), "none") // twins: a document tells them apart
		k.expect(k.run("identify_by_phone_birth", "phone", "13800138000", "birth", "20200601"), "none")
	})
}

func TestKeypadRefusesWrongIdentities(t *testing.T) {
	k := newKeypad(t, storetest.SQLite(t))
	for _, id := range []string{"", "123456789012345", "440308196203051512X", "44030819620305151Y", "440308196213051512"} {
		k.expect(k.run("identify_by_id", "id_number", id, call.VarCaller, "1390000"+id), "invalid")
	}
	for _, birth := range []string{"", "1962", "19621305", "20990101", "18991231", "1962030a"} {
		k.expect(k.run("identify_by_phone_birth", "phone", "13800138000", "birth", birth, call.VarCaller, "1391111"+birth), "invalid")
	}
	for range maxGuesses {
		k.expect(k.run("identify_by_phone_birth", "phone", "13800138000", "birth", "19620306"), "none")
	}
	k.expect(k.run("identify_by_phone_birth", "phone", "13800138000", "birth", "19620305"), "none") // no more guesses
	k.now = k.now.Add(guessesEvery)
	k.expect(k.run("identify_by_phone_birth", "phone", "13800138000", "birth", "19620305"), "found")
	if _, err := k.d.Run(t.Context(), "c1", "delete_everything", nil); err == nil {
		t.Error("an unknown dip ran")
	}
}

func TestKeypadBooksAndCancels(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := newKeypad(t, db)
		k.expect(k.run("booking.departments"), "none")
		k.clinic(8)
		departments := k.expect(k.run("booking.departments"), "ok")
		if len(departments.Options) != 1 || departments.Options[0].Say[0] != "dept_03_04" {
			t.Fatalf("%+v", departments)
		}
		with := []string{"patient", k.zhou.ID, "department", k.dept.ID}
		days := k.expect(k.run("booking.days", with...), "ok")
		if len(days.Options) != 1 || !slices.Equal(days.Options[0].Say, []string{"=date:2026-11-25", "=weekday:2026-11-25"}) {
			t.Fatalf("%+v", days)
		}
		with = append(with, "date", "2026-11-25")
		slots := k.expect(k.run("booking.slots", with...), "ok")
		if len(slots.Options) != 2 || !slices.Equal(slots.Options[1].Say, []string{"=time:09:00", "doctor_d1001", "expert"}) || slots.Options[1].Vars["fee"] != "5000" {
			t.Fatalf("%+v", slots)
		}
		with = append(with, "session", slots.Options[1].Vars["session"], "number", slots.Options[1].Value)
		booked := k.expect(k.run("booking.book", with...), "ok")
		if len(booked.Vars["code"]) != 8 || booked.Vars["seq"] != "7" || booked.Vars["time"] != "09:00" {
			t.Fatalf("%+v", booked)
		}
		again := k.expect(k.run("booking.book", with...), "ok") // the same step of the same call
		if again.Vars["appointment"] != booked.Vars["appointment"] {
			t.Error("booked twice")
		}
		a, err := k.d.bookings.Get(k.ctx, booked.Vars["appointment"])
		k.must(err)
		if a.Channel != booking.ChannelIVR || a.PatientID != k.zhou.ID || a.BookedBy != "patient:"+k.zhou.ID {
			t.Errorf("%+v", a)
		}
		r := k.expect(k.run("booking.book", append(with, call.VarKey, "c2/book", "number", slots.Options[0].Value)...), "refused")
		if !slices.Equal(r.Say, []string{"refuse_double"}) {
			t.Errorf("%+v", r)
		}
		other := k.person("李雷", "1990-01-01", "13700000000", "440308199001011512")
		k.expect(k.run("booking.book", append(with, call.VarKey, "c3/book", "patient", other.ID)...), "taken")

		mine := k.expect(k.run("booking.mine", "patient", k.zhou.ID), "ok")
		if len(mine.Options) != 1 || !slices.Equal(mine.Options[0].Say, []string{"=date:2026-11-25", "=time:09:00", "dept_03_04", "doctor_d1001"}) {
			t.Fatalf("%+v", mine)
		}
		k.expect(k.run("booking.cancel", "patient", other.ID, "appointment", a.ID), "refused") // not the caller's
		k.expect(k.run("booking.cancel", "patient", k.zhou.ID, "appointment", a.ID), "ok")
		k.expect(k.run("booking.mine", "patient", k.zhou.ID), "none")
		k.expect(k.run("booking.book", append(with, call.VarKey, "c4/book")...), "ok")
	})
}

func TestKeypadTellsWhenItIsTooLate(t *testing.T) {
	k := newKeypad(t, storetest.SQLite(t))
	k.clinic(3)
	slots := k.expect(k.run("booking.slots", "patient", k.zhou.ID, "department", k.dept.ID, "date", "2026-11-25"), "ok")
	with := []string{"patient", k.zhou.ID, "session", slots.Options[0].Vars["session"], "number", slots.Options[0].Value}
	booked := k.expect(k.run("booking.book", with...), "ok")
	k.now = time.Date(2026, 11, 25, 7, 30, 0, 0, k.d.zone)
	r := k.expect(k.run("booking.cancel", "patient", k.zhou.ID, "appointment", booked.Vars["appointment"]), "refused")
	if !slices.Equal(r.Say, []string{"refuse_late"}) {
		t.Errorf("%+v", r)
	}
}

// A database that is gone is an error, and an error is a person.
func TestKeypadWithoutDatabase(t *testing.T) {
	k := newKeypad(t, storetest.SQLite(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"identify_by_phone", "booking.departments", "booking.days", "booking.slots", "booking.book", "booking.mine", "booking.cancel"} {
		if r, err := k.d.Run(ctx, "c1", name, map[string]string{call.VarCaller: "13800138000", "patient": k.zhou.ID, "session": "s", "number": "n", "appointment": "a"}); err == nil && r.Outcome != "refused" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
