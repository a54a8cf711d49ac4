// Package privacy answers what people may ask of their data: a copy of
// everything, that it is not used, that it is removed. A request has a
// deadline, is decided by a person, done by a job, and audited at each step.
//
// Removal is crypto-erasure: what is spread over the database is sealed with
// the person's own key, which is deleted; what stands in the clear is blanked.
// Records that the law wants kept stop it, with the reason and the day. The
// package stores only requests and the sealed copies; the parts that keep data
// are handed to it by app as dossier.Keepers.
package privacy

import (
	"context"
	"time"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/store"
)

// The kinds of request.
const (
	Export   = "export"
	Restrict = "restrict" // do not use: views need emergency access
	Lift     = "lift"     // end of a restriction
	Delete   = "delete"
)

// The states of a request.
const (
	Open     = "open"
	Approved = "approved" // waits for its job, or for run
	Refused  = "refused"
	Running  = "running"
	Done     = "done"
	Failed   = "failed" // may be run again
)

// Who asks.
const (
	BySelf     = "self"
	ByGuardian = "guardian"
	ByRelative = "relative" // of a person who has died (PIPL article 49)
)

// Request is what somebody asked for.
type Request struct {
	ID         string
	Version    int64
	PatientID  string
	Kind       string
	Status     string
	Requester  string
	Channel    string // phone, portal, onsite, mail
	Evidence   string // how the requester's identity was checked
	Reason     string
	Note       string // of the decision
	Obstacles  []dossier.Obstacle
	ReceivedAt time.Time
	DueAt      time.Time
	DecidedAt  time.Time
	DecidedBy  string
	DoneAt     time.Time
	CreatedBy  string
	FileUntil  time.Time // an export can be fetched until then; zero: none
}

// Filter narrows a list of requests.
type Filter struct {
	PatientID string
	Kind      string
	Status    string
	Overdue   bool
	Limit     int
	Cursor    string
}

// Copy is everything held on a person, as it was when the request was run.
type Copy struct {
	PatientID string            `json:"patient_id"`
	MadeAt    time.Time         `json:"made_at"`
	Request   string            `json:"request"`
	Sections  []dossier.Section `json:"sections"`
}

// Rule says how long records of some kinds must be kept.
type Rule struct {
	Code  string
	Kinds []string // of timeline entries
	Years int
	Basis string
}

// People are the records that requests are about. app wires care/patient to
// it.
type People interface {
	Records(ctx context.Context, tx *store.Tx, patientID string) ([]string, error)
	LastVisits(ctx context.Context, tx *store.Tx, ids []string) (map[string]time.Time, error)
	SetRestricted(ctx context.Context, tx *store.Tx, patientID string, on bool) error
	SealFor(ctx context.Context, tx *store.Tx, patientID, plain, aad string) (string, error)
	UnsealFor(ctx context.Context, tx *store.Tx, patientID, sealed, aad string) (string, error)
}

// Changed says that a request was made, decided or done.
type Changed struct {
	RequestID string
	PatientID string
	Status    string
}

// obstacles says which rules still hold records of a person at now. It is pure.
func obstacles(rules []Rule, last map[string]time.Time, now time.Time) []dossier.Obstacle {
	out := []dossier.Obstacle{}
	for _, r := range rules {
		var latest time.Time
		for _, kind := range r.Kinds {
			if at := last[kind]; at.After(latest) {
				latest = at
			}
		}
		if latest.IsZero() {
			continue
		}
		if until := latest.AddDate(r.Years, 0, 0); until.After(now) {
			out = append(out, dossier.Obstacle{Key: "privacy.must_be_kept_" + r.Code, Part: r.Code, Basis: r.Basis, Until: until})
		}
	}
	return out
}
