package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/dossier"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// fulfil does what an accepted request asks for. It may run again after a
// crash: a request that is done stays as it is.
func (s *Service) fulfil(ctx context.Context, requestID string) error {
	who, err := identity.Require(ctx, identity.PrivacyManage)
	if err != nil {
		return err
	}
	var r Request
	var ids []string
	err = s.d.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if r, err = loadRequest(ctx, tx, requestID); err != nil || (r.Status != Approved && r.Status != Running) {
			return err
		}
		if ids, err = s.d.People.Records(ctx, tx, r.PatientID); err != nil {
			return err
		}
		r.Status = Running
		return s.save(ctx, tx, who, "privacy.begin", &r)
	})
	if err != nil || r.Status != Running {
		return err
	}
	if r.Kind == Export {
		err = s.export(ctx, who, r, ids)
	} else {
		err = s.act(ctx, who, r, ids)
	}
	if errs.Is(err, errs.Conflict) {
		return s.fail(ctx, who, r)
	}
	return err
}

func (s *Service) fail(ctx context.Context, who identity.Principal, r Request) error {
	return s.d.DB.Write(ctx, func(tx *store.Tx) error {
		failed := r
		failed.Status = Failed
		return s.save(ctx, tx, who, "privacy.failed", &failed)
	})
}

// act restricts, lifts or removes, all in one transaction.
func (s *Service) act(ctx context.Context, who identity.Principal, r Request, ids []string) error {
	return s.d.DB.Write(ctx, func(tx *store.Tx) error {
		done := r
		var err error
		switch r.Kind {
		case Restrict, Lift:
			err = s.d.People.SetRestricted(ctx, tx, ids[0], r.Kind == Restrict)
		case Delete:
			err = s.remove(ctx, tx, ids)
		}
		if err != nil {
			return err
		}
		done.Status, done.DoneAt = Done, s.d.Now()
		return s.save(ctx, tx, who, "privacy.done", &done)
	})
}

// remove looks once more for obstacles, which may have come since the decision.
func (s *Service) remove(ctx context.Context, tx *store.Tx, ids []string) error {
	found, err := s.hindering(ctx, tx, ids)
	if err == nil {
		err = hindered(found)
	}
	if err != nil {
		return err
	}
	for _, k := range s.d.Keepers {
		if k.Erase == nil {
			continue
		}
		if err := k.Erase(ctx, tx, ids); err != nil {
			return fmt.Errorf("erase %s: %w", k.Part, err)
		}
	}
	return deleteFiles(ctx, tx, ids)
}

// export asks every part, and seals the copy with the person's own key.
func (s *Service) export(ctx context.Context, who identity.Principal, r Request, ids []string) error {
	c := Copy{PatientID: ids[0], MadeAt: s.d.Now().UTC(), Request: r.ID, Sections: []dossier.Section{}}
	for _, k := range s.d.Keepers {
		if k.Export == nil {
			continue
		}
		sections, err := k.Export(ctx, ids)
		if err != nil {
			return fmt.Errorf("export %s: %w", k.Part, err)
		}
		c.Sections = append(c.Sections, sections...)
	}
	seen, err := s.looks(ctx, ids)
	if err != nil {
		return err
	}
	c.Sections = append(c.Sections, seen)
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write copy: %w", err)
	}
	return s.d.DB.Write(ctx, func(tx *store.Tx) error {
		done := r
		sealed, err := s.d.People.SealFor(ctx, tx, r.PatientID, string(text), fileAAD(r.ID))
		if err != nil {
			return fmt.Errorf("seal copy: %w", err)
		}
		now := s.d.Now()
		err = errors.Join(dropExpired(ctx, tx, now), storeFile(ctx, tx, r.ID, r.PatientID, sealed, now, now.Add(s.d.Keep)))
		if err != nil {
			return err
		}
		done.Status, done.DoneAt = Done, now
		return s.save(ctx, tx, who, "privacy.done", &done)
	})
}

// looks lists who saw or changed the person's data.
func (s *Service) looks(ctx context.Context, ids []string) (dossier.Section, error) {
	out := dossier.Section{Part: "audit"}
	for _, one := range ids {
		f := audit.Filter{Patient: one, Limit: 1000}
		for len(out.Rows) < dossier.MaxRows {
			list, err := audit.List(ctx, s.d.DB, f)
			if err != nil {
				return out, err
			}
			for _, e := range list {
				var row dossier.Row
				row.Add("at", e.At.In(s.d.Zone).Format(time.DateTime))
				row.Add("actor_name", e.ActorName)
				row.Add("action", e.Action)
				row.Add("reason", e.Reason)
				out.Rows = append(out.Rows, row)
			}
			if len(list) < f.Limit {
				break
			}
			f.Before = list[len(list)-1].Seq
		}
	}
	return out, nil
}
