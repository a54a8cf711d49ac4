package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/booking"
	"heartline/internal/care/kiosk"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// A machine has a cookie of its own, which opens nothing else.
const (
	kioskCookie     = "heartline_kiosk"
	kioskCookiePath = "/api/kiosk"
)

type kioskTurnKey struct{}

// admitKiosk puts the machine, and the patient in front of it, into the
// context in place of whoever the browser may be elsewhere. What is done with
// appointments is narrowed to that patient.
func (s *Server) admitKiosk(hctx huma.Context) (context.Context, error) {
	ctx := hctx.Context()
	c, err := huma.ReadCookie(hctx, kioskCookie)
	if err != nil || len(c.Value) < 20 || len(c.Value) > 100 {
		return ctx, errs.New(errs.Unknown, "auth.required")
	}
	machines, err := s.kiosks()
	if err != nil {
		return ctx, err
	}
	t, err := machines.Authenticate(ctx, c.Value)
	if err != nil {
		return ctx, err
	}
	q := requestOf(ctx)
	p := kiosk.Principal(t.Kiosk)
	p.IP, p.RequestID, q.user = q.ip, q.id, p.UserID
	ctx = context.WithValue(identity.With(ctx, p), kioskTurnKey{}, t)
	if t.PatientID != "" {
		ctx = booking.OnlyFor(ctx, t.PatientID)
	}
	return ctx, nil
}

func (s *Server) kiosks() (*kiosk.Service, error) {
	if s.deps.Kiosks == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Kiosks, nil
}

func turnOf(ctx context.Context) kiosk.Turn {
	t, _ := ctx.Value(kioskTurnKey{}).(kiosk.Turn)
	return t
}

// patientTurn is the turn of an identified patient, or the answer that it is
// over.
func patientTurn(ctx context.Context) (kiosk.Turn, error) {
	t := turnOf(ctx)
	if t.PatientID == "" {
		return t, errs.New(errs.Conflict, "kiosk.turn_over")
	}
	return t, nil
}

func kioskView(k kiosk.Kiosk) KioskView {
	return KioskView{ID: k.ID, Version: k.Version, Name: k.Name, Place: k.Place, CampusID: k.CampusID, Printer: k.Printer, Active: k.Active, SeenAt: maybe(k.SeenAt),
		CreatedAt: utc(k.CreatedAt)}
}

func (f KioskFields) kiosk(kioskID string) kiosk.Kiosk {
	return kiosk.Kiosk{ID: kioskID, Version: f.Version, Name: f.Name, Place: f.Place, CampusID: f.CampusID, Printer: f.Printer, Active: f.Active == nil || *f.Active}
}

func (s *Server) listKiosks(ctx context.Context, _ *None) (*Out[List[KioskView]], error) {
	machines, err := s.kiosks()
	if err != nil {
		return nil, err
	}
	list, err := machines.List(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, kioskView, ""), nil
}

func (s *Server) createKiosk(ctx context.Context, in *KioskCreateInput) (*Out[KioskView], error) {
	machines, err := s.kiosks()
	if err != nil {
		return nil, err
	}
	k, token, err := machines.Create(ctx, in.Body.kiosk(""))
	if err != nil {
		return nil, err
	}
	v := kioskView(k)
	v.Token = token
	return out(v), nil
}

func (s *Server) updateKiosk(ctx context.Context, in *KioskUpdateInput) (*Out[KioskView], error) {
	machines, err := s.kiosks()
	if err != nil {
		return nil, err
	}
	k, err := machines.Update(ctx, in.Body.kiosk(in.ID))
	if err != nil {
		return nil, err
	}
	return out(kioskView(k)), nil
}

// KioskToken is the new token of a machine.
type KioskToken struct {
	Token string `json:"token" doc:"Shown once"`
}

func (s *Server) renewKioskToken(ctx context.Context, in *ByID) (*Out[KioskToken], error) {
	machines, err := s.kiosks()
	if err != nil {
		return nil, err
	}
	token, err := machines.NewToken(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(KioskToken{Token: token}), nil
}

func (s *Server) kioskSignIn(ctx context.Context, in *KioskSignInInput) (*KioskSessionOut, error) {
	machines, err := s.kiosks()
	if err != nil {
		return nil, err
	}
	q := requestOf(ctx)
	token, k, err := machines.SignIn(ctx, in.Body.Token, q.ip)
	if err != nil {
		return nil, err
	}
	view, err := s.kioskState(identity.With(ctx, kiosk.Principal(k)), kiosk.Turn{Kiosk: k})
	if err != nil {
		return nil, err
	}
	return &KioskSessionOut{SetCookie: newKioskCookie(token, s.now().AddDate(0, 6, 0), q.secure), Body: view}, nil
}

func newKioskCookie(token string, expires time.Time, secure bool) http.Cookie {
	return http.Cookie{Name: kioskCookie, Value: token, Path: kioskCookiePath, Expires: expires, HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteStrictMode}
}

func (s *Server) kioskSignOut(ctx context.Context, _ *None) (*SignOutOut, error) {
	if err := s.deps.Kiosks.SignOut(ctx, turnOf(ctx)); err != nil {
		return nil, err
	}
	c := newKioskCookie("", time.Unix(1, 0), requestOf(ctx).secure)
	c.MaxAge = -1
	return &SignOutOut{SetCookie: c}, nil
}

func (s *Server) kioskSession(ctx context.Context, _ *None) (*Out[KioskSessionView], error) {
	v, err := s.kioskState(ctx, turnOf(ctx))
	if err != nil {
		return nil, err
	}
	return out(v), nil
}

// kioskState is a machine and who stands in front of it.
func (s *Server) kioskState(ctx context.Context, t kiosk.Turn) (KioskSessionView, error) {
	v := KioskSessionView{Name: t.Kiosk.Name, Place: t.Kiosk.Place, Hospital: s.deps.About.Name, HospitalEN: s.deps.About.NameEN,
		TimeZone: s.zone().String(), Now: utc(s.now()), IdleSeconds: int(kiosk.Idle / time.Second), Printer: t.Kiosk.Printer != "" && s.deps.Print != nil}
	campuses, err := s.campusNames(ctx)
	if err != nil {
		return v, err
	}
	v.Campus = campuses[t.Kiosk.CampusID]
	if t.PatientID != "" {
		v.Patient, err = s.kioskPatient(ctx, t)
	}
	return v, err
}

func (s *Server) kioskPatient(ctx context.Context, t kiosk.Turn) (*KioskPatient, error) {
	patientID := t.PatientID
	cards, err := s.deps.Patients.Cards(ctx, []string{patientID})
	if err != nil {
		return nil, err
	}
	c, ok := cards[patientID]
	if !ok {
		return nil, errs.New(errs.Conflict, "kiosk.turn_over")
	}
	v := &KioskPatient{Name: c.Name, Sex: c.Sex, Age: c.Age, Allergies: some(c.Allergies), Proved: t.Proved()}
	if v.HasPIN, err = s.deps.Kiosks.HasPIN(ctx, patientID); err != nil {
		return nil, err
	}
	if s.deps.Ledger != nil && v.Proved {
		a, err := s.deps.Ledger.Account(ctx, patientID)
		if err != nil {
			return nil, err
		}
		v.AvailableCents = a.Available
	}
	return v, nil
}

func (s *Server) kioskIdentify(ctx context.Context, in *KioskIdentifyInput) (*Out[KioskPatient], error) {
	b := in.Body
	t, err := s.deps.Kiosks.Identify(ctx, turnOf(ctx), kiosk.Identification{By: b.By, Value: b.Value, PIN: b.PIN})
	if err != nil {
		return nil, err
	}
	v, err := s.kioskPatient(ctx, t)
	if err != nil {
		return nil, err
	}
	return out(*v), nil
}

// kioskPIN lets whoever identified by less prove who they are.
func (s *Server) kioskPIN(ctx context.Context, in *KioskPINInput) (*Out[KioskPatient], error) {
	t, err := patientTurn(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.deps.Kiosks.CheckPIN(ctx, t, in.Body.PIN); err != nil {
		return nil, err
	}
	t.By = kiosk.ByAccount
	v, err := s.kioskPatient(ctx, t)
	if err != nil {
		return nil, err
	}
	return out(*v), nil
}

// kioskTouch needs nothing more: being asked counts as a touch.
func (s *Server) kioskTouch(ctx context.Context, _ *None) (*Empty, error) {
	_, err := patientTurn(ctx)
	return nil, err
}

func (s *Server) kioskLeave(ctx context.Context, _ *None) (*Empty, error) {
	return nil, s.deps.Kiosks.Leave(ctx, turnOf(ctx))
}
