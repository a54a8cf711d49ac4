package hospital

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

// Names gives the names of a department and a doctor, "" for what there is
// not, in the caller's transaction. It is for the program itself and checks no
// right: the names are on the door.
func (s *Service) Names(ctx context.Context, tx *store.Tx, departmentID, doctorID string) (department, doctor string, err error) {
	department, doctor, err = namesOf(ctx, tx, departmentID, doctorID)
	if err != nil {
		return "", "", fmt.Errorf("names of department and doctor: %w", err)
	}
	return department, doctor, nil
}
