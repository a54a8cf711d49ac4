package patient

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

// patientColumns is every column of patients, in the order of values and scan.
const patientColumns = `id, version, code, name, name_latin, pinyin, pinyin_alt, initials, sex, birth_date, email,
	wechat, address, nationality, ethnicity, industry, occupation, insurance, allergies, hereditary, heart_history,
	donation, tags, language, channel, lifecycle, vip, household_id, relation, guardian_id, notes, last_at, created_at, updated_at,
	merged_into, restricted, erased_at`

// record is a Patient with what only the tables know.
type record struct {
	Patient
	relation string
	lastAt   int64
}

func values(r *record) []any {
	return []any{
		r.ID, r.Version, r.Code, r.Name, r.NameLatin, r.Pinyin, toJSON(r.PinyinAlternates), r.Initials, r.Sex, r.BirthDate, r.Email,
		r.WeChat, toJSON(r.Address), r.Nationality, r.Ethnicity, r.Industry, r.Occupation, r.Insurance, toJSON(r.Allergies),
		toJSON(r.HereditaryDiseases), r.HeartHistory, r.DonationBehaviour, toJSON(r.Tags), r.Language, r.Channel, r.Lifecycle,
		bit(r.VIP), r.HouseholdID, r.relation, r.GuardianID, r.Notes, r.lastAt, millis(r.CreatedAt), millis(r.UpdatedAt),
		r.MergedInto, bit(r.Restricted), millis(r.ErasedAt),
	}
}

func scanRecord(row interface{ Scan(...any) error }) (record, error) {
	var r record
	var alt, address, allergies, hereditary, tags string
	var vip, created, updated, restricted, erased int64
	err := row.Scan(&r.ID, &r.Version, &r.Code, &r.Name, &r.NameLatin, &r.Pinyin, &alt, &r.Initials, &r.Sex, &r.BirthDate, &r.Email,
		&r.WeChat, &address, &r.Nationality, &r.Ethnicity, &r.Industry, &r.Occupation, &r.Insurance, &allergies,
		&hereditary, &r.HeartHistory, &r.DonationBehaviour, &tags, &r.Language, &r.Channel, &r.Lifecycle,
		&vip, &r.HouseholdID, &r.relation, &r.GuardianID, &r.Notes, &r.lastAt, &created, &updated, &r.MergedInto, &restricted, &erased)
	if err != nil {
		return r, err
	}
	r.VIP, r.CreatedAt, r.UpdatedAt = vip != 0, fromMillis(created), fromMillis(updated)
	r.Restricted, r.ErasedAt = restricted != 0, fromMillis(erased)
	for _, d := range []struct {
		text string
		into any
	}{{alt, &r.PinyinAlternates}, {address, &r.Address}, {allergies, &r.Allergies}, {hereditary, &r.HereditaryDiseases}, {tags, &r.Tags}} {
		if err := json.Unmarshal([]byte(d.text), d.into); err != nil {
			return r, fmt.Errorf("decode patient: %w", err)
		}
	}
	return r, nil
}

// toJSON encodes lists and addresses, which cannot fail.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Millis(t)
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return store.Time(ms)
}

// marks gives "$from, $from+1, …".
func marks(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", from+i)
	}
	return b.String()
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func notFound() error { return errs.New(errs.NotFound, "patient.not_found") }

// load reads a person in full, unmasked.
func (s *Service) load(ctx context.Context, tx *store.Tx, patientID string) (record, error) {
	r, err := scanRecord(tx.QueryRow(ctx, "SELECT "+patientColumns+" FROM patients WHERE id = $1", patientID))
	if store.IsNoRows(err) {
		return r, notFound()
	}
	if err != nil {
		return r, fmt.Errorf("load patient: %w", err)
	}
	if r.Phones, err = s.loadPhones(ctx, tx, patientID); err != nil {
		return r, err
	}
	r.Identifiers, err = s.loadIdentifiers(ctx, tx, patientID)
	return r, err
}

func (s *Service) loadPhones(ctx context.Context, tx *store.Tx, patientID string) ([]Phone, error) {
	rows, err := tx.Query(ctx, `SELECT id, sealed, type, owner, is_primary FROM patient_phones WHERE patient_id = $1 ORDER BY position`, patientID)
	if err != nil {
		return nil, fmt.Errorf("load phones: %w", err)
	}
	defer rows.Close()
	var out []Phone
	for rows.Next() {
		var p Phone
		var sealed string
		var primary int64
		if err := rows.Scan(&p.ID, &sealed, &p.Type, &p.Owner, &primary); err != nil {
			return nil, fmt.Errorf("scan phone: %w", err)
		}
		p.Primary = primary != 0
		if p.Number, err = s.keys.Unseal(sealed, aad("patient_phones", p.ID)); err != nil {
			return nil, fmt.Errorf("unseal phone: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func (s *Service) loadIdentifiers(ctx context.Context, tx *store.Tx, patientID string) ([]Identifier, error) {
	rows, err := tx.Query(ctx, `SELECT id, type, sealed FROM patient_identifiers WHERE patient_id = $1 ORDER BY position`, patientID)
	if err != nil {
		return nil, fmt.Errorf("load identifiers: %w", err)
	}
	defer rows.Close()
	var out []Identifier
	for rows.Next() {
		var d Identifier
		var sealed string
		if err := rows.Scan(&d.ID, &d.Type, &sealed); err != nil {
			return nil, fmt.Errorf("scan identifier: %w", err)
		}
		if d.Value, err = s.keys.Unseal(sealed, aad("patient_identifiers", d.ID)); err != nil {
			return nil, fmt.Errorf("unseal identifier: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func aad(table, rowID string) string { return table + ":" + rowID + ":sealed" }

// maxArgs is how many ids one statement asks for.
const maxArgs = 400

// batch collects rows of one table and inserts them many at a time.
type batch struct {
	table, columns string
	width          int
	args           []any
}

func (b *batch) add(args ...any) { b.args = append(b.args, args...) }

func (b *batch) flush(ctx context.Context, tx *store.Tx) error {
	columns := strings.Split(b.columns, ",")
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	if err := tx.Insert(ctx, b.table, columns, slices.Collect(slices.Chunk(b.args, b.width))); err != nil {
		return fmt.Errorf("insert %s: %w", b.table, err)
	}
	b.args = b.args[:0]
	return nil
}

// sort orders the rows by their first two columns, both text: inserting in the
// order of the index touches each of its pages once.
func (b *batch) sort() {
	n := len(b.args) / b.width
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = b.args[i*b.width : (i+1)*b.width]
	}
	slices.SortFunc(rows, func(x, y []any) int {
		return cmp.Or(strings.Compare(x[0].(string), y[0].(string)), strings.Compare(x[1].(string), y[1].(string)))
	})
	b.args = slices.Concat(rows...)
}

// batches are the tables that one person's record is spread over.
type batches struct{ patients, phones, identifiers, keys *batch }

func newBatches() batches {
	return batches{
		patients:    &batch{table: "patients", columns: patientColumns, width: strings.Count(patientColumns, ",") + 1},
		phones:      &batch{table: "patient_phones", columns: "id, patient_id, position, sealed, idx, idx8, idx6, idx4, type, owner, is_primary", width: 11},
		identifiers: &batch{table: "patient_identifiers", columns: "id, patient_id, position, type, sealed, idx, idx8, idx6, idx4", width: 9},
		keys:        &batch{table: "patient_keys", columns: "kind, key, patient_id", width: 3},
	}
}

func (b batches) flush(ctx context.Context, tx *store.Tx) error {
	b.keys.sort()
	for _, t := range []*batch{b.patients, b.phones, b.identifiers, b.keys} {
		if err := t.flush(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// addDetails adds phones, documents and search keys of a person.
func (s *Service) addDetails(b batches, p *Patient) error {
	for i := range p.Phones {
		ph := &p.Phones[i]
		if ph.ID == "" {
			ph.ID = id.New()
		}
		sealed, err := s.keys.Seal(ph.Number, aad("patient_phones", ph.ID))
		if err != nil {
			return fmt.Errorf("seal phone: %w", err)
		}
		b.phones.add(ph.ID, p.ID, int64(i), sealed, s.index("phone", ph.Number), s.tail("phone", ph.Number, 8),
			s.tail("phone", ph.Number, 6), s.tail("phone", ph.Number, 4), ph.Type, ph.Owner, bit(ph.Primary))
	}
	for i := range p.Identifiers {
		d := &p.Identifiers[i]
		if d.ID == "" {
			d.ID = id.New()
		}
		sealed, err := s.keys.Seal(d.Value, aad("patient_identifiers", d.ID))
		if err != nil {
			return fmt.Errorf("seal identifier: %w", err)
		}
		b.identifiers.add(d.ID, p.ID, int64(i), d.Type, sealed, s.index("id", d.Value), s.tail("id", d.Value, 8), s.tail("id", d.Value, 6),
			s.tail("id", d.Value, 4))
	}
	for _, k := range searchKeys(p.Name, p.NameLatin) {
		b.keys.add(k.kind, k.key, p.ID)
	}
	return nil
}

// index is the blind index of a whole number, tail that of its last n digits.
func (s *Service) index(purpose, v string) string {
	if v == "" {
		return ""
	}
	return s.keys.Index("patient."+purpose, v)
}

func (s *Service) tail(purpose, v string, n int) string {
	if len(v) < n {
		return ""
	}
	return s.keys.Index(fmt.Sprintf("patient.%s.tail%d", purpose, n), v[len(v)-n:])
}

// replaceDetails writes phones, documents and keys of a changed person anew.
func (s *Service) replaceDetails(ctx context.Context, tx *store.Tx, p *Patient) error {
	for _, t := range []string{"patient_phones", "patient_identifiers", "patient_keys"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+t+" WHERE patient_id = $1", p.ID); err != nil {
			return fmt.Errorf("replace %s: %w", t, err)
		}
	}
	b := newBatches()
	if err := s.addDetails(b, p); err != nil {
		return err
	}
	return b.flush(ctx, tx)
}

func updatePatient(ctx context.Context, tx *store.Tx, r *record) error {
	names := strings.FieldsFunc(patientColumns, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\t' })
	set := make([]string, 0, len(names))
	for i, n := range names[1:] {
		set = append(set, fmt.Sprintf("%s = $%d", n, i+2))
	}
	if _, err := tx.Exec(ctx, "UPDATE patients SET "+strings.Join(set, ", ")+" WHERE id = $1", values(r)...); err != nil {
		return fmt.Errorf("update patient: %w", err)
	}
	return nil
}

// nextCodes reserves n customer codes and returns the first.
func nextCodes(ctx context.Context, tx *store.Tx, n int) (int64, error) {
	var last int64
	err := tx.QueryRow(ctx, `UPDATE patient_counter SET value = value + $1 WHERE id = 1 RETURNING value`, int64(n)).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("reserve customer code: %w", err)
	}
	return last - int64(n) + 1, nil
}

// formatCode makes a customer code of a number: P, the number, a check digit.
func formatCode(n int64) string {
	body := fmt.Sprintf("%07d", n)
	for d := byte('0'); d <= '9'; d++ {
		if luhn(body + string(d)) {
			return "P" + body + string(d)
		}
	}
	return "P" + body
}

// cardColumns is what a Card is made of.
const cardColumns = `p.id, p.code, p.name, p.name_latin, p.sex, p.birth_date, p.address, p.tags, p.allergies, p.lifecycle,
	p.vip, p.language, p.guardian_id, p.household_id, p.relation, p.last_at, p.pinyin, p.restricted`

// cardRow is a Card before masking, with what ranking and filters need.
type cardRow struct {
	Card
	birth, pinyin, household, relation string
	owner                              string
	primary                            bool
}

func (s *Service) scanCard(rows *sql.Rows, extra ...any) (cardRow, error) {
	var c cardRow
	var latin, address, tags, allergies string
	var vip, last, restricted int64
	dest := append([]any{&c.ID, &c.Code, &c.Name, &latin, &c.Sex, &c.birth, &address, &tags, &allergies, &c.Lifecycle,
		&vip, &c.Language, &c.GuardianID, &c.household, &c.relation, &last, &c.pinyin, &restricted}, extra...)
	if err := rows.Scan(dest...); err != nil {
		return c, fmt.Errorf("scan card: %w", err)
	}
	var a Address
	for _, d := range []struct {
		text string
		into any
	}{{address, &a}, {tags, &c.Tags}, {allergies, &c.Allergies}} {
		if err := json.Unmarshal([]byte(d.text), d.into); err != nil {
			return c, fmt.Errorf("decode card: %w", err)
		}
	}
	c.District, c.VIP, c.LastSeen = a.City+a.District, vip != 0, fromMillis(last)
	c.Restricted = restricted != 0
	c.Age = ageOn(c.birth, s.now().In(s.zone))
	if len(c.birth) >= 4 {
		_, _ = fmt.Sscanf(c.birth[:4], "%d", &c.BirthYear)
	}
	return c, nil
}

// cards reads the cards of the given people, at most 500, in no order.
func (s *Service) cards(ctx context.Context, tx *store.Tx, where string, args ...any) ([]cardRow, error) {
	rows, err := tx.Query(ctx, "SELECT "+cardColumns+" FROM patients p WHERE "+where+" LIMIT 500", args...)
	if err != nil {
		return nil, fmt.Errorf("read cards: %w", err)
	}
	defer rows.Close()
	var out []cardRow
	for rows.Next() {
		c, err := s.scanCard(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// addPhones fills in the masked primary phones of cards.
func (s *Service) addPhones(ctx context.Context, tx *store.Tx, cards []Card) error {
	if len(cards) == 0 {
		return nil
	}
	at := make(map[string]*Card, len(cards))
	ids := make([]string, 0, len(cards))
	for i := range cards {
		at[cards[i].ID] = &cards[i]
		ids = append(ids, cards[i].ID)
	}
	cond, list := tx.OneOf("patient_id", 1, ids)
	rows, err := tx.Query(ctx, `SELECT patient_id, id, sealed FROM patient_phones WHERE is_primary = 1 AND `+cond, list)
	if err != nil {
		return fmt.Errorf("read phones of cards: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var patientID, rowID, sealed string
		if err := rows.Scan(&patientID, &rowID, &sealed); err != nil {
			return fmt.Errorf("scan phone of card: %w", err)
		}
		number, err := s.keys.Unseal(sealed, aad("patient_phones", rowID))
		if err != nil {
			return fmt.Errorf("unseal phone: %w", err)
		}
		at[patientID].Phone = MaskPhone(number)
	}
	return rows.Err()
}
