package portal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"heartline/internal/care/portal"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func me(name string) portal.NewMember {
	return portal.NewMember{Name: name, Relation: portal.RelationSelf, DocumentType: "id_card", Document: document}
}

// TestStrangersLearnNothing adds the same document three ways: the record's own
// holder is joined to it; a wrong name or another telephone makes a new person,
// and the answers differ in nothing but what the asker typed.
func TestStrangersLearnNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.known[portal.Claim{Name: "张小明", DocumentType: "id_card", Document: document, Phone: phone}] = "p1"
		owner, _ := h.as(phone)
		m, err := h.portal.Add(owner, me(" 张小明 "))
		if err != nil || m.PatientID != "p1" || m.State != portal.Verified || m.BirthDate != "1999-01-10" || m.Document != "4403************12" {
			t.Fatalf("%+v, %v", m, err)
		}
		stranger, _ := h.as("13900139000")
		a, err := h.portal.Add(stranger, me("张小明")) // a patient's document, another telephone
		if err != nil {
			t.Fatal(err)
		}
		nobody := me("李四")
		nobody.Document = "110101199001011234"
		b, err := h.portal.Add(stranger, nobody) // nobody's document
		if err != nil {
			t.Fatal(err)
		}
		if a.State != portal.Unverified || b.State != portal.Unverified || a.PatientID == "p1" || a.PatientID == b.PatientID || len(h.made) != 2 {
			t.Fatalf("%+v %+v %v", a, b, h.made)
		}
		if h.made[0].Phone != "13900139000" || h.made[0].Name != "张小明" {
			t.Fatalf("registered %+v", h.made[0])
		}
		var stored string
		if err := db.SQL().QueryRow("SELECT document_sealed || document_idx || name_sealed FROM portal_members ORDER BY created_at LIMIT 1").Scan(&stored); err != nil ||
			strings.Contains(stored, document) || strings.Contains(stored, "张") {
			t.Fatalf("readable at rest: %v", err)
		}
		if n, err := declared(t, h, a.PatientID); err != nil || !n {
			t.Fatalf("declared: %v %v", n, err)
		}
	})
}

func declared(t *testing.T, h *house, patientID string) (ok bool, err error) {
	err = h.db.Read(t.Context(), func(tx *store.Tx) error {
		ok, err = h.portal.Declared(t.Context(), tx, patientID)
		return err
	})
	return ok, err
}

func TestChildrenComeUnderAParent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.known[portal.Claim{Name: "张小明", DocumentType: "id_card", Document: document, Phone: phone}] = "p1"
		h.children["p1张宝2026-03-01"] = "p2"
		ctx, _ := h.as(phone)
		child := portal.NewMember{Name: "张宝", Relation: portal.RelationChild, DocumentType: portal.Newborn, BirthDate: "2026-03-01", Sex: "female"}
		_, err := h.portal.Add(ctx, child)
		wants(t, err, "portal.guardian_needed")
		child.GuardianID = "nobody"
		_, err = h.portal.Add(ctx, child)
		wants(t, err, "portal.guardian_needed")
		parent, err := h.portal.Add(ctx, me("张小明"))
		if err != nil {
			t.Fatal(err)
		}
		child.GuardianID = parent.ID
		m, err := h.portal.Add(ctx, child)
		if err != nil || m.PatientID != "p2" || m.State != portal.Verified {
			t.Fatalf("%+v %v", m, err)
		}
		_, err = h.portal.Add(ctx, child)
		wants(t, err, "portal.member_twice")
		child.Name = "张贝"
		m, err = h.portal.Add(ctx, child)
		if err != nil || m.State != portal.Unverified || h.made[0].GuardianID != "p1" {
			t.Fatalf("%+v %v %v", m, err, h.made)
		}
		child.GuardianID = m.ID // a child is nobody's guardian
		_, err = h.portal.Add(ctx, child)
		wants(t, err, "portal.guardian_needed")
	})
}

func TestFormsAreChecked(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t))
	ctx, _ := h.as(phone)
	for want, change := range map[string]func(*portal.NewMember){
		"name portal.name_invalid":       func(m *portal.NewMember) { m.Name = "王" },
		"relation not_allowed":           func(m *portal.NewMember) { m.Relation = "owner" },
		"document patient.id_invalid":    func(m *portal.NewMember) { m.Document = "1" },
		"birth_date portal.birth_needed": func(m *portal.NewMember) { m.DocumentType, m.Document, m.Sex = "passport", "E1234567", "male" },
		"sex portal.sex_needed": func(m *portal.NewMember) {
			m.DocumentType, m.Document, m.BirthDate = "passport", "E1234567", "1990-01-01"
		},
		"guardian_id portal.guardian_needed": func(m *portal.NewMember) { m.DocumentType = portal.Newborn },
		"birth_date portal.birth_needed ": func(m *portal.NewMember) {
			m.DocumentType, m.Document, m.Sex, m.BirthDate = "passport", "E1", "male", "2099-01-01"
		},
		"name portal.name_invalid  (control)": func(m *portal.NewMember) { m.Name = "王\x00二" },
		"name portal.name_invalid (digits)":   func(m *portal.NewMember) { m.Name = "1234" },
	} {
		m := me("王小二")
		change(&m)
		_, err := h.portal.Add(ctx, m)
		want, _, _ = strings.Cut(want, " (")
		wants(t, err, strings.TrimSpace(want))
	}
	if len(h.made) != 0 {
		t.Fatalf("a refused form made %v", h.made)
	}
}

func TestHowManyPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx, _ := h.as(phone)
		add := func(i int) error {
			m := me("王小二")
			m.Document = fmt.Sprintf("11010119900101%04d", i)
			_, err := h.portal.Add(ctx, m)
			return err
		}
		for i := range 10 {
			if err := add(i); err != nil {
				t.Fatal(err)
			}
		}
		wants(t, add(11), "portal.members_full")
		_, list, err := h.portal.Me(ctx)
		if err != nil || len(list) != 10 {
			t.Fatalf("%d, %v", len(list), err)
		}
		if err := h.portal.Remove(ctx, list[0].ID); err != nil {
			t.Fatal(err)
		}
		wants(t, add(12), "portal.adds_wait") // removing and adding is no way to try many documents
	})
}

// TestOtherPeopleAreRefused asks for what is not the account's in every way.
func TestOtherPeopleAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.known[portal.Claim{Name: "张小明", DocumentType: "id_card", Document: document, Phone: phone}] = "p1"
		owner, _ := h.as(phone)
		m, err := h.portal.Add(owner, me("张小明"))
		if err != nil {
			t.Fatal(err)
		}
		attacker, _ := h.as("13900139000")
		deed := portal.Deed{Action: "portal.appointment", Object: "appointment", ObjectID: "a1"}
		if got, err := h.portal.Own(owner, "p1", deed); err != nil || got.ID != m.ID {
			t.Fatal(got, err)
		}
		for name, ask := range map[string]func(ctx context.Context) error{
			"patient":  func(ctx context.Context) error { _, err := h.portal.Own(ctx, "p1", deed); return err },
			"member":   func(ctx context.Context) error { _, err := h.portal.OwnMember(ctx, m.ID, deed); return err },
			"unknown":  func(ctx context.Context) error { _, err := h.portal.Own(ctx, "nobody", deed); return err },
			"nothing":  func(ctx context.Context) error { _, err := h.portal.Own(ctx, "", deed); return err },
			"sql":      func(ctx context.Context) error { _, err := h.portal.Own(ctx, "' OR '1'='1", deed); return err },
			"removing": func(ctx context.Context) error { return h.portal.Remove(ctx, m.ID) },
		} {
			before := len(h.actions())
			wants(t, ask(attacker), "booking.not_yours")
			if got := h.actions()[before:]; !slices.Equal(got, []string{"patient: portal.refused"}) {
				t.Errorf("%s: audit %v", name, got)
			}
			wants(t, ask(t.Context()), "auth.required")
			wants(t, ask(identity.System(t.Context(), "x")), "auth.denied")
		}
		if _, list, err := h.portal.Me(owner); err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
	})
}

func TestTheDeskVerifies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx, _ := h.as(phone)
		m, err := h.portal.Add(ctx, me("王小二"))
		if err != nil {
			t.Fatal(err)
		}
		desk := identity.System(t.Context(), "desk")
		for _, who := range []context.Context{ctx, t.Context()} {
			if _, err := h.portal.Verify(who, m.ID); err == nil {
				t.Fatal("not the desk")
			}
			if h.portal.Reject(who, m.ID) == nil {
				t.Fatal("not the desk")
			}
		}
		if list, err := h.portal.Unverified(desk, ""); err != nil || len(list) != 1 || list[0].ID != m.ID {
			t.Fatal(list, err)
		}
		h.taken = true
		_, err = h.portal.Verify(desk, m.ID)
		wants(t, err, "patient.id_taken")
		h.taken = false
		if got, err := h.portal.Verify(desk, m.ID); err != nil || got.State != portal.Verified || !slices.Equal(h.attached, []string{"new-1:id_card:" + document}) {
			t.Fatal(got, err, h.attached)
		}
		_, err = h.portal.Verify(desk, m.ID)
		wants(t, err, "portal.member_verified")
		wants(t, h.portal.Reject(desk, m.ID), "not_found")
		if list, err := h.portal.Unverified(desk, m.PatientID); err != nil || len(list) != 0 {
			t.Fatal(list, err)
		}
	})
}
