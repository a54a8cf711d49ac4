package messaging

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

const templateColumns = `name, lang, version, text, enabled, actor, actor_name, created_at`

// editions lists the edited texts of a kind, or of all when name is empty,
// the newest first.
func editions(ctx context.Context, tx *store.Tx, name string) ([]Template, error) {
	rows, err := tx.Query(ctx, `SELECT `+templateColumns+` FROM message_templates WHERE $1 = '' OR name = $1 ORDER BY name, lang, version DESC`, name)
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	defer rows.Close()
	var out []Template
	for rows.Next() {
		var t Template
		var enabled, created int64
		if err := rows.Scan(&t.Name, &t.Lang, &t.Version, &t.Text, &enabled, &t.Actor, &t.ActorName, &created); err != nil {
			return nil, fmt.Errorf("list templates: %w", err)
		}
		t.Enabled, t.CreatedAt = enabled != 0, fromMillis(created)
		out = append(out, t)
	}
	return out, rows.Err()
}

// newest is the edited text in force, if there is one.
func newest(ctx context.Context, tx *store.Tx, name, lang string) (t Template, ok bool, err error) {
	var enabled, created int64
	err = tx.QueryRow(ctx, `SELECT `+templateColumns+` FROM message_templates WHERE name = $1 AND lang = $2 ORDER BY version DESC LIMIT 1`, name, lang).Scan(
		&t.Name, &t.Lang, &t.Version, &t.Text, &enabled, &t.Actor, &t.ActorName, &created)
	if store.IsNoRows(err) {
		return t, false, nil
	}
	if err != nil {
		return t, false, fmt.Errorf("load template: %w", err)
	}
	t.Enabled, t.CreatedAt = enabled != 0, fromMillis(created)
	return t, true, nil
}

func insertTemplate(ctx context.Context, tx *store.Tx, t Template) error {
	_, err := tx.Exec(ctx, `INSERT INTO message_templates (`+templateColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.Name, t.Lang, t.Version, t.Text, bit(t.Enabled), t.Actor, t.ActorName, millis(t.CreatedAt))
	if err != nil {
		return fmt.Errorf("store template: %w", err)
	}
	return nil
}
