package journal

import (
	"context"
	"encoding/json"
	"fmt"

	"heartline/internal/platform/store"
)

// personal are the fields of payloads that lead to the person on a call.
func personal() []string {
	return []string{"from_sealed", "from_index", "from_masked", "patient", "patients", "notes"}
}

// Forget takes out of a contact's events what leads to the person: number,
// identity, notes. It is the one exception to a log that is only added to, for
// people who have the right that nothing of them stays.
func Forget(ctx context.Context, tx *store.Tx, contact string) error {
	events, err := OfContactTx(ctx, tx, contact)
	if err != nil {
		return err
	}
	for _, ev := range events {
		var fields map[string]json.RawMessage
		if len(ev.Data) == 0 || json.Unmarshal(ev.Data, &fields) != nil {
			continue
		}
		before := len(fields)
		for _, name := range personal() {
			delete(fields, name)
		}
		if len(fields) == before {
			continue
		}
		data, err := json.Marshal(fields)
		if err != nil {
			return fmt.Errorf("forget contact: %w", err)
		}
		if _, err := tx.Exec(ctx, "UPDATE contact_events SET data = $2 WHERE id = $1", ev.ID, string(data)); err != nil {
			return fmt.Errorf("forget contact: %w", err)
		}
	}
	return nil
}
