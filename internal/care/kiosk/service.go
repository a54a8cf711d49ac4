package kiosk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Deps are what the service works with.
type Deps struct {
	DB           *store.DB
	Audit        *audit.Log
	Now          func() time.Time
	People       People
	Appointments Appointments
	Secrets      Secrets
	Index        func(purpose, value string) string // keyed fingerprint of an account: crypto.Keyring.Index
}

// Service keeps the machines and the turns of patients. Setting machines up
// needs kiosk.admin.
type Service struct {
	db           *store.DB
	audit        *audit.Log
	now          func() time.Time
	people       People
	appointments Appointments
	secrets      Secrets
	index        func(purpose, value string) string
}

// New makes the service.
func New(d Deps) *Service {
	return &Service{db: d.DB, audit: d.Audit, now: d.Now, people: d.People, appointments: d.Appointments, secrets: d.Secrets, index: d.Index}
}

const (
	signedIn  = 180 * 24 * time.Hour // how long a machine stays signed in
	seenEvery = time.Minute          // how exactly it is known when one was at work
	minToken  = 20
)

// List returns all machines.
func (s *Service) List(ctx context.Context) ([]Kiosk, error) {
	if _, err := identity.Require(ctx, identity.KioskAdmin); err != nil {
		return nil, err
	}
	var out []Kiosk
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = selectKiosks(ctx, tx)
		return err
	})
	return out, err
}

// Create adds a machine and returns the token by which it signs in. The token
// is not kept and cannot be shown again.
func (s *Service) Create(ctx context.Context, k Kiosk) (Kiosk, string, error) {
	token := newToken()
	k, err := s.CreateWith(ctx, k, token)
	return k, token, err
}

// CreateWith adds a machine with a token that was agreed on beforehand, for
// installations by script and for the demo.
func (s *Service) CreateWith(ctx context.Context, k Kiosk, token string) (Kiosk, error) {
	if err := k.check(); err != nil {
		return k, err
	}
	if len(token) < minToken {
		return k, errs.InvalidField("token", "too_short")
	}
	now := store.Time(store.Millis(s.now()))
	k.ID, k.Version, k.Active, k.SeenAt, k.CreatedAt, k.UpdatedAt = id.New(), 1, true, time.Time{}, now, now
	err := s.change(ctx, "kiosk.create", k.ID, func(tx *store.Tx) error { return insertKiosk(ctx, tx, k, hashed(token)) })
	if store.IsUnique(err) {
		err = errs.InvalidField("name", "kiosk.name_taken")
	}
	return k, err
}

// Update changes a machine; one that is not active is signed out.
func (s *Service) Update(ctx context.Context, k Kiosk) (Kiosk, error) {
	if err := k.check(); err != nil {
		return k, err
	}
	err := s.change(ctx, "kiosk.update", k.ID, func(tx *store.Tx) error {
		old, err := selectKiosk(ctx, tx, k.ID)
		if err != nil {
			return err
		}
		if k.Version != 0 && k.Version != old.Version {
			return errs.New(errs.Conflict, "kiosk.version_conflict")
		}
		k.Version, k.SeenAt, k.CreatedAt, k.UpdatedAt = old.Version+1, old.SeenAt, old.CreatedAt, store.Time(store.Millis(s.now()))
		if !k.Active {
			if err := deleteSessions(ctx, tx, k.ID); err != nil {
				return err
			}
		}
		return updateKiosk(ctx, tx, k)
	})
	if store.IsUnique(err) {
		err = errs.InvalidField("name", "kiosk.name_taken")
	}
	return k, err
}

// NewToken replaces a machine's token and signs it out.
func (s *Service) NewToken(ctx context.Context, kioskID string) (string, error) {
	token := newToken()
	err := s.change(ctx, "kiosk.token", kioskID, func(tx *store.Tx) error {
		if _, err := selectKiosk(ctx, tx, kioskID); err != nil {
			return err
		}
		if err := deleteSessions(ctx, tx, kioskID); err != nil {
			return err
		}
		return updateToken(ctx, tx, kioskID, hashed(token), s.now())
	})
	return token, err
}

// change runs an administrator's change with its audit entry.
func (s *Service) change(ctx context.Context, action, kioskID string, fn func(tx *store.Tx) error) error {
	who, err := identity.Require(ctx, identity.KioskAdmin)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, action, "kiosk", kioskID, "", nil)
	})
}

func (k *Kiosk) check() error {
	var f errs.Fields
	for _, x := range []struct {
		path     string
		s        *string
		required bool
	}{{"name", &k.Name, true}, {"place", &k.Place, false}, {"campus_id", &k.CampusID, false}, {"printer", &k.Printer, false}} {
		*x.s = strings.TrimSpace(*x.s)
		switch {
		case *x.s == "" && x.required:
			f.Add(x.path, "required")
		case utf8.RuneCountInString(*x.s) > 100:
			f.Add(x.path, "too_long")
		case !utf8.ValidString(*x.s) || strings.ContainsFunc(*x.s, unicode.IsControl):
			f.Add(x.path, "bad_characters")
		}
	}
	if !printerAddress(&k.Printer) {
		f.Add("printer", "kiosk.printer_invalid")
	}
	return f.Err()
}

// printerAddress completes host to host:9100, where receipt printers listen.
func printerAddress(a *string) bool {
	if *a == "" {
		return true
	}
	if !strings.Contains(*a, ":") {
		*a += ":9100"
	}
	host, port, err := net.SplitHostPort(*a)
	n, _ := strconv.Atoi(port)
	return err == nil && n > 0 && n < 65536 && host != "" && !strings.ContainsAny(host, " /@?#")
}

// SignIn gives a machine that knows its token a session.
func (s *Service) SignIn(ctx context.Context, token, ip string) (session string, k Kiosk, err error) {
	session = newToken()
	wrong := errs.New(errs.Unknown, "kiosk.token_wrong")
	subject := "address:" + ip
	if err := s.attempt(ctx, subject); err != nil {
		return "", k, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		if k, err = selectByToken(ctx, tx, hashed(strings.TrimSpace(token))); err != nil {
			return err
		}
		if !k.Active {
			return wrong
		}
		now := s.now()
		if err := forget(ctx, tx, subject); err != nil {
			return err
		}
		if err := deleteExpired(ctx, tx, now); err != nil {
			return err
		}
		if err := insertSession(ctx, tx, id.New(), k.ID, hashed(session), now, now.Add(signedIn)); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, Principal(k), "kiosk.sign_in", "kiosk", k.ID, "", nil)
	})
	if errs.Is(err, errs.NotFound) {
		err = wrong
	}
	return session, k, err
}

// SignOut ends a machine's session.
func (s *Service) SignOut(ctx context.Context, t Turn) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := deleteSession(ctx, tx, t.SessionID); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, Principal(t.Kiosk), "kiosk.sign_out", "kiosk", t.Kiosk.ID, "", nil)
	})
}

// Authenticate returns the turn of a machine's session. Using it counts as a
// touch.
func (s *Service) Authenticate(ctx context.Context, session string) (Turn, error) {
	var t Turn
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		t, err = selectTurn(ctx, tx, hashed(session), s.now())
		return err
	})
	if err != nil {
		return t, err
	}
	if now := s.now(); now.Sub(t.Kiosk.SeenAt) >= seenEvery {
		if err := s.db.Write(ctx, func(tx *store.Tx) error { return seen(ctx, tx, t.Kiosk.ID, now) }); err != nil {
			return t, err
		}
	}
	if t.PatientID == "" {
		return t, nil
	}
	return t, s.Touch(ctx, &t)
}

// Touch lengthens a patient's turn that is not over.
func (s *Service) Touch(ctx context.Context, t *Turn) error {
	now := s.now()
	err := s.db.Write(ctx, func(tx *store.Tx) error { return touch(ctx, tx, t.SessionID, t.PatientID, now) })
	if err == nil && t.PatientID != "" {
		t.Until = now.Add(Idle)
	}
	return err
}

// Leave ends a patient's turn.
func (s *Service) Leave(ctx context.Context, t Turn) error {
	if t.PatientID == "" {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := setPatient(ctx, tx, t.SessionID, "", "", s.now()); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, Principal(t.Kiosk), "kiosk.leave", "patient", t.PatientID, t.PatientID, nil)
	})
}

// Principal is a machine as it acts in other services: exactly what a patient
// in front of it may need, nothing unmasked.
func Principal(k Kiosk) identity.Principal {
	p := identity.Principal{UserID: "kiosk:" + k.ID, Name: k.Name, Login: "kiosk:" + k.ID, Roles: []string{"kiosk"},
		Permissions: map[identity.Permission]bool{}}
	for _, x := range []identity.Permission{identity.PatientRead, identity.DirectoryRead, identity.BookingRead, identity.BookingWrite,
		identity.BookingCheckIn, identity.LedgerRead} {
		p.Permissions[x] = true
	}
	return p
}

func (s *Service) auditTx(ctx context.Context, tx *store.Tx, who identity.Principal, action, object, objectID, patientID string, detail map[string]any) error {
	if p, ok := identity.From(ctx); ok && who.IP == "" {
		who.IP, who.RequestID = p.IP, p.RequestID
	}
	err := s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: object,
		ObjectID: objectID, Patient: patientID, IP: who.IP, RequestID: who.RequestID, Detail: detail})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// newToken returns 160 random bits in text that can be typed.
func newToken() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails: the runtime ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
