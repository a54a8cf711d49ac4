package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Deps are what the service works with.
type Deps struct {
	DB     *store.DB
	Audit  *audit.Log
	Bus    *event.Bus
	Now    func() time.Time
	Zone   *time.Location // of the hospital, for days; nil means UTC
	Limits Limits         // zero: DefaultLimits
	// Known says, with an error, that nobody has a patient id; nil: not asked.
	Known func(ctx context.Context, tx *store.Tx, patientID string) error
}

// Service keeps the cards. Reading needs ledger.read, paying in and out
// ledger.write, corrections ledger.adjust. The methods that take a transaction
// are for other services, which have checked the right to what they do.
type Service struct {
	db     *store.DB
	audit  *audit.Log
	bus    *event.Bus
	now    func() time.Time
	zone   *time.Location
	limits Limits
	known  func(ctx context.Context, tx *store.Tx, patientID string) error
}

// New makes the service.
func New(d Deps) *Service {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits()
	}
	if d.Known == nil {
		d.Known = func(context.Context, *store.Tx, string) error { return nil }
	}
	return &Service{db: d.DB, audit: d.Audit, bus: d.Bus, now: d.Now, zone: d.Zone, limits: d.Limits, known: d.Known}
}

// Limits are the bounds in force.
func (s *Service) Limits() Limits { return s.limits }

// Account returns a patient's card. The look is audited.
func (s *Service) Account(ctx context.Context, patientID string) (Account, error) {
	var a Account
	err := s.look(ctx, patientID, func(tx *store.Tx) (err error) {
		a, err = selectCard(ctx, tx, patientID)
		return err
	})
	return a, err
}

// Entries returns the transactions of a card, newest first. The look is
// audited.
func (s *Service) Entries(ctx context.Context, patientID, cursor string, limit int) (Page, error) {
	var p Page
	before, err := parseCursor(cursor)
	if err != nil {
		return p, err
	}
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	err = s.look(ctx, patientID, func(tx *store.Tx) (err error) {
		p, err = selectPage(ctx, tx, patientID, before, limit)
		return err
	})
	return p, err
}

// look runs a read of one patient's card with its audit entry.
func (s *Service) look(ctx context.Context, patientID string, fn func(tx *store.Tx) error) error {
	who, err := identity.Require(ctx, identity.LedgerRead)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.known(ctx, tx, patientID); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "ledger.view", "card", patientID, patientID, "", nil)
	})
}

// Balance reads a card inside a transaction, for services that decide by it.
func (s *Service) Balance(ctx context.Context, tx *store.Tx, patientID string) (Account, error) {
	return selectCard(ctx, tx, patientID)
}

// TopUp pays money in and issues the receipt.
func (s *Service) TopUp(ctx context.Context, p Payment) (Transaction, error) {
	return s.pay(ctx, p, TopUp, s.limits.TopUp, 1)
}

// Payout pays money out to the patient and issues the receipt; a reason is
// needed.
func (s *Service) Payout(ctx context.Context, p Payment) (Transaction, error) {
	p.Reason = strings.TrimSpace(p.Reason)
	if utf8.RuneCountInString(p.Reason) < 2 {
		return Transaction{}, errs.InvalidField("reason", "ledger.reason_needed")
	}
	return s.pay(ctx, p, Payout, s.limits.Payout, -1)
}

// pay moves money between a card (sign is the card's) and the outside.
func (s *Service) pay(ctx context.Context, p Payment, kind Kind, limit, sign int64) (Transaction, error) {
	who, err := identity.Require(ctx, identity.LedgerWrite)
	if err != nil {
		return Transaction{}, err
	}
	var f errs.Fields
	checkKey(&f, p.Key)
	checkAmount(&f, p.Amount, limit)
	checkLine(&f, "reference", &p.Reference, 100)
	checkLine(&f, "reason", &p.Reason, 200)
	if !slices.Contains(Methods(), p.Method) {
		f.Add("method", "not_allowed")
	}
	if err := f.Err(); err != nil {
		return Transaction{}, err
	}
	key, hash := string(kind)+":"+p.Key, hashOf(p)
	var t Transaction
	err = s.write(ctx, func(tx *store.Tx) (err error) {
		var done bool
		if t, done, err = repeated(ctx, tx, key, hash); done || err != nil {
			return err
		}
		if err := s.known(ctx, tx, p.PatientID); err != nil {
			return err
		}
		if kind == TopUp {
			if err := insertCard(ctx, tx, p.PatientID, s.now()); err != nil {
				return err
			}
		}
		t = Transaction{Kind: kind, PatientID: p.PatientID, Amount: sign * p.Amount, Method: p.Method, Reference: p.Reference, Reason: p.Reason}
		if err := s.post(ctx, tx, who, &t, key, hash, sign*p.Amount, 0, posting{"house:" + p.Method, -sign * p.Amount}); err != nil {
			return err
		}
		if kind == TopUp && t.Available+t.Held > s.limits.Balance {
			return errs.New(errs.Conflict, "ledger.balance_limit", "limit_cents", s.limits.Balance)
		}
		t.Receipt, err = s.receipt(ctx, tx, who, t.ID)
		return err
	})
	if err != nil {
		return Transaction{}, err
	}
	return t, nil
}

// write is db.Write that runs once more when two requests with one key, or
// two receipts, met: the second then finds the first.
func (s *Service) write(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := s.db.Write(ctx, fn)
	for range 5 {
		if !store.IsUnique(err) {
			break
		}
		err = s.db.Write(ctx, fn)
	}
	return err
}

// posting is the house's side of a transaction.
type posting struct {
	account string
	amount  int64
}

const (
	houseRevenue    = "house:revenue"
	houseAdjustment = "house:adjustment"
)

// post changes a card, writes the transaction with its entries and completes
// t. A card that has too little refuses.
func (s *Service) post(ctx context.Context, tx *store.Tx, who identity.Principal, t *Transaction, key, hash string, available, held int64, house ...posting) error {
	sum := available + held
	for _, p := range house {
		sum += p.amount
	}
	if sum != 0 {
		return fmt.Errorf("post %s: entries sum to %d", t.Kind, sum)
	}
	now := s.now()
	t.ID, t.At, t.Day = id.New(), store.Time(store.Millis(now)), now.In(s.zone).Format(time.DateOnly)
	t.Actor, t.ActorName = who.UserID, who.Name
	c, err := moveCard(ctx, tx, t.PatientID, available, held, now)
	if err != nil {
		return err
	}
	t.Available, t.Held = c.available, c.held
	if err := insertTransaction(ctx, tx, *t, key, hash); err != nil {
		return err
	}
	if err := insertEntries(ctx, tx, *t, append(c.entries(available, held), houseEntries(house)...)); err != nil {
		return err
	}
	event.PublishTx(tx, s.bus, Changed{PatientID: t.PatientID, TransactionID: t.ID})
	return s.auditTx(ctx, tx, who, "ledger."+string(t.Kind), "ledger_transaction", t.ID, t.PatientID, t.Reason,
		map[string]any{"amount_cents": t.Amount, "method": t.Method, "reference": t.Reference})
}

// repeated finds what an idempotency key did before. The same key with
// another request is refused.
func repeated(ctx context.Context, tx *store.Tx, key, hash string) (Transaction, bool, error) {
	t, was, err := selectByKey(ctx, tx, key)
	switch {
	case store.IsNoRows(err):
		return Transaction{}, false, nil
	case err != nil:
		return Transaction{}, false, fmt.Errorf("find request: %w", err)
	case was != hash:
		return Transaction{}, false, errs.New(errs.Conflict, "ledger.key_reused")
	}
	return t, true, nil
}

func (s *Service) auditTx(ctx context.Context, tx *store.Tx, who identity.Principal, action, object, objectID, patientID, reason string, detail map[string]any) error {
	err := s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: object,
		ObjectID: objectID, Patient: patientID, Reason: reason, IP: who.IP, RequestID: who.RequestID, Detail: detail})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

func hashOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("ledger: " + err.Error()) // plain structs of strings and numbers
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

func checkKey(f *errs.Fields, key string) {
	if len(key) < 8 || len(key) > 64 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		f.Add("key", "ledger.key_invalid")
	}
}

func checkAmount(f *errs.Fields, amount, limit int64) {
	switch {
	case amount <= 0:
		f.Add("amount_cents", "ledger.amount_invalid")
	case amount > limit:
		f.Add("amount_cents", "ledger.amount_limit")
	}
}

func checkLine(f *errs.Fields, path string, s *string, limit int) {
	*s = strings.TrimSpace(*s)
	switch {
	case utf8.RuneCountInString(*s) > limit:
		f.Add(path, "too_long")
	case !utf8.ValidString(*s) || strings.ContainsFunc(*s, unicode.IsControl):
		f.Add(path, "bad_characters")
	}
}
