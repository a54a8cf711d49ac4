package job

import (
	"context"
	"fmt"
	"strings"
	"time"

	"heartline/internal/platform/store"
)

type row struct {
	id, kind, args string
	uniqueKey      *string
	runAt          int64
	attempt        int
	maxAttempts    int
	createdAt      int64
}

func insert(ctx context.Context, tx *store.Tx, r row) error {
	return tx.Later(ctx, `INSERT INTO jobs (id, kind, args, state, unique_key, run_at, max_attempts, created_at)
		VALUES ($1, $2, $3, 'waiting', $4, $5, $6, $7)
		ON CONFLICT (kind, unique_key) WHERE state IN ('waiting', 'running') DO NOTHING`,
		r.id, r.kind, r.args, r.uniqueKey, r.runAt, r.maxAttempts, r.createdAt)
}

// claim takes up to limit due jobs of the given kinds in one statement, so that
// no two workers, on whatever node, get the same one.
func claim(ctx context.Context, tx *store.Tx, owner string, kinds []string, now, leaseUntil int64, limit int) ([]row, error) {
	args := []any{owner, leaseUntil, now, limit}
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = "FOR UPDATE SKIP LOCKED"
	}
	rows, err := tx.Query(ctx, `UPDATE jobs SET state = 'running', owner = $1, lease_until = $2, attempt = attempt + 1
		WHERE id IN (SELECT id FROM jobs WHERE state = 'waiting' AND run_at <= $3 AND kind IN (`+
		placeholders(&args, kinds)+`) ORDER BY run_at, id LIMIT $4 `+lock+`)
		RETURNING id, kind, args, attempt, max_attempts`, args...)
	if err != nil {
		return nil, err
	}
	var list []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.kind, &r.args, &r.attempt, &r.maxAttempts); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// nextDue is when the earliest waiting job of the given kinds may run.
func nextDue(ctx context.Context, tx *store.Tx, kinds []string) (at int64, ok bool, err error) {
	var args []any
	err = tx.QueryRow(ctx, `SELECT run_at FROM jobs WHERE state = 'waiting' AND kind IN (`+
		placeholders(&args, kinds)+`) ORDER BY run_at LIMIT 1`, args...).Scan(&at)
	if store.IsNoRows(err) {
		return 0, false, nil
	}
	return at, err == nil, err
}

// settle records how an attempt ended, unless the job was taken from us.
func settle(ctx context.Context, tx *store.Tx, owner, id string, state State, runAt, finishedAt int64, attempt int, lastError string) error {
	_, err := tx.Exec(ctx, `UPDATE jobs SET state = $1, run_at = $2, finished_at = $3, attempt = $4, last_error = $5, owner = '', lease_until = 0
		WHERE id = $6 AND owner = $7 AND state = 'running'`, string(state), runAt, finishedAt, attempt, lastError, id, owner)
	return err
}

func extend(ctx context.Context, tx *store.Tx, owner string, ids []string, leaseUntil int64) error {
	args := []any{leaseUntil, owner}
	_, err := tx.Exec(ctx, `UPDATE jobs SET lease_until = $1 WHERE owner = $2 AND state = 'running' AND id IN (`+
		placeholders(&args, ids)+`)`, args...)
	return err
}

// rescue gives back jobs whose worker died: those with a lease that ended
// before leaseBefore.
func rescue(ctx context.Context, tx *store.Tx, now, leaseBefore int64) (int64, error) {
	lost, err := tx.Exec(ctx, `UPDATE jobs SET state = 'failed', finished_at = $1, owner = '', lease_until = 0, last_error = 'worker died'
		WHERE state = 'running' AND lease_until < $2 AND attempt >= max_attempts`, now, leaseBefore)
	if err != nil {
		return 0, err
	}
	again, err := tx.Exec(ctx, `UPDATE jobs SET state = 'waiting', run_at = $1, owner = '', lease_until = 0, last_error = 'worker died'
		WHERE state = 'running' AND lease_until < $2`, now, leaseBefore)
	return lost + again, err
}

func prune(ctx context.Context, tx *store.Tx, doneBefore, failedBefore int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM jobs WHERE (state = 'done' AND finished_at < $1)
		OR (state = 'failed' AND finished_at < $2)`, doneBefore, failedBefore)
	return err
}

func retry(ctx context.Context, tx *store.Tx, id string, now int64) (int64, error) {
	return tx.Exec(ctx, `UPDATE jobs SET state = 'waiting', run_at = $1, attempt = 0, finished_at = 0
		WHERE id = $2 AND state = 'failed'`, now, id)
}

// Filter narrows List; empty fields do not.
type Filter struct {
	Kind   string
	State  State
	Before string // ids older than this one: the next page
	Limit  int    // 100 if not set, 1000 at most
}

// Info is a job as the operations page shows it.
type Info struct {
	ID, Kind    string
	State       State
	UniqueKey   string
	RunAt       time.Time
	Attempt     int
	MaxAttempts int
	LastError   string
	CreatedAt   time.Time
	FinishedAt  time.Time // zero if not finished
}

// List returns jobs, newest first.
func (q *Queue) List(ctx context.Context, f Filter) ([]Info, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	args := []any{min(limit, 1000)}
	var conds []string
	for _, c := range []struct{ cond, value string }{
		{"kind = $%d", f.Kind}, {"state = $%d", string(f.State)}, {"id < $%d", f.Before}} {
		if c.value != "" {
			args = append(args, c.value)
			conds = append(conds, fmt.Sprintf(c.cond, len(args)))
		}
	}
	where := ""
	if len(conds) > 0 {
		where = " WHERE " + strings.Join(conds, " AND ")
	}
	var list []Info
	err := q.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, kind, state, COALESCE(unique_key, ''), run_at, attempt, max_attempts,
			last_error, created_at, finished_at FROM jobs`+where+` ORDER BY id DESC LIMIT $1`, args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var i Info
			var runAt, created, finished int64
			if err := rows.Scan(&i.ID, &i.Kind, &i.State, &i.UniqueKey, &runAt, &i.Attempt, &i.MaxAttempts,
				&i.LastError, &created, &finished); err != nil {
				return err
			}
			i.RunAt, i.CreatedAt = store.Time(runAt), store.Time(created)
			if finished > 0 {
				i.FinishedAt = store.Time(finished)
			}
			list = append(list, i)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return list, nil
}

// Counts says how many jobs are in each state.
func (q *Queue) Counts(ctx context.Context) (map[State]int, error) {
	counts := make(map[State]int)
	err := q.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, `SELECT state, COUNT(*) FROM jobs GROUP BY state`)
		if err != nil {
			return err
		}
		for rows.Next() {
			var s State
			var n int
			if err := rows.Scan(&s, &n); err != nil {
				return err
			}
			counts[s] = n
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return counts, nil
}

// placeholders appends values to args and returns "$5, $6, …" for them.
func placeholders(args *[]any, values []string) string {
	marks := make([]string, len(values))
	for i, v := range values {
		*args = append(*args, v)
		marks[i] = fmt.Sprintf("$%d", len(*args))
	}
	return strings.Join(marks, ", ")
}
