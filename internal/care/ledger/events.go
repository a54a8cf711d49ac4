package ledger

// Changed says that a card's money moved, or that a correction waits or was
// decided; screens read again.
type Changed struct {
	PatientID     string
	TransactionID string
}
