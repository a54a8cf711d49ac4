package booking_test

import (
	"context"
	"testing"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/store"
)

// broken are the promises of the package as queries that must find nothing.
func broken() map[string]string {
	return map[string]string{
		"a taken number has one active or completed appointment": `SELECT n.id FROM booking_numbers n LEFT JOIN (SELECT number_id, COUNT(*) AS held
			FROM appointments WHERE active = 1 OR state = 'completed' GROUP BY number_id) a ON a.number_id = n.id
			WHERE n.state = 'taken' AND COALESCE(a.held, 0) <> 1`,
		"a free or blocked number has none": `SELECT n.id FROM booking_numbers n WHERE n.state <> 'taken'
			AND n.id IN (SELECT number_id FROM appointments WHERE active = 1 OR state = 'completed')`,
		"a number is free, taken or blocked": `SELECT id FROM booking_numbers WHERE state NOT IN ('free', 'taken', 'blocked')`,
		"one active appointment for a person, department and day": `SELECT patient_id FROM appointments WHERE active = 1
			GROUP BY patient_id, day_key HAVING COUNT(*) > 1`,
		"active says what the state says": `SELECT id FROM appointments
			WHERE (active = 1) <> (state IN ('requested', 'scheduled', 'arrived', 'checked_in'))`,
		"an appointment repeats its number": `SELECT a.id FROM appointments a JOIN booking_numbers n ON n.id = a.number_id
			WHERE n.session_id <> a.session_id OR n.seq <> a.seq OR n.start_at <> a.start_at OR n.lane <> a.lane`,
		"an appointment has a history":        `SELECT id FROM appointments a WHERE NOT EXISTS (SELECT 1 FROM appointment_events e WHERE e.appointment_id = a.id)`,
		"a history belongs to an appointment": `SELECT id FROM appointment_events e WHERE NOT EXISTS (SELECT 1 FROM appointments a WHERE a.id = e.appointment_id)`,
		"the story shows the state":           `SELECT a.id FROM appointments a LEFT JOIN test_story s ON s.id = a.id WHERE s.state IS NULL OR s.state <> a.state`,
		"every movement of money balances":    `SELECT hold_id FROM test_entries GROUP BY hold_id HAVING SUM(amount) <> 0`,
		"money is held for active unpaid appointments only": `SELECT h.id FROM test_holds h WHERE h.state = 'held'
			AND h.id NOT IN (SELECT hold_id FROM appointments WHERE active = 1 AND paid = 0)`,
		"money is kept for paid appointments only": `SELECT h.id FROM test_holds h WHERE h.state = 'captured'
			AND h.id NOT IN (SELECT hold_id FROM appointments WHERE paid = 1)`,
		"an active appointment with a hold has its money held or taken": `SELECT a.id FROM appointments a JOIN test_holds h ON h.id = a.hold_id
			WHERE a.active = 1 AND h.state NOT IN ('held', 'captured')`,
	}
}

// sound checks every promise, and the chain of the audit log.
func sound(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for what, query := range broken() {
		var bad string
		if err := db.SQL().QueryRowContext(ctx, query).Scan(&bad); err == nil {
			t.Fatalf("broken: %s: %s", what, bad)
		} else if !store.IsNoRows(err) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if _, err := audit.Verify(ctx, db); err != nil {
		t.Fatal(err)
	}
}
