package patient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// dump is everything stored of a person that a merge may touch. Versions, times
// of change and the raw sealed texts differ by nature.
func dump(t testing.TB, f fixture, patientID string) string {
	t.Helper()
	var b strings.Builder
	err := f.db.Read(f.ctx, func(tx *store.Tx) error {
		r, err := f.load(f.ctx, tx, patientID)
		if err != nil {
			return err
		}
		r.Version, r.UpdatedAt = 0, time.Time{}
		fmt.Fprintf(&b, "%+v\n", r)
		for _, q := range []string{
			"SELECT id FROM patient_timeline WHERE patient_id = $1 ORDER BY id",
			"SELECT id FROM patients WHERE guardian_id = $1 ORDER BY id",
			"SELECT group_id FROM customer_group_members WHERE patient_id = $1 ORDER BY group_id",
			"SELECT kind || key FROM patient_keys WHERE patient_id = $1 ORDER BY kind, key",
			"SELECT idx || idx4 || position FROM patient_phones WHERE patient_id = $1 ORDER BY position",
		} {
			list, err := texts(f.ctx, tx, q, patientID)
			if err != nil {
				return err
			}
			fmt.Fprintln(&b, list)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// somebody draws a record; numbers come from small sets, so that two of them
// often share some.
func somebody(t *rapid.T, label string, n int) Patient {
	pick := func(name string, list ...string) string { return rapid.SampledFrom(list).Draw(t, label+name) }
	p := Patient{Name: pick("name", "张晓明", "张小明", "欧阳娜娜", "John Smith"), Sex: pick("sex", Male, Female, SexUnknown),
		BirthDate: pick("birth", "", "1985-03-12", "1990-01-01"), Email: pick("email", "", "a@example.cn"), Notes: pick("notes", "", "x", "y"),
		Lifecycle: pick("stage", stages()...), VIP: rapid.Bool().Draw(t, label+"vip"), Address: Address{City: pick("city", "", "武汉市")}}
	for i := range rapid.IntRange(0, 3).Draw(t, label+"phones") {
		p.Phones = append(p.Phones, Phone{Number: fmt.Sprintf("1380000%04d", rapid.IntRange(0, 3).Draw(t, label+"phone")+i*10), Owner: pick("owner", "", "母亲")})
	}
	if rapid.Bool().Draw(t, label+"card") {
		p.Identifiers = append(p.Identifiers, Identifier{Type: MedicalCard, Value: fmt.Sprintf("M%s%05d", label, n)})
	}
	if rapid.Bool().Draw(t, label+"insured") {
		p.Identifiers = append(p.Identifiers, Identifier{Type: Insurance, Value: "A1234567"})
	}
	for _, a := range []string{"青霉素", "头孢", "花生"} {
		if rapid.Bool().Draw(t, label+a) {
			p.Allergies, p.Tags = append(p.Allergies, a), append(p.Tags, a)
		}
	}
	return p
}

// TestUndoingAMergeRestoresBothRecords is the promise of the desk: nothing is
// lost by a merge that was wrong.
func TestUndoingAMergeRestoresBothRecords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		n := 0
		g, err := f.SaveGroup(f.ctx, Group{Kind: GroupContract, Name: "某厂"})
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(rt *rapid.T) {
			n++
			keep, merge := f.create(t, somebody(rt, "a", n)), f.create(t, somebody(rt, "b", n))
			f.create(t, Patient{Name: "小宝", GuardianID: merge.ID})
			for i, one := range []string{keep.ID, merge.ID, merge.ID} {
				tell(t, f, one, fmt.Sprintf("%d-%d", n, i))
			}
			for _, one := range []string{keep.ID, merge.ID} {
				if rapid.Bool().Draw(rt, "grouped") {
					if err := f.AddGroupMember(f.ctx, g.ID, one, GroupMember{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			before, other := dump(t, f, keep.ID), dump(t, f, merge.ID)
			choose := map[string]string{}
			for _, field := range []string{"name", "sex", "birth_date", "notes", "phones", "vip"} {
				if rapid.Bool().Draw(rt, "chosen "+field) {
					choose[field] = rapid.SampledFrom([]string{"keep", "merge"}).Draw(rt, field)
				}
			}
			m, err := f.Merge(f.ctx, MergeRequest{Keep: keep.ID, Merge: merge.ID, Fields: choose})
			if err != nil {
				t.Fatalf("merge: %v %+v", err, fieldsOf(err))
			}
			if again, err := f.Get(f.ctx, merge.ID); err != nil || again.ID != keep.ID {
				t.Fatalf("the merged record does not lead to the kept one: %v %v", again.ID, err)
			}
			if _, err := f.UndoMerge(f.ctx, m.ID, "看错了"); err != nil {
				t.Fatalf("undo: %v %+v", err, fieldsOf(err))
			}
			if d := cmp.Diff(before, dump(t, f, keep.ID)); d != "" {
				t.Fatalf("kept record differs:\n%s", d)
			}
			if d := cmp.Diff(other, dump(t, f, merge.ID)); d != "" {
				t.Fatalf("merged record differs:\n%s", d)
			}
		})
	})
}

func tell(t testing.TB, f fixture, patientID, title string) {
	t.Helper()
	err := f.db.Write(f.ctx, func(tx *store.Tx) error {
		return f.AddTimeline(f.ctx, tx, TimelineEntry{PatientID: patientID, At: testNow().Add(-time.Hour), Kind: KindEnquiry, Title: title})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMergedRecordKeepsEverythingAndLeadsOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		a := f.create(t, Patient{Name: "张晓明", Phones: []Phone{{Number: "13800138000"}}, Allergies: []string{"青霉素"}})
		b := f.create(t, Patient{Name: "张小明", BirthDate: "1985-03-12", Email: "b@example.cn", Phones: []Phone{{Number: "13900139000"}, {Number: "13800138000"}},
			Identifiers: []Identifier{{Type: IDCard, Value: idNumber("42010219850312123")}}, Allergies: []string{"头孢"}})
		tell(t, f, b.ID, "电话")
		m, err := f.Merge(f.ctx, MergeRequest{Keep: a.ID, Merge: b.ID, Version: a.Version})
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Get(f.ctx, b.ID)
		if err != nil || got.ID != a.ID || got.Name != "张晓明" || got.BirthDate != "1985-03-12" || got.Email != "b@example.cn" || len(got.Phones) != 2 ||
			len(got.Identifiers) != 1 || !slices.Equal(got.Allergies, []string{"青霉素", "头孢"}) || m.Parts["timeline"] != 1 {
			t.Fatalf("%+v %+v %v", got, m, err)
		}
		for _, q := range []string{b.Code, "13900139000", idNumber("42010219850312123"), "张晓明"} {
			if hits, err := f.Search(f.ctx, q, 5); err != nil || len(hits) != 1 || hits[0].ID != a.ID {
				t.Errorf("%s found %+v %v", q, hits, err)
			}
		}
		if _, err := f.Edit(f.ctx, b.ID, 0, func(*Patient) error { return nil }); !errs.Is(err, errs.Conflict) {
			t.Errorf("a merged record was changed: %v", err)
		}
		// what happens after the merge stays where it happened
		got.Occupation, got.Phones = "教师", append(got.Phones, Phone{Number: "13700137000"})
		if _, err := f.Update(f.ctx, got); err != nil {
			t.Fatal(err)
		}
		tell(t, f, a.ID, "之后")
		if _, err := f.UndoMerge(f.ctx, m.ID, "不是同一人"); err != nil {
			t.Fatal(err)
		}
		left, _ := f.Get(f.ctx, a.ID)
		right, _ := f.Get(f.ctx, b.ID)
		if left.Occupation != "教师" || left.BirthDate != "" || len(left.Phones) != 2 || left.Phones[1].Number != "13700137000" || len(left.Identifiers) != 0 {
			t.Errorf("kept record %+v", left)
		}
		if right.ID != b.ID || len(right.Phones) != 2 || len(right.Identifiers) != 1 {
			t.Errorf("merged record %+v", right)
		}
		if _, err := f.UndoMerge(f.ctx, m.ID, "再来"); !errs.Is(err, errs.Conflict) {
			t.Errorf("undone twice: %v", err)
		}
		history, _, err := f.History(f.ctx, a.ID, "", 50)
		if err != nil || len(history) < 6 || history[0].Source != SourceUnmerge {
			t.Errorf("history %+v %v", history, err)
		}
	})
}

func TestMergeRefusals(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	a := f.create(t, Patient{Name: "甲乙", Identifiers: []Identifier{{Type: IDCard, Value: idNumber("42010219850312123")}}})
	b := f.create(t, Patient{Name: "甲乙", Identifiers: []Identifier{{Type: IDCard, Value: idNumber("42010219850312345")}}})
	child := f.create(t, Patient{Name: "丙丁", GuardianID: a.ID})
	for name, c := range map[string]struct {
		in  MergeRequest
		key string
	}{
		"itself":           {MergeRequest{Keep: a.ID, Merge: a.ID}, "invalid"},
		"two ID cards":     {MergeRequest{Keep: a.ID, Merge: b.ID}, "patient.merge_documents"},
		"child and parent": {MergeRequest{Keep: a.ID, Merge: child.ID}, "patient.merge_guardian"},
		"old version":      {MergeRequest{Keep: a.ID, Merge: b.ID, Version: 9}, "patient.version_conflict"},
		"unknown field":    {MergeRequest{Keep: a.ID, Merge: b.ID, Fields: map[string]string{"password": "keep"}}, "invalid"},
		"unknown choice":   {MergeRequest{Keep: a.ID, Merge: b.ID, Fields: map[string]string{"name": "both"}}, "invalid"},
		"nobody":           {MergeRequest{Keep: a.ID, Merge: "nobody"}, "patient.not_found"},
	} {
		if _, err := f.Merge(f.ctx, c.in); err == nil || errKey(err) != c.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Merge(f.masked, MergeRequest{Keep: a.ID, Merge: b.ID}); !errs.Is(err, errs.Denied) {
		t.Errorf("without right: %v", err)
	}
	one, err := f.Merge(f.ctx, MergeRequest{Keep: a.ID, Merge: b.ID, Fields: map[string]string{"identifiers": "keep"}})
	if err != nil {
		t.Fatal(err)
	}
	c := f.create(t, Patient{Name: "甲乙"})
	two, err := f.Merge(f.ctx, MergeRequest{Keep: a.ID, Merge: c.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.UndoMerge(f.ctx, one.ID, "乱序"); errKey(err) != "patient.merge_not_last" {
		t.Errorf("undone out of order: %v", err)
	}
	if list, _, err := f.Merges(f.ctx, a.ID, "", 10); err != nil || len(list) != 2 || !list[0].CanUndo || list[1].CanUndo {
		t.Errorf("%+v %v", list, err)
	}
	for _, m := range []string{two.ID, one.ID} {
		if _, err := f.UndoMerge(f.ctx, m, "顺序"); err != nil {
			t.Error(err)
		}
	}
}

func TestAPartThatCannotMoveStopsTheMerge(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	a, b := f.create(t, Patient{Name: "甲"}), f.create(t, Patient{Name: "乙"})
	f.Register(Mergeable{Name: "bookings", Move: func(ctx context.Context, tx *store.Tx, from, to string) (Receipt, error) {
		_, err := tx.Exec(ctx, "INSERT INTO patient_counter (id, value) VALUES (1, 1)") // a unique index refuses
		return Receipt{}, err
	}})
	if _, err := f.Merge(f.ctx, MergeRequest{Keep: a.ID, Merge: b.ID}); errKey(err) != "patient.merge_blocked" {
		t.Fatalf("%v", err)
	}
	if p, err := f.Get(f.ctx, b.ID); err != nil || p.ID != b.ID {
		t.Errorf("half a merge stayed: %v %v", p.ID, err)
	}
}

func errKey(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}
