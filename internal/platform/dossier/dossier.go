// Package dossier holds the words in which the parts of the program tell what
// they keep on a person, and forget it: for the exports and deletions that
// people may ask for. It knows no part and stores nothing; package privacy asks
// the parts that app hands it.
package dossier

import (
	"context"
	"time"

	"heartline/internal/platform/store"
)

// Cell is one named value; Name is a word of the API ("birth_date"), which
// readers see in their language.
type Cell struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Row is one record of a section.
type Row []Cell

// Section is what one part keeps on a person.
type Section struct {
	Part string `json:"part"`
	Rows []Row  `json:"rows"`
	More bool   `json:"more,omitempty"` // there is more than a section holds
}

// MaxRows is how many rows a section holds at most.
const MaxRows = 20000

// Obstacle is a reason for which a person's data must be kept for now.
type Obstacle struct {
	Key   string    `json:"key"` // message key
	Part  string    `json:"part"`
	Basis string    `json:"basis,omitempty"` // the law or rule
	Until time.Time `json:"until,omitzero"`
}

// Keeper is a part that keeps data by patient id. A nil function has nothing
// to say.
type Keeper struct {
	Part string
	// Export tells everything that is kept under the ids of one person.
	Export func(ctx context.Context, ids []string) ([]Section, error)
	// Obstacles says why the data may not be removed yet.
	Obstacles func(ctx context.Context, tx *store.Tx, ids []string) ([]Obstacle, error)
	// Erase removes the data, or all in it that leads to the person.
	Erase func(ctx context.Context, tx *store.Tx, ids []string) error
}

// Add appends a cell unless the value is empty.
func (r *Row) Add(name, value string) {
	if value != "" {
		*r = append(*r, Cell{name, value})
	}
}
