package patient

import (
	"context"
	"encoding/json"
	"time"

	"heartline/internal/platform/store"
)

// FieldChange is one field of a record that somebody changed. The values are
// masked like the record itself; document numbers always are.
type FieldChange struct {
	ID        string
	PatientID string // differs from the asked one for a record that was merged in
	At        time.Time
	Version   int64
	Actor     string
	ActorName string
	Source    string // edit, family, lifecycle, merge, unmerge
	Field     string // as in the API: birth_date, phones, identifiers
	Old       string
	New       string
	Erased    bool // the values cannot be read any more
}

// The kinds of customer groups.
const (
	GroupContract  = "contract"  // 合同单位
	GroupInsurer   = "insurer"   //
	GroupCommunity = "community" // 社区
)

// Group is a customer that is not one person: a contract unit, an insurer, a
// community.
type Group struct {
	ID        string
	Version   int64
	Kind      string
	Code      string
	Name      string
	Contact   string // who to talk to
	Phone     string
	Address   string
	ValidFrom string // ISO date; "" when open
	ValidTo   string
	Notes     string
	Members   int
	CreatedAt time.Time
	UpdatedAt time.Time
}

// GroupMember is a person of a group.
type GroupMember struct {
	ID      string
	GroupID string
	Card    Card
	Number  string // number within the group: staff or policy number
	Role    string
	Since   string
	Until   string
}

// GroupFilter narrows a list of groups.
type GroupFilter struct {
	Query  string // name, pinyin, initials, code
	Kind   string
	Limit  int
	Cursor string
}

// StageRule says when a stage of the customer's life is reached: so many
// visits, within so many days when WithinDays is set, and the first of them at
// least so many years ago.
type StageRule struct {
	Stage      string
	Visits     int
	WithinDays int
	Years      int
}

// Reason is one thing that speaks for or against two records being the same
// person.
type Reason struct {
	Code   string `json:"code"` // same_document, same_phone, …
	Points int    `json:"points"`
}

// Duplicate is a proposal: two records may be one person.
type Duplicate struct {
	ID      string
	A, B    Card
	Score   int // 0 to 100
	Reasons []Reason
	Status  string // open, dismissed, merged
	FoundAt time.Time
	Note    string
}

// The states of a proposal.
const (
	DuplicateOpen      = "open"
	DuplicateDismissed = "dismissed"
	DuplicateMerged    = "merged"
)

// DuplicateFilter narrows the proposals; the surest come first.
type DuplicateFilter struct {
	Status    string // open when empty
	PatientID string
	MinScore  int
	Limit     int
	Cursor    string
}

// Comparison shows two records side by side.
type Comparison struct {
	A, B   Patient
	Fields []ComparedField
	Score  int
	Points []Reason
}

// ComparedField is one line of a comparison. Suggest is "a" or "b" for a field
// of which one value is kept, "both" for a list that is united.
type ComparedField struct {
	Field   string
	A, B    string
	Same    bool
	Suggest string
}

// MergeRequest asks to make one record of two. Fields says of which record a
// field is kept ("keep" or "merge"); those not named follow the suggestion.
// Lists (phones, documents, allergies, tags) are always united.
type MergeRequest struct {
	Keep    string
	Merge   string
	Fields  map[string]string
	Reason  string
	Version int64 // of the kept record as it was read; 0 does not check
}

// Merged is a merge that was made.
type Merged struct {
	ID        string
	Keep      string
	Merge     string
	At        time.Time
	Actor     string
	ActorName string
	Reason    string
	Parts     map[string]int // how much was moved, by part
	UndoneAt  time.Time
	CanUndo   bool
}

// Mergeable is a part of the program that keeps things by patient id. A merge
// moves them; undoing it moves back exactly what it moved.
type Mergeable struct {
	Name string
	Move func(ctx context.Context, tx *store.Tx, from, to string) (Receipt, error)
	Undo func(ctx context.Context, tx *store.Tx, from, to string, r Receipt) error
	Uses func(ctx context.Context, tx *store.Tx, patientID string) (bool, error) // holds anything of the person
}

// Receipt is what a part needs to undo a move.
type Receipt struct {
	Moved int             `json:"moved"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// QualityRule is one thing that can be wrong with records, and how many it is
// wrong with.
type QualityRule struct {
	Rule  string
	Count int
}

// QualityReport is the result of the last look at the data.
type QualityReport struct {
	At     time.Time // zero: nobody has looked yet
	People int
	Rules  []QualityRule
}

// QualityFinding is one person whose record a rule is about.
type QualityFinding struct {
	Card   Card
	Detail string
}

// Access is an emergency access to a restricted record.
type Access struct {
	ID         string
	PatientID  string
	UserID     string
	UserName   string
	Reason     string
	At         time.Time
	Until      time.Time
	ReviewedAt time.Time
	ReviewedBy string
	ReviewNote string
}

// ExportFilter says whom an export lists: people by id, those that a search
// finds, those of a group, or, when all are empty, everybody.
type ExportFilter struct {
	IDs     []string
	Query   string
	GroupID string
	Tag     string
}
