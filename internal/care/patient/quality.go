package patient

import (
	"context"
	"fmt"
	"slices"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// staleAfter is how long nobody was in touch before a record is stale.
const staleAfter = 3 // years

// childAge is the age below which a person needs a guardian.
const childAge = 14

// QualityRules lists what can be wrong with records.
func QualityRules() []string {
	return []string{"no_phone", "no_document", "no_birth_date", "no_sex", "no_address", "phone_invalid", "document_invalid", "name_invalid",
		"child_without_guardian", "guardian_missing", "stale"}
}

// judged is what the rules look at.
type judged struct {
	id, name, sex, birth string
	hasAddress           bool
	guardian             string
	guardianGone         bool
	last                 time.Time // contact or change
	phones               []string
	documents            []Identifier
}

// wrong names the rules that a record breaks, with what exactly. It is pure.
func wrong(p judged, now time.Time) map[string]string {
	out := make(map[string]string)
	mark := func(rule string, bad bool) {
		if bad {
			out[rule] = ""
		}
	}
	age := ageOn(p.birth, now)
	mark("no_phone", len(p.phones) == 0 && p.guardian == "")
	mark("no_document", len(p.documents) == 0 && p.guardian == "")
	mark("no_birth_date", p.birth == "")
	mark("no_sex", p.sex == SexUnknown)
	mark("no_address", !p.hasAddress)
	mark("child_without_guardian", age >= 0 && age < childAge && p.guardian == "")
	mark("guardian_missing", p.guardianGone)
	mark("stale", p.last.Before(now.AddDate(-staleAfter, 0, 0)))
	for _, n := range p.phones {
		if got, ok := NormalisePhone(n); !ok || got != n {
			out["phone_invalid"] = MaskPhone(n)
		}
	}
	for _, d := range p.documents {
		if d.Value == "" {
			continue
		}
		if _, key := ParseID(d.Type, d.Value, now); key != "" {
			out["document_invalid"] = d.Type + " " + MaskID(d.Value)
		}
	}
	mark("name_invalid", !plausibleName(p.name))
	return out
}

// plausibleName refuses what is no name: placeholders and digits.
func plausibleName(name string) bool {
	for _, r := range name {
		if r >= '0' && r <= '9' || r == '?' || r == '*' {
			return false
		}
	}
	return !slices.Contains([]string{"", "无名", "无名氏", "未知", "测试", "test", "unknown", "n/a"}, name)
}

// Quality returns what the last look at the data found.
func (s *Service) Quality(ctx context.Context) (out QualityReport, err error) {
	if _, err := identity.Require(ctx, identity.PatientMerge, identity.PatientImport); err != nil {
		return QualityReport{}, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = loadQuality(ctx, tx)
		return err
	})
	return out, err
}

// QualityFindings lists the people whose records a rule is about.
func (s *Service) QualityFindings(ctx context.Context, rule, cursor string, limit int) (list []QualityFinding, next string, err error) {
	who, err := identity.Require(ctx, identity.PatientMerge, identity.PatientImport)
	if err != nil {
		return nil, "", err
	}
	if !slices.Contains(QualityRules(), rule) {
		return nil, "", errs.InvalidField("rule", "not_allowed")
	}
	limit = pageSize(limit)
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = s.queryFindings(ctx, tx, rule, cursor, limit+1, who)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].Card.ID
	}
	return list, next, err
}

// judge looks at every record in short steps.
func (s *Service) judge(ctx context.Context) error {
	counts := make(map[string]int)
	people, after := 0, ""
	now := s.now().In(s.zone)
	for {
		var page []judged
		err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
			page, err = s.judgedPage(ctx, tx, after, 1000)
			return err
		})
		if err != nil {
			return fmt.Errorf("judge data: %w", err)
		}
		to := ""
		if len(page) > 0 {
			to = page[len(page)-1].id
		}
		b := &batch{table: "quality_findings", columns: "rule, patient_id, detail", width: 3}
		for _, p := range page {
			for rule, detail := range wrong(p, now) {
				counts[rule]++
				b.add(rule, p.id, detail)
			}
		}
		from := after
		rows := b.args
		err = s.db.Write(ctx, func(tx *store.Tx) error {
			b.args = slices.Clone(rows)
			if err := dropFindings(ctx, tx, from, to); err != nil {
				return err
			}
			return b.flush(ctx, tx)
		})
		if err != nil {
			return fmt.Errorf("judge data: %w", err)
		}
		if people += len(page); to == "" {
			break
		}
		after = to
	}
	return s.db.Write(ctx, func(tx *store.Tx) error { return saveQuality(ctx, tx, people, counts, s.now()) })
}
