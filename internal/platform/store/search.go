package store

import (
	"context"
	"fmt"
	"strings"
)

// SearchIndex finds documents of one kind by the words in them. It answers with
// candidates: every document that has all terms of the query, and now and then
// one where the characters stand apart, so the caller reads the rows by id,
// checks them against the query and ranks them.
type SearchIndex struct{ scope string }

// Bounds that keep a query for common words fast.
const (
	maxTerms      = 16
	maxCandidates = 1000
	fuzzyLimit    = 20000 // matches that PostgreSQL looks at, about
)

// NewSearchIndex names an index: lower-case letters only, "patient". All
// indexes share one table; nothing is to be created.
func NewSearchIndex(scope string) SearchIndex {
	if scope == "" || strings.Trim(scope, "abcdefghijklmnopqrstuvwxyz") != "" {
		panic("store: a search index is named by lower-case letters, not " + scope)
	}
	return SearchIndex{scope}
}

// Put indexes a document under its id, in place of what was there.
func (s SearchIndex) Put(ctx context.Context, tx *Tx, doc string, t *Tokens) error {
	text := t.join(s.scope)
	if tx.dialect == Postgres {
		_, err := tx.Exec(ctx, `INSERT INTO search_docs (scope, doc, tokens)
			VALUES ($1, $2, array_to_tsvector(string_to_array($3, ' ')))
			ON CONFLICT (scope, doc) DO UPDATE SET tokens = excluded.tokens`, s.scope, doc, text)
		return searchErr("index document", err)
	}
	var n int64
	err := tx.QueryRow(ctx, `INSERT INTO search_docs (scope, doc) VALUES ($1, $2)
		ON CONFLICT (scope, doc) DO UPDATE SET doc = excluded.doc RETURNING n`, s.scope, doc).Scan(&n)
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT OR REPLACE INTO search_fts (rowid, tokens) VALUES ($1, $2)`, n, text)
	}
	return searchErr("index document", err)
}

// Delete forgets a document; one that is not there is no error.
func (s SearchIndex) Delete(ctx context.Context, tx *Tx, doc string) error {
	if tx.dialect == SQLite {
		_, err := tx.Exec(ctx, `DELETE FROM search_fts WHERE rowid IN
			(SELECT n FROM search_docs WHERE scope = $1 AND doc = $2)`, s.scope, doc)
		if err != nil {
			return searchErr("unindex document", err)
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM search_docs WHERE scope = $1 AND doc = $2`, s.scope, doc)
	return searchErr("unindex document", err)
}

// Find returns the ids of up to limit documents (1000 at most) that have every
// word of query, the newest first. A Latin word of two letters or more also
// finds longer words that begin with it. A query without any letter or digit
// finds nothing.
func (s SearchIndex) Find(ctx context.Context, tx *Tx, query string, limit int) ([]string, error) {
	terms := queryTerms(query)
	if len(terms) == 0 || limit <= 0 {
		return nil, nil
	}
	limit = min(limit, maxCandidates)
	sql, match := `SELECT d.doc FROM search_fts JOIN search_docs d ON d.n = search_fts.rowid
		WHERE search_fts MATCH $1 ORDER BY search_fts.rowid DESC LIMIT $2`, s.ftsMatch(terms)
	if tx.dialect == Postgres {
		_, err := tx.Exec(ctx, `SELECT set_config('gin_fuzzy_search_limit', $1, true)`, fmt.Sprint(fuzzyLimit))
		if err != nil {
			return nil, searchErr("search", err)
		}
		sql, match = `SELECT doc FROM search_docs WHERE tokens @@ CAST($1 AS tsquery) ORDER BY n DESC LIMIT $2`, s.tsQuery(terms)
	}
	rows, err := tx.Query(ctx, sql, match, limit)
	if err != nil {
		return nil, searchErr("search", err)
	}
	defer rows.Close()
	var docs []string
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return nil, searchErr("search", err)
		}
		docs = append(docs, doc)
	}
	return docs, searchErr("search", rows.Err())
}

func (s SearchIndex) ftsMatch(terms []term) string {
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = `"` + s.scope + t.token + `"`
		if t.prefix {
			parts[i] += "*"
		}
	}
	return strings.Join(parts, " AND ")
}

func (s SearchIndex) tsQuery(terms []term) string {
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = "'" + s.scope + t.token + "'"
		if t.prefix {
			parts[i] += ":*"
		}
	}
	return strings.Join(parts, " & ")
}

func searchErr(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
