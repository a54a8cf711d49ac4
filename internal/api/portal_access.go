package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/booking"
	"heartline/internal/care/portal"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// The portal has a cookie of its own: a browser may be signed in at the desk
// and at the portal, and neither opens the other.
const (
	portalCookie     = "heartline_portal"
	portalCookiePath = "/api/portal"
)

// portalOnly opens an operation to signed-in patients and to nobody else.
func portalOnly() access { return access{declared: true, portal: true} }

// admitPatient puts the portal's account into the context in place of whoever
// the browser may be at the desk.
func (s *Server) admitPatient(ctx context.Context) (context.Context, error) {
	q := requestOf(ctx)
	if q.portal == "" {
		return ctx, errs.New(errs.Unknown, "auth.required")
	}
	if s.deps.Portal == nil {
		return ctx, errs.New(errs.Unavailable, "unavailable")
	}
	x, err := s.deps.Portal.Authenticate(ctx, q.portal, q.ip, q.id)
	if err != nil {
		return ctx, err
	}
	p := x.Principal(q.ip, q.id)
	q.user = p.UserID
	ctx = identity.With(ctx, p)
	members, err := s.deps.Portal.Members(ctx)
	if err != nil {
		return ctx, err
	}
	ids := make([]string, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.PatientID)
	}
	return booking.OnlyFor(context.WithValue(ctx, membersKey{}, members), ids...), nil
}

type membersKey struct{}

// membersOf are the people of the account that acts.
func membersOf(ctx context.Context) []portal.Member {
	list, _ := ctx.Value(membersKey{}).([]portal.Member)
	return list
}

// memberOf is the person behind a patient's id, if it is one of the account's.
func memberOf(ctx context.Context, patientID string) portal.Member {
	for _, m := range membersOf(ctx) {
		if m.PatientID == patientID {
			return m
		}
	}
	return portal.Member{}
}

// guest acts for whoever looks at the public pages of the portal.
func (s *Server) guest(ctx context.Context) context.Context {
	q := requestOf(ctx)
	return identity.With(ctx, portal.Guest(q.ip, q.id))
}

// newPortalCookie carries the token. Strict: no other site's link brings it.
func newPortalCookie(token string, expires time.Time, secure bool) http.Cookie {
	return http.Cookie{Name: portalCookie, Value: token, Path: portalCookiePath, Expires: expires, HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteStrictMode}
}

func (s *Server) accounts() (*portal.Service, error) {
	if s.deps.Portal == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Portal, nil
}

func (s *Server) portalCode(ctx context.Context, in *PortalCodeInput) (*Out[PortalCodeSent], error) {
	accounts, err := s.accounts()
	if err != nil {
		return nil, err
	}
	q := requestOf(ctx)
	sent, err := accounts.RequestCode(ctx, portal.CodeRequest{Phone: in.Body.Phone, Lang: in.Body.Lang, IP: q.ip, RequestID: q.id})
	if err != nil {
		return nil, err
	}
	return out(PortalCodeSent{ResendSeconds: int(sent.Resend / time.Second), ValidSeconds: int(sent.Life / time.Second)}), nil
}

func (s *Server) portalSignIn(ctx context.Context, in *PortalSignInInput) (*PortalSessionOut, error) {
	accounts, err := s.accounts()
	if err != nil {
		return nil, err
	}
	q := requestOf(ctx)
	x, err := accounts.SignIn(ctx, portal.SignIn{Phone: in.Body.Phone, Code: in.Body.Code, Lang: in.Body.Lang, IP: q.ip, Client: q.client, RequestID: q.id})
	if err != nil {
		return nil, err
	}
	p := x.Principal(q.ip, q.id)
	q.user = p.UserID
	me, err := s.me(identity.With(ctx, p), accounts)
	if err != nil {
		return nil, err
	}
	return &PortalSessionOut{SetCookie: newPortalCookie(x.Token, x.ExpiresAt, q.secure), Body: me}, nil
}

func (s *Server) portalSignOut(ctx context.Context, in *PortalSignOutInput) (*SignOutOut, error) {
	if err := s.deps.Portal.SignOut(ctx, in.Body.Everywhere); err != nil {
		return nil, err
	}
	c := newPortalCookie("", time.Unix(1, 0), requestOf(ctx).secure)
	c.MaxAge = -1
	return &SignOutOut{SetCookie: c}, nil
}

func (s *Server) portalMe(ctx context.Context, _ *None) (*Out[PortalMe], error) {
	me, err := s.me(ctx, s.deps.Portal)
	if err != nil {
		return nil, err
	}
	return out(me), nil
}

func (s *Server) me(ctx context.Context, accounts *portal.Service) (PortalMe, error) {
	a, members, err := accounts.Me(ctx)
	if err != nil {
		return PortalMe{}, err
	}
	return PortalMe{Phone: a.Phone, Lang: a.Lang, Members: mapped(members, portalMember), MaxMembers: accounts.MaxMembers()}, nil
}

func portalMember(m portal.Member) PortalMember {
	return PortalMember{ID: m.ID, Name: m.Name, Relation: m.Relation, DocumentType: m.DocumentType, Document: m.Document, BirthDate: m.BirthDate,
		Sex: m.Sex, Verified: m.State == portal.Verified, CreatedAt: utc(m.CreatedAt)}
}

func (s *Server) portalAddMember(ctx context.Context, in *PortalMemberInput) (*Out[PortalMember], error) {
	b := in.Body
	m, err := s.deps.Portal.Add(ctx, portal.NewMember{Name: b.Name, Relation: b.Relation, DocumentType: b.IDType, Document: b.IDNumber,
		BirthDate: b.BirthDate, Sex: b.Sex, GuardianID: b.GuardianID})
	if err != nil {
		return nil, err
	}
	return out(portalMember(m)), nil
}

func (s *Server) portalRemoveMember(ctx context.Context, in *ByID) (*Empty, error) {
	return nil, s.deps.Portal.Remove(ctx, in.ID)
}

// admit checks an operation's access rule and puts the right principal into
// the context.
func (s *Server) admit(ctx huma.Context, a access, pending bool) (huma.Context, error) {
	if a.portal {
		admitted, err := s.admitPatient(ctx.Context())
		return huma.WithContext(ctx, admitted), err
	}
	if a.kiosk {
		admitted, err := s.admitKiosk(ctx)
		return huma.WithContext(ctx, admitted), err
	}
	return ctx, a.check(ctx.Context(), pending)
}
