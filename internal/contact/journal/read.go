package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"heartline/internal/platform/store"
)

const maxSince = 5000

// OfContact returns a contact's events in order.
func (j *Journal) OfContact(ctx context.Context, contact string) ([]Event, error) {
	var events []Event
	err := j.db.Read(ctx, func(tx *store.Tx) (err error) {
		events, err = OfContactTx(ctx, tx, contact)
		return err
	})
	return events, err
}

// OfContactTx is OfContact inside a transaction, where the events of the batch
// being written are visible.
func OfContactTx(ctx context.Context, tx *store.Tx, contact string) ([]Event, error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM contact_events WHERE contact = $1 AND contact <> '' ORDER BY id", contact)
	if err != nil {
		return nil, fmt.Errorf("events of contact: %w", err)
	}
	return scan(rows)
}

// AgentEventsTx returns up to limit agent.* events after an id, in order.
func AgentEventsTx(ctx context.Context, tx *store.Tx, afterID string, limit int) ([]Event, error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+` FROM contact_events WHERE id > $1
		AND kind IN ('agent.signed_in', 'agent.state', 'agent.signed_out') ORDER BY id LIMIT $2`, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("events of agents: %w", err)
	}
	return scan(rows)
}

// Since returns up to limit events after the event with that id ("" for the
// beginning) in the order of the log.
func (j *Journal) Since(ctx context.Context, afterID string, limit int) ([]Event, error) {
	if limit <= 0 || limit > maxSince {
		limit = maxSince
	}
	var events []Event
	err := j.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+columns+" FROM contact_events WHERE id > $1 ORDER BY id LIMIT $2", afterID, limit)
		if err != nil {
			return fmt.Errorf("events since: %w", err)
		}
		events, err = scan(rows)
		return err
	})
	return events, err
}

// LastAt returns the time of the newest event, the latest moment at which the
// program is known to have lived; zero if the log is empty.
func (j *Journal) LastAt(ctx context.Context) (time.Time, error) {
	var at int64
	err := j.db.Read(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "SELECT at FROM contact_events ORDER BY id DESC LIMIT 1").Scan(&at)
	})
	if store.IsNoRows(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("last event: %w", err)
	}
	return store.Time(at), nil
}

func scan(rows *sql.Rows) ([]Event, error) {
	defer rows.Close()
	var events []Event
	for rows.Next() {
		var e Event
		var at int64
		var data string
		if err := rows.Scan(&e.ID, &at, &e.Contact, &e.Agent, &e.Queue, &e.Kind, &e.Version, &data); err != nil {
			return nil, fmt.Errorf("scan event: %w", err)
		}
		e.At, e.Data = store.Time(at), json.RawMessage(data)
		events = append(events, e)
	}
	return events, rows.Err()
}

// Past makes an event for Import; at is when it happened.
func Past(at time.Time, contact, agent, queue string, p Payload) Event {
	data, err := json.Marshal(p)
	if err != nil {
		data = json.RawMessage("{}")
	}
	return Event{
		At: at.UTC().Truncate(time.Millisecond), Contact: clean(contact), Agent: clean(agent),
		Queue: clean(queue), Kind: p.Kind(), Version: payloadVersion, Data: data, payload: p,
	}
}

// Import writes events of the past (made by Past, in order of time) with the
// projections and returns when they are on disk. Their ids carry the time of
// the event, so the log stays in order of time. OnEvent is not called.
func (j *Journal) Import(ctx context.Context, events []Event) error {
	const chunk = 4 * maxBatch
	for i := range events {
		if events[i].ID == "" {
			events[i].ID = idAt(events[i].At, i)
		}
	}
	for len(events) > 0 {
		n := min(len(events), chunk)
		if err, _ := j.writeBatch(ctx, events[:n], true); err != nil {
			return fmt.Errorf("import events: %w", err)
		}
		events = events[n:]
	}
	return nil
}

// idAt makes a UUIDv7 of a given time; seq keeps the order of events of the
// same millisecond (RFC 9562 §6.2, counter in rand_a and the head of rand_b).
func idAt(at time.Time, seq int) string {
	var u uuid.UUID
	_, _ = rand.Read(u[8:]) // never fails (crypto/rand)
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16)
	u[6] = 0x70 | byte(seq>>20)&0x0f
	u[7] = byte(seq >> 12)
	u[8] = 0x80 | byte(seq>>6)&0x3f
	u[9] = byte(seq<<2) | u[9]&0x03
	return u.String()
}
