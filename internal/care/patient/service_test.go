package patient

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func testNow() time.Time { return time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC) }

type fixture struct {
	*Service
	ctx    context.Context // may see everything
	masked context.Context // may read and write, but not reveal
	db     *store.DB
}

func newFixture(t testing.TB, db *store.DB) fixture {
	t.Helper()
	keys, err := crypto.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bus := event.NewBus()
	t.Cleanup(bus.Close)
	s := New(db, keys, audit.New(testNow), bus, testNow, time.FixedZone("CST", 8*3600))
	masked := identity.With(context.Background(), identity.Principal{UserID: "reader", Permissions: map[identity.Permission]bool{
		identity.PatientRead: true, identity.PatientWrite: true}})
	return fixture{s, identity.System(context.Background(), "test"), masked, db}
}

func (f fixture) create(t testing.TB, p Patient) Patient {
	t.Helper()
	out, err := f.Create(f.ctx, p)
	if err != nil {
		t.Fatalf("create %s: %v %+v", p.Name, err, fieldsOf(err))
	}
	return out
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

// idNumber makes a valid identity number.
func idNumber(first17 string) string { return first17 + string(CheckDigit(first17)) }

func sample() Patient {
	return Patient{
		Name: "张晓明", Phones: []Phone{{Number: "+86 138 0013 8000"}, {Number: "027-8888 0000", Type: PhoneHome}},
		Identifiers: []Identifier{{Type: IDCard, Value: idNumber("42010219850312123")}, {Type: Insurance, Value: "A1234567"}},
		Email:       "zhang@example.cn", WeChat: "zxm_1985", Allergies: []string{" 青霉素 ", "青霉素", ""}, Tags: []string{"高血压"},
		Address: Address{Province: "湖北省", City: "武汉市", District: "江岸区", Detail: "某路1号"},
	}
}

func TestCreateNormalisesAndSeals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		p := f.create(t, sample())
		if p.Pinyin != "zhang xiaoming" || p.Initials != "zxm" || p.BirthDate != "1985-03-12" || p.Sex != Male {
			t.Errorf("filled in: %s %s %s %s", p.Pinyin, p.Initials, p.BirthDate, p.Sex)
		}
		if p.Phones[0].Number != "13800138000" || !p.Phones[0].Primary || p.Phones[0].Type != PhoneMobile || p.Phones[1].Number != "02788880000" {
			t.Errorf("phones %+v", p.Phones)
		}
		if len(p.Allergies) != 1 || p.Code == "" || p.Version != 1 || p.Age(testNow()) != 41 {
			t.Errorf("record %+v", p)
		}
		if p.Identifiers[0].Value != "4201************"[:4]+"************"+p.Identifiers[0].Value[16:] || !p.Identifiers[0].Masked {
			t.Errorf("document is shown: %+v", p.Identifiers[0])
		}
		for _, q := range []string{"SELECT sealed || idx || idx8 || idx4 FROM patient_phones", "SELECT sealed || idx || idx8 || idx4 FROM patient_identifiers"} {
			var got string
			err := db.Read(f.ctx, func(tx *store.Tx) error { return tx.QueryRow(f.ctx, q).Scan(&got) })
			if err != nil || strings.Contains(got, "138001") || strings.Contains(got, "19850312") {
				t.Errorf("stored in clear: %s, %v", got, err)
			}
		}
		q := f.create(t, Patient{Name: "李四"})
		if q.Code == p.Code || !luhn(q.Code[1:]) {
			t.Errorf("codes %s and %s", p.Code, q.Code)
		}
	})
}

func TestViewsAreMaskedByRight(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	p := f.create(t, sample())
	m, err := f.Get(f.masked, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "张**" || m.Phones[0].Number != "138****8000" || m.BirthDate != "1985" || m.Pinyin != "" || m.Address.Detail != "***" ||
		m.Email != "z***@example.cn" || m.WeChat != "z***" || !m.Masked || m.Address.District != "江岸区" {
		t.Errorf("masked view %+v", m)
	}
	full, err := f.Get(f.ctx, p.ID)
	if err != nil || full.Name != "张晓明" || full.Phones[0].Number != "13800138000" || !full.Identifiers[0].Masked {
		t.Errorf("full view %+v %v", full, err)
	}
	nobody := identity.With(context.Background(), identity.Principal{UserID: "x"})
	if _, err := f.Get(nobody, p.ID); !errs.Is(err, errs.Denied) {
		t.Errorf("read without right: %v", err)
	}
	if _, err := f.Get(f.ctx, "no-such-id"); !errs.Is(err, errs.NotFound) {
		t.Errorf("unknown id: %v", err)
	}
}

func TestEveryLookIsAudited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		p := f.create(t, sample())
		for _, look := range []func() error{
			func() error { _, err := f.Get(f.masked, p.ID); return err },
			func() error { _, err := f.Timeline(f.masked, p.ID, TimelineFilter{}, ""); return err },
			func() error { _, err := f.Family(f.masked, p.ID); return err },
			func() error {
				_, err := f.Reveal(f.ctx, p.ID, "identifier:"+p.Identifiers[0].ID, "核对身份")
				return err
			},
		} {
			if err := look(); err != nil {
				t.Fatal(err)
			}
		}
		list, err := audit.List(f.ctx, db, audit.Filter{Patient: p.ID})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range list {
			got = append(got, e.Action)
			if strings.Contains(toJSON(e.Detail), "1985") || strings.Contains(toJSON(e.Detail), "138") {
				t.Errorf("personal data in the audit log: %v", e.Detail)
			}
		}
		for _, want := range []string{"patient.create", "patient.view", "patient.timeline", "patient.family", "patient.reveal"} {
			if !strings.Contains(strings.Join(got, " "), want) {
				t.Errorf("%s was not audited: %v", want, got)
			}
		}
		if _, err := audit.Verify(f.ctx, db); err != nil {
			t.Error(err)
		}
	})
}

func TestRevealNeedsRightReasonAndField(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	p := f.create(t, sample())
	if _, err := f.Reveal(f.masked, p.ID, "name", "回访核对"); !errs.Is(err, errs.Denied) {
		t.Errorf("without right: %v", err)
	}
	if _, err := f.Reveal(f.ctx, p.ID, "name", " "); !hasField(err, "reason", "") {
		t.Errorf("without reason: %v", err)
	}
	if _, err := f.Reveal(f.ctx, p.ID, "phone:other", "回访核对"); !hasField(err, "field", "") {
		t.Errorf("unknown field: %v", err)
	}
	got, err := f.Reveal(f.ctx, p.ID, "identifier:"+p.Identifiers[0].ID, "回访核对")
	if err != nil || got != idNumber("42010219850312123") {
		t.Errorf("revealed %q, %v", got, err)
	}
}

func TestUpdateKeepsWhatCameBackMasked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		p := f.create(t, sample())
		m, err := f.Get(f.masked, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		m.Occupation, m.Phones = "教师", append(m.Phones, Phone{Number: "13900139000", Owner: "母亲", Type: PhoneFamily})
		if _, err := f.Update(f.masked, m); err != nil {
			t.Fatalf("%v %+v", err, fieldsOf(err))
		}
		got, err := f.Get(f.ctx, p.ID)
		if err != nil || got.Name != "张晓明" || got.BirthDate != "1985-03-12" || got.Occupation != "教师" || len(got.Phones) != 3 ||
			got.Phones[0].Number != "13800138000" || got.Email != "zhang@example.cn" || got.Version != 2 {
			t.Errorf("after update %+v %v", got, err)
		}
		if v, _ := f.Reveal(f.ctx, p.ID, "identifier:"+got.Identifiers[0].ID, "测试"); v != idNumber("42010219850312123") {
			t.Errorf("document became %q", v)
		}
		if _, err := f.Update(f.masked, m); !errs.Is(err, errs.Conflict) {
			t.Errorf("a stale form overwrote a newer record: %v", err)
		}
		if _, err := f.Edit(f.ctx, p.ID, 0, func(p *Patient) error { p.Name = "章晓明"; return nil }); err != nil {
			t.Fatal(err)
		}
		if hits, _ := f.Search(f.ctx, "章晓明", 5); len(hits) != 1 {
			t.Error("not found under the new name")
		}
	})
}

func TestFieldErrors(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	f.create(t, sample())
	for name, c := range map[string]struct {
		p    Patient
		path string
		key  string
	}{
		"no name":          {Patient{}, "name", "required"},
		"only signs":       {Patient{Name: "…!!"}, "name", "patient.name_invalid"},
		"control":          {Patient{Name: "张\x00三"}, "name", "bad_characters"},
		"invalid utf-8":    {Patient{Name: "\xff张"}, "name", "bad_characters"},
		"long":             {Patient{Name: strings.Repeat("张", 61)}, "name", "too_long"},
		"phone letters":    {Patient{Name: "张三", Phones: []Phone{{Number: "abc13800138000"}}}, "phones[0].number", "patient.phone_invalid"},
		"phone short":      {Patient{Name: "张三", Phones: []Phone{{Number: "1"}}}, "phones[0].number", "patient.phone_invalid"},
		"phone twice":      {Patient{Name: "张三", Phones: []Phone{{Number: "13800138000"}, {Number: "+8613800138000"}}}, "phones[1].number", "patient.phone_twice"},
		"phone type":       {Patient{Name: "张三", Phones: []Phone{{Number: "13800138000", Type: "pager"}}}, "phones[0].type", "not_allowed"},
		"check digit":      {Patient{Name: "张三", Identifiers: []Identifier{{Type: IDCard, Value: "420102198503121231"}}}, "identifiers[0].value", "patient.id_card_check_digit"},
		"document type":    {Patient{Name: "张三", Identifiers: []Identifier{{Type: "library", Value: "1"}}}, "identifiers[0].value", "patient.id_type_unknown"},
		"birth vs id":      {Patient{Name: "张三", BirthDate: "1990-01-01", Identifiers: []Identifier{{Type: IDCard, Value: idNumber("42010219850312777")}}}, "birth_date", "patient.birth_date_contradicts_id"},
		"born tomorrow":    {Patient{Name: "张三", BirthDate: "2027-01-01"}, "birth_date", "patient.birth_date_invalid"},
		"no such day":      {Patient{Name: "张三", BirthDate: "2025-02-30"}, "birth_date", "patient.birth_date_invalid"},
		"sex":              {Patient{Name: "张三", Sex: "x"}, "sex", "not_allowed"},
		"email":            {Patient{Name: "张三", Email: "a@b@c"}, "email", "patient.email_invalid"},
		"nationality":      {Patient{Name: "张三", Nationality: "china"}, "nationality", ""},
		"language":         {Patient{Name: "张三", Language: "../x"}, "language", ""},
		"guardian":         {Patient{Name: "张三", GuardianID: "nobody"}, "guardian_id", "patient.unknown_reference"},
		"newborn alone":    {Patient{Name: "张三", Identifiers: []Identifier{{Type: Newborn}}}, "guardian_id", "patient.newborn_needs_guardian"},
		"id of another":    {Patient{Name: "张三", Identifiers: []Identifier{{Type: IDCard, Value: idNumber("42010219850312123")}}}, "identifiers[0].value", "patient.id_taken"},
		"code of nonsense": {Patient{Name: "张三", Code: "'; DROP"}, "code", "patient.code_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.Create(f.ctx, c.p); !hasField(err, c.path, c.key) {
				t.Errorf("got %v %+v, want %s %s", err, fieldsOf(err), c.path, c.key)
			}
		})
	}
	if n, _ := f.Count(f.ctx); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// withHistory is a person with 25 entries of one moment, and a child of the
// same household with one.
func withHistory(t *testing.T, f fixture) (p, child Patient) {
	t.Helper()
	p, child = f.create(t, sample()), f.create(t, Patient{Name: "张小宝", BirthDate: "2020-01-01"})
	home, err := f.SetFamily(f.ctx, p.ID, "", "张家", "self")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetFamily(f.ctx, child.ID, home, "", "child"); err != nil {
		t.Fatal(err)
	}
	err = f.db.Write(f.ctx, func(tx *store.Tx) error {
		var list []TimelineEntry
		for i := range 25 { // all at the same moment, so that ids must break the tie
			kind := KindOutpatient
			if i%5 == 0 {
				kind = KindCall
			}
			list = append(list, TimelineEntry{PatientID: p.ID, At: testNow().Add(-time.Hour), Kind: kind, Title: "t"})
		}
		list = append(list, TimelineEntry{PatientID: child.ID, At: testNow(), Kind: KindExam, Title: "child"})
		return f.AddTimeline(f.ctx, tx, list...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, child
}

func TestTimelinePages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		p, child := withHistory(t, f)
		seen, cursor := map[string]bool{}, ""
		for range 10 {
			page, err := f.Timeline(f.ctx, p.ID, TimelineFilter{Limit: 7}, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				if seen[e.ID] {
					t.Fatal("an entry came twice")
				}
				seen[e.ID] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if len(seen) != 25 {
			t.Errorf("pages showed %d of 25 entries", len(seen))
		}
		calls, err := f.Timeline(f.ctx, p.ID, TimelineFilter{Kinds: []string{KindCall}}, "")
		if err != nil || len(calls.Entries) != 5 {
			t.Errorf("%d calls, %v", len(calls.Entries), err)
		}
		fam, err := f.Timeline(f.ctx, p.ID, TimelineFilter{Family: true}, "")
		if err != nil || len(fam.Entries) != 26 || fam.Entries[0].PatientID != child.ID {
			t.Errorf("family timeline has %d entries, %v", len(fam.Entries), err)
		}
		none, err := f.Timeline(f.ctx, p.ID, TimelineFilter{From: testNow()}, "")
		if err != nil || len(none.Entries) != 0 {
			t.Errorf("entries from the future: %v %v", none, err)
		}
		h, err := f.Family(f.ctx, child.ID)
		if err != nil || h.Name != "张家" || len(h.Members) != 2 || h.Members[0].ID != child.ID || h.Members[1].Relation != "self" {
			t.Errorf("family %+v %v", h, err)
		}
		for _, bad := range []string{"x", "!!!", "MTIz", "OjEyMw", strings.Repeat("A", 500)} {
			if _, err := f.Timeline(f.ctx, p.ID, TimelineFilter{}, bad); !errs.Is(err, errs.Invalid) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
	})
}

func TestSourceIsToldOnceAndOnTheRightTimeline(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		a, b := f.create(t, sample()), f.create(t, Patient{Name: "李四"})
		tell := func(patientID string) {
			err := db.Write(f.ctx, func(tx *store.Tx) error {
				return f.SetTimelineOf(f.ctx, tx, KindCall, "call-1", TimelineEntry{PatientID: patientID, At: testNow(), Kind: KindCall, SourceID: "call-1"})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		tell(a.ID)
		tell(a.ID)
		tell(b.ID) // corrected
		for patientID, want := range map[string]int{a.ID: 0, b.ID: 1} {
			page, err := f.Timeline(f.ctx, patientID, TimelineFilter{}, "")
			if err != nil || len(page.Entries) != want {
				t.Errorf("%d entries, want %d, %v", len(page.Entries), want, err)
			}
		}
	})
}

func TestPopOrdersASharedPhone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		mother := f.create(t, Patient{Name: "李娜", BirthDate: "1988-05-05", Phones: []Phone{{Number: "13900139000"}}})
		child := f.create(t, Patient{Name: "王小宝", BirthDate: "2019-05-05", GuardianID: mother.ID, Phones: []Phone{{Number: "13900139000", Owner: "母亲"}}})
		grandpa := f.create(t, Patient{Name: "李建国", BirthDate: "1955-05-05", Phones: []Phone{{Number: "02788880000"}, {Number: "13900139000", Owner: "女儿"}}})
		err := db.Write(f.ctx, func(tx *store.Tx) error {
			return f.AddTimeline(f.ctx, tx, TimelineEntry{PatientID: mother.ID, At: testNow(), Kind: KindCall, Title: "x"})
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range []string{"13900139000", "+8613900139000", "013900139000", "008613900139000"} {
			pop, err := f.Pop(f.masked, number)
			if err != nil {
				t.Fatal(err)
			}
			var order []string
			for _, c := range pop.Candidates {
				order = append(order, c.ID)
			}
			if len(order) != 3 || order[0] != mother.ID || order[1] != grandpa.ID || order[2] != child.ID {
				t.Errorf("%s: %v", number, order)
			}
			if pop.Phone != "139****9000" || pop.Candidates[0].Name != "李*" || len(pop.Recent) != 1 {
				t.Errorf("pop %+v", pop)
			}
		}
		for _, number := range []string{"13700137000", "", "anonymous", "sip:x@y", strings.Repeat("1", 100), "8001"} {
			if pop, err := f.Pop(f.ctx, number); err != nil || len(pop.Candidates) != 0 {
				t.Errorf("%q: %+v %v", number, pop, err)
			}
		}
	})
}

func TestImportIsAllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		b := Batch{Households: []Household{{ID: "h1", Name: "赵家"}}, Relations: map[string]string{"a": "self", "b": "spouse"}}
		b.Patients = []Patient{{ID: "a", Name: "赵一", HouseholdID: "h1", Phones: []Phone{{Number: "13800000001"}}},
			{ID: "b", Name: "钱二", HouseholdID: "h1", Phones: []Phone{{Number: "1"}}}}
		b.Timeline = []TimelineEntry{{PatientID: "a", At: testNow(), Kind: KindExam, Title: "x"}}
		if err := f.Import(f.ctx, b); !hasField(err, "patients[1].phones[0].number", "") {
			t.Errorf("bad row: %v %+v", err, fieldsOf(err))
		}
		if n, _ := f.Count(f.ctx); n != 0 {
			t.Errorf("%d people of a refused batch stayed", n)
		}
		b.Patients[1].Phones[0].Number = "13800000001"
		if err := f.Import(f.ctx, b); err != nil {
			t.Fatal(err)
		}
		h, err := f.Family(f.ctx, "a")
		if err != nil || len(h.Members) != 2 || h.Members[1].Relation != "spouse" {
			t.Errorf("%+v %v", h, err)
		}
		if pop, _ := f.Pop(f.ctx, "13800000001"); len(pop.Candidates) != 2 || pop.Candidates[0].ID != "a" {
			t.Errorf("pop %+v", pop)
		}
	})
}
