package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/dossier"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// Deps are what the service works with. Zero Deadline and Keep mean 15 and 30
// days.
type Deps struct {
	DB       *store.DB
	Audit    *audit.Log
	Bus      *event.Bus
	Jobs     *job.Queue
	Now      func() time.Time
	Zone     *time.Location
	People   People
	Keepers  []dossier.Keeper
	Deadline time.Duration // to answer a request
	Keep     time.Duration // how long a copy can be fetched
}

// Service keeps and fulfils privacy requests.
type Service struct{ d Deps }

type runJob struct{ RequestID string }

func (runJob) Kind() string { return "privacy.run" }

// New makes the service and registers its job; make it before the queue starts.
func New(d Deps) *Service {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	if d.Deadline == 0 {
		d.Deadline = 15 * 24 * time.Hour
	}
	if d.Keep == 0 {
		d.Keep = 30 * 24 * time.Hour
	}
	s := &Service{d: d}
	if d.Jobs != nil {
		job.Register(d.Jobs, func(ctx context.Context, a runJob) error {
			return s.fulfil(identity.System(ctx, "privacy"), a.RequestID)
		})
	}
	return s
}

func kinds() []string { return []string{Export, Restrict, Lift, Delete} }

// Ask takes a request down. Whoever talks to customers may; deciding is for
// others.
func (s *Service) Ask(ctx context.Context, r Request) (Request, error) {
	who, err := identity.Require(ctx, identity.PatientWrite, identity.PrivacyManage)
	if err != nil {
		return Request{}, err
	}
	if err := check(&r); err != nil {
		return Request{}, err
	}
	now := s.d.Now()
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		in := r
		ids, err := s.d.People.Records(ctx, tx, in.PatientID)
		if err != nil {
			return err
		}
		in.ID, in.Version, in.PatientID, in.Status, in.CreatedBy = id.New(), 1, ids[0], Open, who.UserID
		in.ReceivedAt, in.DueAt, in.Obstacles = now, now.Add(s.d.Deadline), []dossier.Obstacle{}
		if open, err := hasOpen(ctx, tx, in.PatientID, in.Kind); err != nil || open {
			if err == nil {
				err = errs.New(errs.Conflict, "privacy.already_open")
			}
			return err
		}
		if in.Kind == Delete {
			if in.Obstacles, err = s.hindering(ctx, tx, ids); err != nil {
				return err
			}
		}
		if err := insertRequest(ctx, tx, in); err != nil {
			return err
		}
		tx.AfterCommit(func() { r = in })
		return s.step(ctx, tx, who, "privacy.ask", in, in.Reason)
	})
	return r, err
}

func check(r *Request) error {
	var f errs.Fields
	if !slices.Contains(kinds(), r.Kind) {
		f.Add("kind", "not_allowed")
	}
	if !slices.Contains([]string{BySelf, ByGuardian, ByRelative}, r.Requester) {
		f.Add("requester", "not_allowed")
	}
	if !slices.Contains([]string{"phone", "portal", "onsite", "mail"}, r.Channel) {
		f.Add("channel", "not_allowed")
	}
	for _, t := range []struct {
		path     string
		text     *string
		required bool
	}{{"evidence", &r.Evidence, true}, {"reason", &r.Reason, false}} {
		*t.text = strings.TrimSpace(*t.text)
		switch {
		case t.required && *t.text == "":
			f.Add(t.path, "validation.required")
		case utf8.RuneCountInString(*t.text) > 500:
			f.Add(t.path, "too_long")
		case !utf8.ValidString(*t.text) || strings.ContainsFunc(*t.text, unicode.IsControl):
			f.Add(t.path, "bad_characters")
		}
	}
	return f.Err()
}

// hindering collects what stops a removal: the periods of the law, and what
// the parts themselves must keep.
func (s *Service) hindering(ctx context.Context, tx *store.Tx, ids []string) ([]dossier.Obstacle, error) {
	rules, err := retention(ctx, tx)
	if err != nil {
		return nil, err
	}
	last, err := s.d.People.LastVisits(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	out := obstacles(rules, last, s.d.Now())
	for _, k := range s.d.Keepers {
		if k.Obstacles == nil {
			continue
		}
		more, err := k.Obstacles(ctx, tx, ids)
		if err != nil {
			return nil, fmt.Errorf("obstacles of %s: %w", k.Part, err)
		}
		out = append(out, more...)
	}
	return out, nil
}

// Decide accepts or refuses a request. A removal is decided by somebody else
// than took it down, and cannot be accepted while the law wants the records
// kept; the refusal says which and until when.
func (s *Service) Decide(ctx context.Context, requestID string, accept bool, note string) (Request, error) {
	who, err := identity.Require(ctx, identity.PrivacyManage)
	if err != nil {
		return Request{}, err
	}
	note = strings.TrimSpace(note)
	if n := utf8.RuneCountInString(note); n > 500 || (n < 2 && !accept) || !utf8.ValidString(note) || strings.ContainsRune(note, 0) {
		return Request{}, errs.InvalidField("note", "patient.reason_needed")
	}
	var r Request
	err = s.d.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if r, err = loadRequest(ctx, tx, requestID); err != nil {
			return err
		}
		if r.Status != Open {
			return errs.New(errs.Conflict, "privacy.decided")
		}
		r.Status, r.Note, r.DecidedAt, r.DecidedBy = Refused, note, s.d.Now(), who.UserID
		if !accept {
			return s.save(ctx, tx, who, "privacy.refuse", &r)
		}
		if r.Kind == Delete {
			if err := s.mayDelete(ctx, tx, who, &r); err != nil {
				return err
			}
		}
		r.Status = Approved
		if err := s.save(ctx, tx, who, "privacy.accept", &r); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, r.ID)
	})
	return r, err
}

func (s *Service) mayDelete(ctx context.Context, tx *store.Tx, who identity.Principal, r *Request) error {
	if r.CreatedBy == who.UserID {
		return errs.New(errs.Denied, "privacy.second_person")
	}
	ids, err := s.d.People.Records(ctx, tx, r.PatientID)
	if err != nil {
		return err
	}
	if r.Obstacles, err = s.hindering(ctx, tx, ids); err != nil {
		return err
	}
	return hindered(r.Obstacles)
}

// hindered is the refusal that names the obstacle that lasts longest and
// carries all. One that ends on no day stands before those that do.
func hindered(list []dossier.Obstacle) error {
	if len(list) == 0 {
		return nil
	}
	last := list[0]
	for _, o := range list {
		if !last.Until.IsZero() && (o.Until.IsZero() || o.Until.After(last.Until)) {
			last = o
		}
	}
	key, until := last.Key, ""
	if last.Basis != "" {
		key = "privacy.must_be_kept"
	}
	if !last.Until.IsZero() {
		until = last.Until.Format(time.DateOnly)
	}
	return errs.New(errs.Conflict, key, "until", until, "basis", last.Basis, "obstacles", list)
}

func (s *Service) enqueue(ctx context.Context, tx *store.Tx, requestID string) error {
	if s.d.Jobs == nil {
		return nil
	}
	return job.Enqueue(ctx, tx, s.d.Jobs, runJob{requestID}, job.UniqueKey(requestID), job.MaxAttempts(5))
}

// Run fulfils an accepted request again that failed, or one whose copy has
// expired.
func (s *Service) Run(ctx context.Context, requestID string) (Request, error) {
	who, err := identity.Require(ctx, identity.PrivacyManage)
	if err != nil {
		return Request{}, err
	}
	if s.d.Jobs == nil {
		return Request{}, errs.New(errs.Unavailable, "unavailable")
	}
	var r Request
	err = s.d.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if r, err = loadRequest(ctx, tx, requestID); err != nil {
			return err
		}
		again := r.Kind == Export && r.Status == Done
		if r.Status != Approved && r.Status != Failed && !again {
			return errs.New(errs.Conflict, "privacy.not_accepted")
		}
		r.Status = Approved
		if err := s.save(ctx, tx, who, "privacy.run", &r); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, r.ID)
	})
	return r, err
}

// Get returns one request.
func (s *Service) Get(ctx context.Context, requestID string) (r Request, err error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return Request{}, err
	}
	err = s.d.DB.Read(ctx, func(tx *store.Tx) (err error) {
		r, err = loadRequest(ctx, tx, requestID)
		return err
	})
	return r, err
}

// List lists requests, the most urgent first.
func (s *Service) List(ctx context.Context, f Filter) (list []Request, next string, err error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 50
	}
	err = s.d.DB.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = queryRequests(ctx, tx, f, s.d.Now())
		return err
	})
	if len(list) > f.Limit {
		list = list[:f.Limit]
		next = list[f.Limit-1].ID
	}
	return list, next, err
}

// save stores a step of a request and audits it.
func (s *Service) save(ctx context.Context, tx *store.Tx, who identity.Principal, action string, r *Request) error {
	r.Version++
	if err := updateRequest(ctx, tx, *r); err != nil {
		return err
	}
	return s.step(ctx, tx, who, action, *r, r.Note)
}

func (s *Service) step(ctx context.Context, tx *store.Tx, who identity.Principal, action string, r Request, reason string) error {
	event.PublishTx(tx, s.d.Bus, Changed{RequestID: r.ID, PatientID: r.PatientID, Status: r.Status})
	err := s.d.Audit.Append(ctx, tx, audit.Entry{At: s.d.Now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: "privacy",
		ObjectID: r.ID, Patient: r.PatientID, Reason: reason, IP: who.IP, RequestID: who.RequestID, Detail: map[string]any{"kind": r.Kind, "status": r.Status}})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// Fetch opens the copy that an export made. Each look is audited.
func (s *Service) Fetch(ctx context.Context, requestID string) (Copy, error) {
	who, err := identity.Require(ctx, identity.PrivacyManage)
	if err != nil {
		return Copy{}, err
	}
	var c Copy
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := loadRequest(ctx, tx, requestID)
		if err != nil {
			return err
		}
		sealed, err := loadFile(ctx, tx, requestID, s.d.Now())
		if err != nil {
			return err
		}
		text, err := s.d.People.UnsealFor(ctx, tx, r.PatientID, sealed, fileAAD(requestID))
		if err != nil {
			return fmt.Errorf("open copy: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return fmt.Errorf("decode copy: %w", err)
		}
		return s.step(ctx, tx, who, "privacy.fetch", r, "")
	})
	return c, err
}

func fileAAD(requestID string) string { return "privacy_files:" + requestID + ":sealed" }
