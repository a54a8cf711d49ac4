// Package ledger keeps the prepaid member cards of patients as an append-only
// double-entry ledger: money comes in (top-up), is set aside for a visit
// (hold), becomes the hospital's (capture), goes back to the card (release,
// refund) or to the patient (payout). A mistake is corrected by an adjustment
// that one person asks for and another approves; nothing is ever rewritten,
// and triggers in the database see to that too.
//
// Every transaction's entries sum to 0. What is available on a card is never
// negative, whoever asks at the same time: the card's row is changed by one
// statement that demands it, and a CHECK stands behind it.
//
// The package knows patients by id and visits by a reference. It sets no
// prices and decides no refunds: package booking does, through Hold, Capture,
// Release and Refund in its own transaction.
package ledger

import "time"

// Kind is what a transaction did.
type Kind string

// The kinds of transaction.
const (
	TopUp      Kind = "top_up"     // the patient paid in
	Hold       Kind = "hold"       // set aside for a visit
	Capture    Kind = "capture"    // the visit's fee was taken
	Release    Kind = "release"    // what was set aside is free again
	Refund     Kind = "refund"     // a fee went back to the card
	Payout     Kind = "payout"     // the patient was paid out
	Adjustment Kind = "adjustment" // a correction by two persons
	Transfer   Kind = "transfer"   // from the card of a merged record
)

// The ways in which money comes in and goes out.
const (
	Cash     = "cash"
	BankCard = "bank_card"
	WeChat   = "wechat"
	Alipay   = "alipay"
	Bank     = "bank_transfer"
)

// Methods lists them in the order screens show them.
func Methods() []string { return []string{Cash, BankCard, WeChat, Alipay, Bank} }

// The parts of a card that entries change.
const (
	PartAvailable = "available"
	PartHeld      = "held"
)

// Limits bound what one card may do; the zero value means DefaultLimits.
type Limits struct {
	TopUp      int64 // 分 in one top-up
	Balance    int64 // on one card
	Payout     int64 // in one payout
	Adjustment int64 // in one correction
}

// DefaultLimits are 10,000 yuan at once and 50,000 on a card.
func DefaultLimits() Limits {
	return Limits{TopUp: 10_000_00, Balance: 50_000_00, Payout: 50_000_00, Adjustment: 10_000_00}
}

// Account is a patient's card. One that was never used has no money and no
// CreatedAt.
type Account struct {
	PatientID string
	Available int64 // 分
	Held      int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Balance is all money on the card, whether set aside or not.
func (a Account) Balance() int64 { return a.Available + a.Held }

// Transaction is one movement on a card, seen from it.
type Transaction struct {
	ID        string
	Kind      Kind
	PatientID string
	Amount    int64 // change of the balance; for holds and releases what was set aside or freed
	Method    string
	Reference string
	Reason    string
	HoldID    string
	Actor     string
	ActorName string
	Day       string // in the hospital's zone
	At        time.Time
	Available int64 // after it
	Held      int64
	Receipt   string // its number, "" when none was issued
}

// Page is one page of transactions, newest first.
type Page struct {
	Transactions []Transaction
	Next         string
}

// Payment is a top-up or a payout.
type Payment struct {
	Key       string // idempotency key, 8 to 64 characters
	PatientID string
	Amount    int64 // 分, more than 0
	Method    string
	Reference string // of the payment provider, at a top-up
	Reason    string // needed at a payout
}

// The states of an adjustment.
const (
	Pending  = "pending"
	Approved = "approved"
	Rejected = "rejected"
)

// AdjustmentRequest asks for a correction.
type AdjustmentRequest struct {
	Key       string
	PatientID string
	Amount    int64 // 分, with its sign
	Reason    string
}

// Correction is an adjustment with its state.
type Correction struct {
	ID            string
	PatientID     string
	Amount        int64
	Reason        string
	State         string
	RequestedBy   string
	RequestedName string
	RequestedAt   time.Time
	DecidedBy     string
	DecidedName   string
	DecidedAt     time.Time
	Note          string
	TransactionID string
}

// Receipt is the paper of a transaction.
type Receipt struct {
	ID          string
	Number      string // 20261122-000017: the day and a count without gaps
	Day         string
	IssuedBy    string
	IssuedAt    time.Time
	Transaction Transaction
}

// Reconciliation is one day of the books.
type Reconciliation struct {
	Day      string
	Methods  []MethodDay
	Cards    Turnover // what the hospital owes to card holders
	Revenue  int64    // captured less refunded on the day
	Adjusted int64    // corrections on the day, as they changed cards
	Holds    []OpenHold
	Problems []Problem // of the books themselves; none in a sound ledger
	Receipts int64     // issued on the day
}

// MethodDay is a day of one way of paying.
type MethodDay struct {
	Method     string
	Opening    int64 // taken in less paid out, before the day
	In         int64
	Out        int64
	Closing    int64
	Counted    *int64 // taken in less paid out on the day, as counted; nil: not yet
	Difference int64  // counted less In + Out
	Note       string
	CountedBy  string
	CountedAt  time.Time
}

// Turnover is the change of a sum over a day.
type Turnover struct{ Opening, In, Out, Closing int64 }

// OpenHold is money that is set aside and neither taken nor freed.
type OpenHold struct {
	ID        string
	PatientID string
	Amount    int64
	Reference string
	At        time.Time
}

// Problem is something wrong in the books.
type Problem struct {
	Kind string // unbalanced, cache, sequence, hold, receipt_gap
	ID   string // of the transaction, card or day
}

// Count is what was counted for a day and method.
type Count struct {
	Day     string
	Method  string
	Counted int64
	Note    string
}
