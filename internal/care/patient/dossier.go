package patient

import (
	"context"
	"time"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy what is kept here on a person, and removes it.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "patient", Export: s.dossier, Erase: s.erase}
}

// Records lists the ids under which a person is known: the record that stands
// for them and those merged into it.
func (s *Service) Records(ctx context.Context, tx *store.Tx, patientID string) ([]string, error) {
	current, err := s.resolve(ctx, tx, patientID)
	if err != nil {
		return nil, err
	}
	others, err := mergedInto(ctx, tx, current)
	return append([]string{current}, others...), err
}

// Aliases lists the ids under which a person is known, beginning with that of
// the record that stands for them; of somebody unknown the id that was asked.
func (s *Service) Aliases(ctx context.Context, patientID string) (ids []string, err error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		ids, err = s.Records(ctx, tx, patientID)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		return []string{patientID}, nil
	}
	return ids, err
}

// LastVisits gives the time of the latest timeline entry of each kind.
func (s *Service) LastVisits(ctx context.Context, tx *store.Tx, ids []string) (map[string]time.Time, error) {
	return lastByKind(ctx, tx, ids)
}

// dossier exports record, family, groups, history and timeline, in full: the
// reader is the person, and package privacy has checked that.
func (s *Service) dossier(ctx context.Context, ids []string) ([]dossier.Section, error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, err
	}
	var out []dossier.Section
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		r, err := s.load(ctx, tx, ids[0])
		if err != nil {
			return err
		}
		groups, err := groupsOf(ctx, tx, ids[0])
		if err != nil {
			return err
		}
		history, err := s.queryHistory(ctx, tx, ids, 0, "", dossier.MaxRows+1)
		if err != nil {
			return err
		}
		entries, err := queryTimeline(ctx, tx, ids, TimelineFilter{Limit: dossier.MaxRows}, 0, "")
		if err != nil {
			return err
		}
		out = []dossier.Section{recordSection(r.Patient), groupSection(groups), timelineSection(entries, s.zone), historySection(history, s.zone)}
		return nil
	})
	return out, err
}

func recordSection(p Patient) dossier.Section {
	var row dossier.Row
	for _, f := range fieldTexts(p) {
		if f.field != "phones" && f.field != "identifiers" {
			row.Add(f.field, f.text)
		}
	}
	row.Add("created_at", p.CreatedAt.Format(time.DateOnly))
	out := dossier.Section{Part: "patient", Rows: []dossier.Row{row}}
	for _, ph := range p.Phones {
		out.Rows = append(out.Rows, dossier.Row{{Name: "phone", Value: ph.Number}, {Name: "type", Value: ph.Type}, {Name: "owner", Value: ph.Owner}})
	}
	for _, d := range p.Identifiers {
		out.Rows = append(out.Rows, dossier.Row{{Name: "identifier", Value: d.Value}, {Name: "type", Value: d.Type}})
	}
	return out
}

func groupSection(groups []Group) dossier.Section {
	out := dossier.Section{Part: "groups"}
	for _, g := range groups {
		out.Rows = append(out.Rows, dossier.Row{{Name: "kind", Value: g.Kind}, {Name: "name", Value: g.Name}})
	}
	return out
}

func timelineSection(entries []TimelineEntry, zone *time.Location) dossier.Section {
	out := dossier.Section{Part: "timeline", More: len(entries) > dossier.MaxRows}
	for _, e := range entries[:min(len(entries), dossier.MaxRows)] {
		var row dossier.Row
		row.Add("at", e.At.In(zone).Format(time.DateTime))
		row.Add("kind", e.Kind)
		row.Add("title", e.Title)
		row.Add("summary", e.Summary)
		row.Add("department", e.Department)
		row.Add("doctor", e.Doctor)
		out.Rows = append(out.Rows, row)
	}
	return out
}

func historySection(list []FieldChange, zone *time.Location) dossier.Section {
	out := dossier.Section{Part: "history", More: len(list) > dossier.MaxRows}
	for _, c := range list[:min(len(list), dossier.MaxRows)] {
		var row dossier.Row
		row.Add("at", c.At.In(zone).Format(time.DateTime))
		row.Add("field", c.Field)
		row.Add("old", shown(c.Field, c.Old, true))
		row.Add("new", shown(c.Field, c.New, true))
		row.Add("actor_name", c.ActorName)
		out.Rows = append(out.Rows, row)
	}
	return out
}

// erase removes a person: everything that leads to them is deleted or blanked,
// and their own key, without which the sealed copies (history, merges, exports)
// stay closed for ever. The bare row with its code remains, so that ledgers and
// statistics keep their sums.
func (s *Service) erase(ctx context.Context, tx *store.Tx, ids []string) error {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return err
	}
	for _, one := range ids {
		if err := deleteDetails(ctx, tx, one); err != nil {
			return err
		}
		if err := blankPatient(ctx, tx, one, s.now()); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, Changed{PatientID: one})
	}
	return nil
}
