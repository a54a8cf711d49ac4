package patient

// Changed says that a person's record was created or changed.
type Changed struct {
	PatientID string
	Version   int64
	Created   bool
}

// TimelineAdded says that something was added to a person's timeline.
type TimelineAdded struct {
	PatientID string
	EntryID   string
	Kind      string
}
