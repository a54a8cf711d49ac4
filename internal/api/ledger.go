package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// CardView is a patient's prepaid card.
type CardView struct {
	PatientID      string            `json:"patient_id"`
	BalanceCents   int64             `json:"balance_cents" doc:"分, all money on the card"`
	HeldCents      int64             `json:"held_cents" doc:"Of it, set aside for visits"`
	AvailableCents int64             `json:"available_cents"`
	UpdatedAt      *time.Time        `json:"updated_at,omitempty"`
	Entries        []LedgerEntryView `json:"entries" doc:"The latest 20, newest first"`
	Limits         LedgerLimits      `json:"limits"`
	Methods        []string          `json:"methods"`
	Adjustments    []AdjustmentView  `json:"adjustments" doc:"Waiting corrections"`
	HasPIN         bool              `json:"has_pin" doc:"A PIN for kiosks is set"`
}

// LedgerLimits are the bounds in force.
type LedgerLimits struct {
	TopUpCents      int64 `json:"top_up_cents"`
	BalanceCents    int64 `json:"balance_cents"`
	PayoutCents     int64 `json:"payout_cents"`
	AdjustmentCents int64 `json:"adjustment_cents"`
}

// LedgerEntryView is one movement on a card.
type LedgerEntryView struct {
	ID             string    `json:"id"`
	Kind           string    `json:"kind" enum:"top_up,hold,capture,release,refund,payout,adjustment,transfer"`
	PatientID      string    `json:"patient_id"`
	AmountCents    int64     `json:"amount_cents" doc:"Change of the balance; for hold and release what was set aside or freed"`
	Method         string    `json:"method"`
	Reference      string    `json:"reference"`
	Reason         string    `json:"reason"`
	By             string    `json:"by" doc:"Who did it"`
	At             time.Time `json:"at"`
	AvailableCents int64     `json:"available_cents" doc:"After it"`
	HeldCents      int64     `json:"held_cents"`
	Receipt        string    `json:"receipt" doc:"Its number; empty: none issued yet"`
}

// LedgerEntriesInput pages through a card.
type LedgerEntriesInput struct {
	ByID
	Paging
}

// TopUpInput pays money in.
type TopUpInput struct {
	ByID
	Body struct {
		Key         string `json:"key" minLength:"8" maxLength:"64" doc:"Idempotency key: the same again gives the same answer"`
		AmountCents int64  `json:"amount_cents" minimum:"1" maximum:"100000000"`
		Method      string `json:"method" enum:"cash,bank_card,wechat,alipay,bank_transfer"`
		Reference   string `json:"reference,omitempty" maxLength:"100" doc:"Of the payment provider"`
	}
}

// PayoutInput pays money out to the patient.
type PayoutInput struct {
	ByID
	Body struct {
		Key         string `json:"key" minLength:"8" maxLength:"64" doc:"Idempotency key: the same again gives the same answer"`
		AmountCents int64  `json:"amount_cents" minimum:"1" maximum:"100000000"`
		Method      string `json:"method" enum:"cash,bank_card,wechat,alipay,bank_transfer"`
		Reason      string `json:"reason" minLength:"2" maxLength:"200"`
	}
}

// AdjustmentInput asks for a correction.
type AdjustmentInput struct {
	Body struct {
		Key         string `json:"key" minLength:"8" maxLength:"64"`
		PatientID   string `json:"patient_id" minLength:"1" maxLength:"64"`
		AmountCents int64  `json:"amount_cents" minimum:"-100000000" maximum:"100000000" doc:"With its sign"`
		Reason      string `json:"reason" minLength:"2" maxLength:"200"`
	}
}

// AdjustmentView is a correction with its state.
type AdjustmentView struct {
	ID            string              `json:"id"`
	PatientID     string              `json:"patient_id"`
	AmountCents   int64               `json:"amount_cents"`
	Reason        string              `json:"reason"`
	State         string              `json:"state" enum:"pending,approved,rejected"`
	RequestedBy   string              `json:"requested_by"`
	RequestedName string              `json:"requested_name"`
	RequestedAt   time.Time           `json:"requested_at"`
	DecidedName   string              `json:"decided_name"`
	DecidedAt     *time.Time          `json:"decided_at,omitempty"`
	Note          string              `json:"note"`
	TransactionID string              `json:"transaction_id"`
	Mine          bool                `json:"mine" doc:"Asked for by the reader, who cannot approve it"`
	Patient       *AppointmentPatient `json:"patient,omitempty" doc:"For readers who may see customers"`
}

// AdjustmentQuery narrows a list of corrections.
type AdjustmentQuery struct {
	State   string `query:"state" enum:"pending,approved,rejected,"`
	Patient string `query:"patient" maxLength:"64"`
}

// DecisionInput decides a correction.
type DecisionInput struct {
	ByID
	Body struct {
		Note string `json:"note,omitempty" maxLength:"200"`
	}
}

// ReconciliationQuery names a day.
type ReconciliationQuery struct {
	Date string `query:"date" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$" doc:"Today when empty"`
}

// ReconciliationView is one day of the books.
type ReconciliationView struct {
	Date          string          `json:"date"`
	Methods       []MethodDayView `json:"methods"`
	Cards         TurnoverView    `json:"cards" doc:"What is owed to card holders"`
	RevenueCents  int64           `json:"revenue_cents"`
	AdjustedCents int64           `json:"adjusted_cents"`
	Receipts      int64           `json:"receipts"`
	Holds         []OpenHoldView  `json:"holds" doc:"Set aside, neither taken nor freed"`
	Problems      []BookProblem   `json:"problems" doc:"Of the books themselves; empty in a sound ledger"`
}

// MethodDayView is a day of one way of paying.
type MethodDayView struct {
	Method          string     `json:"method"`
	OpeningCents    int64      `json:"opening_cents"`
	InCents         int64      `json:"in_cents"`
	OutCents        int64      `json:"out_cents"`
	ClosingCents    int64      `json:"closing_cents"`
	CountedCents    *int64     `json:"counted_cents,omitempty" doc:"Taken in less paid out, as counted"`
	DifferenceCents int64      `json:"difference_cents"`
	Note            string     `json:"note"`
	CountedBy       string     `json:"counted_by"`
	CountedAt       *time.Time `json:"counted_at,omitempty"`
}

// TurnoverView is the change of a sum over a day.
type TurnoverView struct {
	OpeningCents int64 `json:"opening_cents"`
	InCents      int64 `json:"in_cents"`
	OutCents     int64 `json:"out_cents"`
	ClosingCents int64 `json:"closing_cents"`
}

// OpenHoldView is money that is set aside.
type OpenHoldView struct {
	ID          string              `json:"id"`
	PatientID   string              `json:"patient_id"`
	AmountCents int64               `json:"amount_cents"`
	Reference   string              `json:"reference"`
	At          time.Time           `json:"at"`
	Patient     *AppointmentPatient `json:"patient,omitempty" doc:"For readers who may see customers"`
}

// BookProblem is something wrong in the books.
type BookProblem struct {
	Kind string `json:"kind" enum:"unbalanced,cache,sequence,hold,receipt_gap"`
	ID   string `json:"id"`
}

// CountInput notes what was counted.
type CountInput struct {
	Body struct {
		Date         string `json:"date" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
		Method       string `json:"method" enum:"cash,bank_card,wechat,alipay,bank_transfer"`
		CountedCents int64  `json:"counted_cents" minimum:"-100000000000" maximum:"100000000000"`
		Note         string `json:"note,omitempty" maxLength:"200"`
	}
}

// PINInput gives a patient a PIN for kiosks.
type PINInput struct {
	ByID
	Body struct {
		PIN string `json:"pin" pattern:"^[0-9]{6}$"`
	}
}

// LangQuery says in which language a paper is printed.
type LangQuery struct {
	ByID
	Lang string `query:"lang" enum:"zh-CN,en," doc:"zh-CN when empty"`
}

func (s *Server) routeLedger() {
	read, write := needs(identity.LedgerRead), needs(identity.LedgerWrite)
	adjust := needs(identity.LedgerAdjust)
	get(s, "/api/ledger/accounts/{id}", "getCard", "A patient's prepaid card; the view is audited", read, s.getCard)
	get(s, "/api/ledger/accounts/{id}/entries", "listCardEntries", "Movements on a card", read, s.listCardEntries)
	post(s, "/api/ledger/accounts/{id}/top-up", "topUpCard", "Pay money in", write, s.topUpCard)
	post(s, "/api/ledger/accounts/{id}/refund", "payOutCard", "Pay money out to the patient", write, s.payOutCard)
	put(s, "/api/ledger/accounts/{id}/pin", "setCardPin", "Give the card a PIN for kiosks", write, s.setCardPIN)
	del(s, "/api/ledger/accounts/{id}/pin", "removeCardPin", "Take the PIN away", write, s.removeCardPIN)
	get(s, "/api/ledger/adjustments", "listAdjustments", "Corrections", needs(identity.LedgerRead, identity.LedgerAdjust), s.listAdjustments)
	post(s, "/api/ledger/adjustments", "requestAdjustment", "Ask for a correction", adjust, s.requestAdjustment)
	post(s, "/api/ledger/adjustments/{id}/approve", "approveAdjustment", "Carry out a correction that another person asked for", adjust, s.approveAdjustment)
	post(s, "/api/ledger/adjustments/{id}/reject", "rejectAdjustment", "Refuse a correction, or take one's own back", adjust, s.rejectAdjustment)
	get(s, "/api/ledger/reconciliation", "getReconciliation", "One day of the books", read, s.getReconciliation)
	get(s, "/api/ledger/reconciliation/export", "exportReconciliation", "A day's movements and sums as CSV", read, s.exportReconciliation, produces("text/csv"))
	post(s, "/api/ledger/reconciliation", "saveCount", "Note what was counted in the till or statement", needs(identity.LedgerWrite, identity.LedgerAdjust), s.saveCount)
	get(s, "/api/ledger/receipts/{id}/receipt.pdf", "getReceipt", "Receipt of a movement, issued when first asked for", read, s.getReceipt, produces("application/pdf"))
}
