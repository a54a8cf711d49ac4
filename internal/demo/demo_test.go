package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// services opens everything that Seed fills.
func services(t testing.TB, db *store.DB, now time.Time) (Services, context.Context) {
	t.Helper()
	ctx := identity.System(t.Context(), "test")
	dir := t.TempDir()
	keys, err := crypto.Open(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	bus, log := event.NewBus(), audit.New(clock)
	t.Cleanup(bus.Close)
	zone := time.FixedZone("CST", 8*3600)
	users, err := identity.New(ctx, identity.Deps{DB: db, Audit: log, Keys: keys, Bus: bus, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	board, err := switchboard.New(ctx, switchboard.Config{DB: db, Keys: keys, Audit: log, Bus: bus, Now: clock, DataDir: dir, Realm: "test", Zone: "Asia/Shanghai"})
	if err != nil {
		t.Fatal(err)
	}
	j := journal.New(db, clock)
	jobs, err := job.New(db, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	purse := ledger.New(ledger.Deps{DB: db, Audit: log, Bus: bus, Now: clock, Zone: zone})
	return Services{
		DB: db, Identity: users, Board: board, Patients: patient.New(db, keys, log, bus, clock, zone), Ledger: purse,
		Booking:  booking.New(booking.Deps{DB: db, Audit: log, Bus: bus, Jobs: jobs, Now: clock, Zone: zone, Purse: purse}),
		Hospital: hospital.New(hospital.Deps{DB: db, Audit: log, Bus: bus, Now: clock}), Journal: j,
		Records: callrecord.New(db, j, callrecord.DefaultRules(), clock), Keys: keys, Now: clock, Zone: zone,
		Log: slog.New(slog.DiscardHandler),
	}, ctx
}

func testNow() time.Time { return time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC) } // Friday 14:30

func count(t *testing.T, db *store.DB, sql string) int {
	t.Helper()
	var n int
	err := db.Read(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(t.Context(), sql).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSeed fills both databases and looks at the hospital from all sides; the
// same clock must give the same people on both.
func TestSeed(t *testing.T) {
	prints := map[string]string{}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sv, ctx := services(t, db, testNow())
		began := time.Now()
		if err := Seed(ctx, sv); err != nil {
			t.Fatal(err)
		}
		t.Logf("seeded in %v", time.Since(began).Round(time.Millisecond))
		prints[string(db.Dialect())] = fingerprint(t, db)
		t.Run("size", func(t *testing.T) { checkSize(t, db) })
		t.Run("people", func(t *testing.T) { checkPeople(t, sv, ctx) })
		t.Run("families", func(t *testing.T) { checkFamilies(t, db) })
		t.Run("medicine", func(t *testing.T) { checkMedicine(t, db) })
		t.Run("calls", func(t *testing.T) { checkCalls(t, sv, ctx) })
		t.Run("receipts", func(t *testing.T) { checkTrail(t, sv, ctx) })
		t.Run("switchboard", func(t *testing.T) { checkBoard(t, sv, ctx) })
		t.Run("spoken names", func(t *testing.T) {
			departments, err := sv.Hospital.Departments(ctx, "", "")
			if err != nil {
				t.Fatal(err)
			}
			doctors, err := sv.Hospital.Doctors(ctx, hospital.DoctorFilter{})
			if err != nil {
				t.Fatal(err)
			}
			checkNames(t, doctors, departments)
		})
		t.Run("clinics", func(t *testing.T) { checkClinics(t, db) })
		t.Run("cast", func(t *testing.T) { checkCast(t, sv, ctx) })
		t.Run("again", func(t *testing.T) {
			if err := Seed(ctx, sv); !errors.Is(err, ErrSeeded) {
				t.Errorf("seeded twice: %v", err)
			}
		})
		if _, err := audit.Verify(ctx, db); err != nil {
			t.Error(err)
		}
	})
	if prints["postgres"] != "" && prints["sqlite"] != prints["postgres"] {
		t.Error("the same clock made different hospitals")
	}
}

// fingerprint is a digest of everybody and everything that happened to them.
func fingerprint(t *testing.T, db *store.DB) string {
	t.Helper()
	h := sha256.New()
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		for _, q := range []string{
			`SELECT code || name || birth_date || address || tags FROM patients ORDER BY code`,
			`SELECT p.code || t.kind || t.title || t.summary || t.doctor FROM patient_timeline t JOIN patients p ON p.id = t.patient_id
				WHERE t.kind <> 'call' ORDER BY t.at, p.code, t.kind, t.title, t.summary`,
			`SELECT name || intro || sessions FROM doctors ORDER BY code`,
		} {
			rows, err := tx.Query(t.Context(), q)
			if err != nil {
				return err
			}
			defer rows.Close()
			var lines []string
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					return err
				}
				lines = append(lines, s)
			}
			slices.Sort(lines) // databases order text differently
			for _, l := range lines {
				h.Write([]byte(l + "\n"))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func checkSize(t *testing.T, db *store.DB) {
	for _, c := range []struct {
		what, sql string
		least     int
	}{
		{"clinical departments", "SELECT COUNT(*) FROM departments WHERE clinical = 1", 24},
		{"campuses", "SELECT COUNT(*) FROM campuses", 2},
		{"doctors", "SELECT COUNT(*) FROM doctors", 60},
		{"customers", "SELECT COUNT(*) FROM patients", 5000},
		{"households", "SELECT COUNT(*) FROM households", 1000},
		{"timeline entries", "SELECT COUNT(*) FROM patient_timeline", 20000},
		{"calls", "SELECT COUNT(*) FROM calls", 3500},
		{"users", "SELECT COUNT(*) FROM users", 11},
		{"people who wait for a number", "SELECT COUNT(*) FROM booking_waitlist WHERE state = 'waiting'", fullClinics * waitingEach},
		{"people recorded twice", "SELECT COUNT(*) FROM (SELECT name FROM patients GROUP BY name, birth_date HAVING COUNT(*) > 1) AS t", twice},
	} {
		if n := count(t, db, c.sql); n < c.least {
			t.Errorf("%d %s, want at least %d", n, c.what, c.least)
		}
	}
	for _, k := range patient.Kinds() {
		if n := count(t, db, "SELECT COUNT(*) FROM patient_timeline WHERE kind = '"+k+"'"); n < 50 {
			t.Errorf("only %d timeline entries of kind %s", n, k)
		}
	}
}

// checkPeople reads some records in full: documents and phones must be right.
func checkPeople(t *testing.T, sv Services, ctx context.Context) {
	shared, documents := 0, 0
	for i := range 200 {
		hits, err := sv.Patients.Search(ctx, code(i*23+1), 1)
		if err != nil || len(hits) != 1 {
			t.Fatalf("customer %s: %v, %v", code(i*23+1), hits, err)
		}
		p, err := sv.Patients.Get(ctx, hits[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range p.Identifiers {
			full, err := sv.Patients.Reveal(ctx, p.ID, "identifier:"+d.ID, "test")
			if err != nil {
				t.Fatal(err)
			}
			if d.Type != patient.IDCard {
				continue
			}
			documents++
			if info, key := patient.ParseID(d.Type, full, testNow()); key != "" || info.BirthDate != p.BirthDate || info.Sex != p.Sex {
				t.Errorf("document of customer %d: %s %s %s", i, key, info.BirthDate, p.BirthDate)
			}
		}
		for _, ph := range p.Phones {
			pop, err := sv.Patients.Pop(ctx, ph.Number)
			if err != nil || len(pop.Candidates) == 0 {
				t.Fatalf("phone of customer %d finds nobody: %v", i, err)
			}
			if len(pop.Candidates) > 1 {
				shared++
			}
		}
		if age := p.Age(testNow()); age >= 14 && age < 60 && len(p.Phones) == 0 {
			t.Errorf("customer %d has no phone", i)
		}
		if p.Address.District == "" || p.Pinyin == "" {
			t.Errorf("customer %d is incomplete", i)
		}
	}
	if shared < 20 || documents < 150 {
		t.Errorf("%d shared phones, %d documents", shared, documents)
	}
}

// code is the customer code of the nth person.
func code(n int) string {
	body := fmt.Sprintf("%07d", n)
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return fmt.Sprintf("P%s%d", body, (10-sum%10)%10)
}

func checkFamilies(t *testing.T, db *store.DB) {
	for what, sql := range map[string]string{
		"children older than their guardian": `SELECT COUNT(*) FROM patients c JOIN patients g ON g.id = c.guardian_id WHERE c.birth_date <= g.birth_date`,
		"children of another household":      `SELECT COUNT(*) FROM patients c JOIN patients g ON g.id = c.guardian_id WHERE c.household_id <> g.household_id`,
		"households of one":                  `SELECT COUNT(*) FROM (SELECT household_id FROM patients WHERE household_id <> '' GROUP BY household_id HAVING COUNT(*) < 2) x`,
		"minors without a guardian":          `SELECT COUNT(*) FROM patients WHERE birth_date > '2012-12-31' AND guardian_id = ''`,
		"parents too young":                  `SELECT COUNT(*) FROM patients c JOIN patients g ON g.id = c.guardian_id WHERE CAST(SUBSTR(c.birth_date, 1, 4) AS INTEGER) - CAST(SUBSTR(g.birth_date, 1, 4) AS INTEGER) < 18`,
		"entries before birth":               `SELECT COUNT(*) FROM patient_timeline t JOIN patients p ON p.id = t.patient_id WHERE t.at < (CAST(SUBSTR(p.birth_date, 1, 4) AS INTEGER) - 1970) * 31556952000`,
	} {
		// Parents' only child may have been left out where the mother was too young for one.
		if n := count(t, db, sql); n > 0 && (what != "households of one" || n > 40) {
			t.Errorf("%d %s", n, what)
		}
	}
	if n := count(t, db, `SELECT COUNT(*) FROM patients WHERE guardian_id <> ''`); n < 500 {
		t.Errorf("only %d children", n)
	}
}

func checkMedicine(t *testing.T, db *store.DB) {
	for what, cond := range map[string]string{
		"men in gynaecology and obstetrics": `p.sex = 'male' AND t.department IN ('妇科', '产科')`,
		"adults in paediatrics":             `p.birth_date < '2008-01-01' AND t.department = '儿科'`,
		"women with prostates":              `p.sex = 'female' AND t.title LIKE '%前列腺%'`,
		"children with old people's drugs":  `p.birth_date > '2014-01-01' AND t.summary LIKE '%他汀%'`,
		"visits without a doctor":           `t.kind = 'outpatient' AND t.doctor = ''`,
		"visits in the future":              `t.kind IN ('outpatient', 'inpatient', 'exam', 'call', 'followup') AND t.at > ` + fmt.Sprint(testNow().UnixMilli()),
	} {
		if n := count(t, db, `SELECT COUNT(*) FROM patient_timeline t JOIN patients p ON p.id = t.patient_id WHERE `+cond); n > 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// checkCalls looks at the shape of the days and at what became of the calls.
func checkCalls(t *testing.T, sv Services, ctx context.Context) {
	var hours [24]int
	outcomes := map[callrecord.Outcome]int{}
	days := map[time.Weekday]int{}
	total, withPatient, disposed := 0, 0, 0
	var inTime, queued int
	for r, err := range sv.Records.Export(ctx, callrecord.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		total++
		at := r.StartedAt.In(sv.Zone)
		hours[at.Hour()]++
		days[at.Weekday()]++
		outcomes[r.Outcome]++
		if r.EndedAt.IsZero() || r.EndedAt.Before(r.StartedAt) || r.EndedAt.After(testNow()) {
			t.Fatalf("call from %v to %v", r.StartedAt, r.EndedAt)
		}
		if r.PatientID != "" {
			withPatient++
		}
		if r.Outcome == "answered" && r.Direction == "inbound" {
			queued++
			if r.WaitMs <= 15000 {
				inTime++
			}
			if r.Disposition != "" {
				disposed++
			}
			if r.TalkMs < 5000 || len(r.Agents) == 0 || r.Queue == "" {
				t.Fatalf("answered call %s: %d ms talk, agents %v", r.ID, r.TalkMs, r.Agents)
			}
		}
	}
	if hours[9] < 2*hours[12] || hours[14] < 2*hours[12] || hours[3]*10 > hours[9] || hours[3]+hours[4]+hours[5] == 0 {
		t.Errorf("the days have no peaks, dip or night: %v", hours)
	}
	if days[time.Sunday]*3 > days[time.Monday]*2 {
		t.Errorf("Sundays are as busy as Mondays: %v", days)
	}
	if a := outcomes["abandoned"] + outcomes["short_abandoned"]; a*100 < total || a*8 > total || outcomes["ivr"]*100 < total {
		t.Errorf("outcomes %v of %d", outcomes, total)
	}
	if withPatient*2 < total || disposed*10 < queued*9 {
		t.Errorf("%d of %d calls with a customer, %d of %d disposed", withPatient, total, disposed, queued)
	}
	if share := float64(inTime) / float64(queued); share < 0.6 || share > 0.98 {
		t.Errorf("service level %.2f", share)
	}
}

// checkTrail reads whole trails: every answered call explains who got it.
func checkTrail(t *testing.T, sv Services, ctx context.Context) {
	page, err := sv.Records.List(ctx, callrecord.Filter{Outcome: "answered", Direction: "inbound", Limit: 50}, "")
	if err != nil || len(page.Items) < 50 {
		t.Fatalf("%d calls, %v", len(page.Items), err)
	}
	for _, r := range page.Items {
		events, err := sv.Journal.OfContact(ctx, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		explained, last := false, time.Time{}
		for _, e := range events {
			if e.At.Before(last) {
				t.Fatalf("call %s: events out of order", r.ID)
			}
			last = e.At
			p, err := journal.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			if o, ok := p.(journal.QueueOffered); ok {
				explained = o.Receipt.CandidatesTotal > 0 && len(o.Receipt.Candidates) > 0 && o.Receipt.RuleVersion != ""
			}
		}
		if !explained {
			t.Errorf("call %s has no routing receipt", r.ID)
		}
		number, err := sv.Keys.Unseal(r.From.Sealed, "calls:"+r.ID+":from")
		if err != nil || len(number) < 7 {
			t.Errorf("caller of %s cannot be unsealed: %v", r.ID, err)
		}
	}
}

func checkBoard(t *testing.T, sv Services, ctx context.Context) {
	snap := sv.Board.Current(ctx)
	for _, did := range []string{ServiceNumber, EnglishNumber, DirectNumber} {
		n, ok := snap.Number(did)
		if !ok {
			t.Fatalf("number %s is missing", did)
		}
		if n.FlowID == "" {
			continue
		}
		f, ok := snap.Flow(n.FlowID)
		if !ok || f.Language != n.Language {
			t.Errorf("flow of %s: %+v", did, f)
		}
		menu := f.Graph.Nodes["menu"]
		for key, want := range map[string]string{"1": "booking", "2": "enquiries", "3": "office", "0": "operator"} {
			if menu.Choices[key] != want {
				t.Errorf("key %s of %s leads to %s", key, did, menu.Choices[key])
			}
		}
	}
	for _, q := range []string{"appointments", "enquiries", "complaints", "operator"} {
		if got, ok := snap.Queue(q); !ok || got.NameEN == "" || got.ServiceLevelS != 15 {
			t.Errorf("queue %s: %+v", q, got)
		}
	}
	for _, l := range Logins() {
		if _, err := sv.Identity.Login(t.Context(), l.Login, l.Password, "", "127.0.0.1"); err != nil {
			t.Errorf("%s cannot sign in: %v", l.Login, err)
		}
		if l.Number == "" {
			continue
		}
		if acc, ok := snap.Account(l.Number); !ok || !acc.Enabled || acc.HA1MD5 == "" {
			t.Errorf("extension %s cannot register", l.Number)
		}
		if a, ok := snap.AgentByNumber(l.Number); !ok || a.Name != l.Name {
			t.Errorf("agent %s: %+v", l.Number, a)
		}
	}
	if acc, ok := snap.Account(SoftphoneUser); !ok || !acc.Enabled {
		t.Error("no extension for a newcomer's softphone")
	}
	if len(snap.Trunks()) != 1 || len(snap.Dispositions()) < 10 || len(snap.Reasons()) < 5 {
		t.Errorf("%d trunks, %d dispositions, %d reasons", len(snap.Trunks()), len(snap.Dispositions()), len(snap.Reasons()))
	}
}

func checkCast(t *testing.T, sv Services, ctx context.Context) {
	people, err := People(ctx, sv.Patients)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range people {
		seen[p.Scenario] = true
		pop, err := sv.Patients.Pop(ctx, p.Number)
		if err != nil {
			t.Fatal(err)
		}
		n := len(pop.Candidates)
		switch p.Scenario {
		case "unknown":
			if n != 0 || p.Name != "" {
				t.Errorf("%s is not unknown: %+v", p.Number, pop)
			}
		case "shared", "guardian":
			if n < 2 {
				t.Errorf("%s (%s) has %d candidates", p.Number, p.Scenario, n)
			}
		default:
			if n != 1 || len(pop.Recent) == 0 || (p.Scenario == "vip") != pop.Candidates[0].VIP {
				t.Errorf("%s (%s): %+v", p.Number, p.Scenario, pop)
			}
		}
	}
	for _, want := range []string{"known", "shared", "guardian", "vip", "unknown"} {
		if !seen[want] {
			t.Errorf("nobody plays %s", want)
		}
	}
	cast, err := Cast(ctx, sv)
	if err != nil || len(cast.Callers) < 50 || len(cast.Agents) != 4 || len(cast.Dispositions) < 5 {
		t.Errorf("cast %d callers, %d agents, %v", len(cast.Callers), len(cast.Agents), err)
	}
	for _, n := range cast.Callers {
		if strings.Contains(n, "*") {
			t.Fatalf("masked number %s cannot call", n)
		}
	}
}
