package store

import (
	"database/sql/driver"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// pipeRows are the rows of a query that was sent together with others.
type pipeRows struct {
	results pgx.BatchResults
	rows    pgx.Rows
	types   *pgtype.Map
	more    bool // the next row is there
}

// Columns implements driver.Rows.
func (r *pipeRows) Columns() []string {
	fields := r.rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// Close implements driver.Rows.
func (r *pipeRows) Close() error {
	r.rows.Close()
	return first(r.rows.Err(), r.results.Close())
}

// Next implements driver.Rows.
func (r *pipeRows) Next(dest []driver.Value) error {
	if !r.more {
		return first(r.rows.Err(), io.EOF)
	}
	raw := r.rows.RawValues()
	for i, f := range r.rows.FieldDescriptions() {
		if raw[i] == nil {
			dest[i] = nil
			continue
		}
		var err error
		if dest[i], err = value(r.types, f.DataTypeOID, f.Format, raw[i]); err != nil {
			return err
		}
	}
	r.more = r.rows.Next()
	return nil
}

// value decodes what the schema's types need; all else arrives as its text.
func value(m *pgtype.Map, oid uint32, format int16, raw []byte) (driver.Value, error) {
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID:
		return string(raw), nil
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		var n int64
		err := m.Scan(oid, format, raw, &n)
		return n, err
	case pgtype.BoolOID:
		var b bool
		err := m.Scan(oid, format, raw, &b)
		return b, err
	case pgtype.Float4OID, pgtype.Float8OID:
		var f float64
		err := m.Scan(oid, format, raw, &f)
		return f, err
	case pgtype.ByteaOID:
		var b []byte
		err := m.Scan(oid, format, raw, &b)
		return b, err
	case pgtype.TimestampOID, pgtype.TimestamptzOID, pgtype.DateOID:
		var t time.Time
		err := m.Scan(oid, format, raw, &t)
		return t, err
	}
	var s string
	err := m.Scan(oid, format, raw, &s)
	return s, err
}
