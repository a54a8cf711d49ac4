package api

import (
	"context"
	"time"

	"heartline/internal/care/privacy"
	"heartline/internal/platform/dossier"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// PrivacyRequest is what somebody asked for.
type PrivacyRequest struct {
	ID         string            `json:"id"`
	Version    int64             `json:"version"`
	PatientID  string            `json:"patient_id"`
	Patient    *PatientHit       `json:"patient,omitempty" doc:"With the right to see customers"`
	Kind       string            `json:"kind" enum:"export,restrict,lift,delete"`
	Status     string            `json:"status" enum:"open,approved,refused,running,done,failed"`
	Requester  string            `json:"requester" enum:"self,guardian,relative"`
	Channel    string            `json:"channel" enum:"phone,portal,onsite,mail"`
	Evidence   string            `json:"evidence" doc:"How the requester's identity was checked"`
	Reason     string            `json:"reason"`
	Note       string            `json:"note" doc:"Of the decision"`
	Obstacles  []PrivacyObstacle `json:"obstacles" doc:"What the law wants kept"`
	ReceivedAt time.Time         `json:"received_at"`
	DueAt      time.Time         `json:"due_at"`
	Overdue    bool              `json:"overdue"`
	DecidedAt  *time.Time        `json:"decided_at,omitempty"`
	DecidedBy  string            `json:"decided_by"`
	Decider    string            `json:"decider" doc:"Name of who decided"`
	DoneAt     *time.Time        `json:"done_at,omitempty"`
	CreatedBy  string            `json:"created_by"`
	Creator    string            `json:"creator" doc:"Name of who took it down"`
	FileUntil  *time.Time        `json:"file_until,omitempty" doc:"A copy can be fetched until then"`
}

// PrivacyObstacle is a reason for which data must be kept for now.
type PrivacyObstacle struct {
	Key   string     `json:"key"`
	Part  string     `json:"part"`
	Basis string     `json:"basis"`
	Until *time.Time `json:"until,omitempty"`
}

// PrivacyQuery narrows the requests.
type PrivacyQuery struct {
	Patient string `query:"patient" maxLength:"64"`
	Kind    string `query:"kind" enum:"export,restrict,lift,delete,"`
	Status  string `query:"status" enum:"open,approved,refused,running,done,failed,"`
	Overdue bool   `query:"overdue"`
	Paging
}

// PrivacyInput takes a request down.
type PrivacyInput struct {
	Body struct {
		PatientID string `json:"patient_id" minLength:"1" maxLength:"64"`
		Kind      string `json:"kind" enum:"export,restrict,lift,delete"`
		Requester string `json:"requester" required:"false" enum:"self,guardian,relative" default:"self"`
		Channel   string `json:"channel" required:"false" enum:"phone,portal,onsite,mail" default:"phone"`
		Evidence  string `json:"evidence" minLength:"1" maxLength:"500" doc:"How the requester's identity was checked"`
		Reason    string `json:"reason" required:"false" maxLength:"500"`
	}
}

// PrivacyDecision accepts or refuses a request.
type PrivacyDecision struct {
	ByID
	Body struct {
		Accept bool   `json:"accept"`
		Note   string `json:"note" required:"false" maxLength:"500" doc:"Needed for a refusal"`
	}
}

// PrivacyCopy is everything held on a person.
type PrivacyCopy struct {
	PatientID string           `json:"patient_id"`
	MadeAt    time.Time        `json:"made_at"`
	Request   string           `json:"request"`
	Sections  []PrivacySection `json:"sections"`
}

// PrivacySection is what one part of the program keeps.
type PrivacySection struct {
	Part string          `json:"part"`
	Rows [][]PrivacyCell `json:"rows"`
	More bool            `json:"more" doc:"There is more than a section holds"`
}

// PrivacyCell is one named value.
type PrivacyCell struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// PrivacyPaper asks for the copy on paper.
type PrivacyPaper struct {
	ByID
	Lang string `query:"lang" enum:"zh-CN,en" default:"zh-CN"`
}

func (s *Server) routePrivacy() {
	manage := needs(identity.PrivacyManage)
	get(s, "/api/privacy/requests", "listPrivacyRequests", "Privacy requests, the most urgent first", manage, s.listPrivacyRequests)
	post(s, "/api/privacy/requests", "createPrivacyRequest", "Take a privacy request down", needs(identity.PatientWrite, identity.PrivacyManage), s.createPrivacyRequest)
	get(s, "/api/privacy/requests/{id}", "getPrivacyRequest", "A privacy request", manage, s.getPrivacyRequest)
	post(s, "/api/privacy/requests/{id}/decide", "decidePrivacyRequest", "Accept or refuse", manage, s.decidePrivacyRequest)
	post(s, "/api/privacy/requests/{id}/run", "runPrivacyRequest", "Do it again", manage, s.runPrivacyRequest)
	get(s, "/api/privacy/requests/{id}/export.json", "getPrivacyExport", "The copy; audited", manage, s.getPrivacyExport)
	get(s, "/api/privacy/requests/{id}/export.pdf", "getPrivacyPaper", "The copy on paper; audited", manage, s.getPrivacyPaper, produces("application/pdf"))
}

func (s *Server) privacy() (*privacy.Service, error) {
	if s.deps.Privacy == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Privacy, nil
}

// privacyRequests adds to requests whom they are about and who decided.
func (s *Server) privacyRequests(ctx context.Context, list []privacy.Request) ([]PrivacyRequest, error) {
	var patients, users []string
	for _, r := range list {
		patients, users = append(patients, r.PatientID), append(users, r.CreatedBy, r.DecidedBy)
	}
	p, err := s.personsOf(ctx, patients, users)
	if err != nil {
		return nil, err
	}
	return mapped(list, func(r privacy.Request) PrivacyRequest {
		v := s.privacyRequest(r)
		v.Patient, v.Creator, v.Decider = p.hit(r.PatientID), p.users[r.CreatedBy], p.users[r.DecidedBy]
		return v
	}), nil
}

func (s *Server) privacyRequest(r privacy.Request) PrivacyRequest {
	pending := r.Status != privacy.Done && r.Status != privacy.Refused
	return PrivacyRequest{ID: r.ID, Version: r.Version, PatientID: r.PatientID, Kind: r.Kind, Status: r.Status, Requester: r.Requester, Channel: r.Channel,
		Evidence: r.Evidence, Reason: r.Reason, Note: r.Note, ReceivedAt: utc(r.ReceivedAt), DueAt: utc(r.DueAt), Overdue: pending && s.now().After(r.DueAt),
		DecidedAt: maybe(r.DecidedAt), DecidedBy: r.DecidedBy, DoneAt: maybe(r.DoneAt), CreatedBy: r.CreatedBy, FileUntil: maybe(r.FileUntil),
		Obstacles: mapped(r.Obstacles, func(o dossier.Obstacle) PrivacyObstacle {
			return PrivacyObstacle{Key: o.Key, Part: o.Part, Basis: o.Basis, Until: maybe(o.Until)}
		})}
}

func (s *Server) privacyOut(ctx context.Context, r privacy.Request, err error) (*Out[PrivacyRequest], error) {
	if err != nil {
		return nil, err
	}
	list, err := s.privacyRequests(ctx, []privacy.Request{r})
	if err != nil {
		return nil, err
	}
	return out(list[0]), nil
}

func (s *Server) listPrivacyRequests(ctx context.Context, in *PrivacyQuery) (*Out[List[PrivacyRequest]], error) {
	p, err := s.privacy()
	if err != nil {
		return nil, err
	}
	list, next, err := p.List(ctx, privacy.Filter{PatientID: in.Patient, Kind: in.Kind, Status: in.Status, Overdue: in.Overdue, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	views, err := s.privacyRequests(ctx, list)
	if err != nil {
		return nil, err
	}
	return listOf(views, func(v PrivacyRequest) PrivacyRequest { return v }, next), nil
}

func (s *Server) createPrivacyRequest(ctx context.Context, in *PrivacyInput) (*Out[PrivacyRequest], error) {
	p, err := s.privacy()
	if err != nil {
		return nil, err
	}
	b := in.Body
	r, err := p.Ask(ctx, privacy.Request{PatientID: b.PatientID, Kind: b.Kind, Requester: b.Requester, Channel: b.Channel, Evidence: b.Evidence, Reason: b.Reason})
	return s.privacyOut(ctx, r, err)
}

func (s *Server) getPrivacyRequest(ctx context.Context, in *ByID) (*Out[PrivacyRequest], error) {
	p, err := s.privacy()
	if err != nil {
		return nil, err
	}
	r, err := p.Get(ctx, in.ID)
	return s.privacyOut(ctx, r, err)
}

func (s *Server) decidePrivacyRequest(ctx context.Context, in *PrivacyDecision) (*Out[PrivacyRequest], error) {
	p, err := s.privacy()
	if err != nil {
		return nil, err
	}
	r, err := p.Decide(ctx, in.ID, in.Body.Accept, in.Body.Note)
	return s.privacyOut(ctx, r, err)
}

func (s *Server) runPrivacyRequest(ctx context.Context, in *ByID) (*Out[PrivacyRequest], error) {
	p, err := s.privacy()
	if err != nil {
		return nil, err
	}
	r, err := p.Run(ctx, in.ID)
	return s.privacyOut(ctx, r, err)
}

func (s *Server) getPrivacyExport(ctx context.Context, in *ByID) (*Out[PrivacyCopy], error) {
	p, err := s.privacy()
	if err != nil {
		return nil, err
	}
	c, err := p.Fetch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(PrivacyCopy{PatientID: c.PatientID, MadeAt: utc(c.MadeAt), Request: c.Request, Sections: mapped(c.Sections, func(x dossier.Section) PrivacySection {
		return PrivacySection{Part: x.Part, More: x.More, Rows: mapped(x.Rows, func(r dossier.Row) []PrivacyCell {
			return mapped(r, func(c dossier.Cell) PrivacyCell { return PrivacyCell(c) })
		})}
	})}), nil
}
