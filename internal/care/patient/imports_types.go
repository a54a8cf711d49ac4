package patient

import "time"

// The states of an import.
const (
	ImportUploaded  = "uploaded" // wants a mapping
	ImportMapped    = "mapped"
	ImportChecking  = "checking" // dry run
	ImportChecked   = "checked"
	ImportRunning   = "running"
	ImportDone      = "done"
	ImportUndoing   = "undoing"
	ImportUndone    = "undone"
	ImportCancelled = "failed"
)

// FileImport is people on their way in from a file.
type FileImport struct {
	ID        string
	Version   int64
	FileName  string
	Format    string // csv, xlsx
	Encoding  string // utf-8, gb18030, utf-16; "" for xlsx
	Status    string
	Headers   []string
	Mapping   []string   // field of each column, "" to leave it out
	Preview   [][]string // the first rows
	Total     int
	Done      int
	Created   int
	Existing  int // already known by a document: left alone
	Failed    int
	Undone    int
	Kept      int // could not be undone: in use since
	Error     string
	CreatedAt time.Time
	CreatedBy string
	ActorName string
}

// RowProblem is what is wrong with one row of a file.
type RowProblem struct {
	Line     int
	State    string // failed, existing
	Cells    []string
	Problems []CellProblem
}

// CellProblem is what is wrong with one cell.
type CellProblem struct {
	Field string `json:"field"`
	Key   string `json:"key"`
}
