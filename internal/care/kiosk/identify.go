package kiosk

import (
	"context"
	"errors"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Wrong attempts before a pause, by what they were made with; the pause
// doubles up to the longest.
const (
	machineAttempts = 10
	accountAttempts = 5
	window          = 15 * time.Minute
	firstPause      = time.Minute
	longestPause    = 15 * time.Minute
)

// maxFamily is how many people behind one phone a PIN is tried for.
const maxFamily = 6

// Identify begins the turn of the patient that in names. Whoever is unknown
// and whoever has another PIN get the same answer.
func (s *Service) Identify(ctx context.Context, t Turn, in Identification) (Turn, error) {
	in.Value = strings.ToUpper(strings.TrimSpace(in.Value))
	if n := len(in.Value); n < 4 || n > 40 {
		return t, errs.InvalidField("value", "kiosk.value_invalid")
	}
	if in.By != ByIDCard && in.By != ByCode && in.By != ByAccount {
		return t, errs.InvalidField("by", "not_allowed")
	}
	if t.PatientID != "" { // somebody is still there: they leave first
		return t, errs.New(errs.Conflict, "kiosk.turn_open")
	}
	subjects := []string{"kiosk:" + t.Kiosk.ID}
	if in.By == ByAccount {
		subjects = append(subjects, "account:"+s.index("kiosk", in.Value))
	}
	if err := s.attempt(ctx, subjects...); err != nil {
		return t, err
	}
	patientID, err := s.find(ctx, in)
	if err != nil {
		return t, err
	}
	if patientID == "" {
		return t, s.refuse(ctx, t, in.By)
	}
	now := s.now()
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := takeBack(ctx, tx, subjects[0]); err != nil {
			return err
		}
		for _, x := range subjects[1:] {
			if err := forget(ctx, tx, x); err != nil {
				return err
			}
		}
		if err := setPatient(ctx, tx, t.SessionID, patientID, in.By, now); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, Principal(t.Kiosk), "kiosk.identify", "patient", patientID, patientID, map[string]any{"by": in.By})
	})
	t.PatientID, t.By, t.Until = patientID, in.By, now.Add(Idle)
	return t, err
}

// find returns "" when nobody fits.
func (s *Service) find(ctx context.Context, in Identification) (string, error) {
	switch in.By {
	case ByCode:
		p, err := s.appointments.PatientOf(ctx, in.Value)
		if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Invalid) {
			return "", nil
		}
		return p, err
	case ByIDCard:
		found, err := s.people.ByDocument(ctx, in.Value)
		if err != nil || len(found) != 1 {
			return "", err
		}
		return found[0], nil
	}
	found, err := s.people.ByAccount(ctx, in.Value)
	if err != nil {
		return "", err
	}
	hashes := make([]string, 0, maxFamily)
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		hashes = hashes[:0]
		for _, p := range found[:min(len(found), maxFamily)] {
			h, err := selectPIN(ctx, tx, p)
			if err != nil {
				return err
			}
			hashes = append(hashes, h)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	match, compared := "", false
	for i, h := range hashes {
		if h == "" {
			continue
		}
		compared = true
		if s.secrets.VerifySecret(in.PIN, h) && match == "" {
			match = found[i]
		}
	}
	if !compared {
		s.secrets.VerifySecret(in.PIN, "") // the same work as for somebody who has one
	}
	return match, nil
}

func (s *Service) refuse(ctx context.Context, t Turn, by string) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		return s.auditTx(ctx, tx, Principal(t.Kiosk), "kiosk.unknown", "kiosk", t.Kiosk.ID, "", map[string]any{"by": by})
	})
	if by == ByAccount {
		return errors.Join(err, errs.New(errs.Invalid, "kiosk.account_wrong"))
	}
	return errors.Join(err, errs.New(errs.NotFound, "kiosk.not_found"))
}

// CheckPIN asks for the PIN of the patient in front of the machine before
// money moves or is shown. Whoever knows it has proved who they are for the
// rest of their turn.
func (s *Service) CheckPIN(ctx context.Context, t Turn, pin string) error {
	subject := "patient:" + t.PatientID
	if t.PatientID == "" {
		return errs.New(errs.Unknown, "kiosk.turn_over")
	}
	if err := s.attempt(ctx, subject); err != nil {
		return err
	}
	var hash string
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		hash, err = selectPIN(ctx, tx, t.PatientID)
		return err
	})
	if err != nil {
		return err
	}
	if hash == "" {
		return errs.New(errs.Conflict, "kiosk.pin_missing")
	}
	if !s.secrets.VerifySecret(pin, hash) {
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			return s.auditTx(ctx, tx, Principal(t.Kiosk), "kiosk.pin_wrong", "patient", t.PatientID, t.PatientID, nil)
		})
		return errors.Join(err, errs.New(errs.Invalid, "kiosk.pin_wrong"))
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := forget(ctx, tx, subject); err != nil {
			return err
		}
		return exec(ctx, tx, "note proof", `UPDATE kiosk_sessions SET identified_by = $3 WHERE id = $1 AND patient_id = $2`, t.SessionID, t.PatientID, ByAccount)
	})
}

// attempt counts an attempt before it is decided, so that many at once get no
// more guesses than one after another, and refuses while a subject pauses.
func (s *Service) attempt(ctx context.Context, subjects ...string) error {
	now := s.now()
	var wait time.Duration
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		wait = 0
		all := make([]failures, len(subjects))
		for i, x := range subjects {
			var err error
			if all[i], err = selectFailures(ctx, tx, x); err != nil {
				return err
			}
			wait = max(wait, all[i].until.Sub(now))
		}
		if wait > 0 {
			return nil
		}
		for i, x := range subjects {
			limit := accountAttempts
			if strings.HasPrefix(x, "kiosk:") || strings.HasPrefix(x, "address:") {
				limit = machineAttempts
			}
			if err := upsertFailures(ctx, tx, x, all[i].more(limit, now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && wait > 0 {
		err = errs.New(errs.Limited, "kiosk.paused", "seconds", int(wait.Seconds())+1)
	}
	return err
}

type failures struct {
	count       int
	last, until time.Time
}

// more adds a failure and, beyond the limit, a pause that doubles.
func (f failures) more(limit int, now time.Time) failures {
	if now.Sub(f.last) > window {
		f = failures{}
	}
	f.count++
	f.last, f.until = now, time.Time{}
	if over := f.count - limit; over >= 0 {
		f.until = now.Add(min(firstPause<<min(over, 10), longestPause))
	}
	return f
}

// SetPIN gives a patient a PIN of six digits, or ("") takes it away. The desk
// does it in the patient's presence.
func (s *Service) SetPIN(ctx context.Context, patientID, pin string) error {
	who, err := identity.Require(ctx, identity.LedgerWrite)
	if err != nil {
		return err
	}
	hash, action := "", "kiosk.pin_removed"
	if pin != "" {
		if err := checkPIN(pin); err != nil {
			return err
		}
		if hash, err = s.secrets.HashSecret(pin); err != nil {
			return err
		}
		action = "kiosk.pin_set"
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := putPIN(ctx, tx, patientID, hash, who.UserID, s.now()); err != nil {
			return err
		}
		if err := forget(ctx, tx, "patient:"+patientID); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, action, "patient", patientID, patientID, nil)
	})
}

// HasPIN tells whether a patient has one.
func (s *Service) HasPIN(ctx context.Context, patientID string) (bool, error) {
	if _, err := identity.Require(ctx, identity.LedgerRead); err != nil {
		return false, err
	}
	var hash string
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		hash, err = selectPIN(ctx, tx, patientID)
		return err
	})
	return hash != "", err
}

// checkPIN wants six digits that are not the first anybody would try.
func checkPIN(pin string) error {
	if len(pin) != 6 || strings.Trim(pin, "0123456789") != "" {
		return errs.InvalidField("pin", "kiosk.pin_invalid")
	}
	same, up, down := true, true, true
	for i := 1; i < len(pin); i++ {
		d := int(pin[i]) - int(pin[i-1])
		same, up, down = same && d == 0, up && d == 1, down && d == -1
	}
	if same || up || down || pin[:3] == pin[3:] {
		return errs.InvalidField("pin", "kiosk.pin_simple")
	}
	return nil
}
