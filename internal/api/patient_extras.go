package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// FieldChangeView is one field of a record that somebody changed.
type FieldChangeView struct {
	ID        string    `json:"id"`
	PatientID string    `json:"patient_id" doc:"Differs from the asked one for a record that was merged in"`
	At        time.Time `json:"at"`
	Version   int64     `json:"version"`
	Actor     string    `json:"actor"`
	ActorName string    `json:"actor_name"`
	Source    string    `json:"source" doc:"edit, family, lifecycle, merge or unmerge"`
	Field     string    `json:"field" doc:"As in the record: birth_date, phones, identifiers"`
	Old       string    `json:"old" doc:"Masked without the right; document numbers always are"`
	New       string    `json:"new"`
	Erased    bool      `json:"erased" doc:"The values cannot be read any more"`
}

// PatientList pages through what belongs to a customer.
type PatientList struct {
	ByID
	Paging
}

// DuplicateReason speaks for or against two records being one person.
type DuplicateReason struct {
	Code   string `json:"code" doc:"same_document, same_insurance, same_phone, phone_tail, same_name, same_sound, similar_name, same_birth, same_sex, same_address, other_document, other_birth, other_sex, family"`
	Points int    `json:"points" doc:"Negative: speaks against"`
}

// DuplicateView is a proposal: two records may be one person.
type DuplicateView struct {
	ID      string            `json:"id"`
	A       PatientHit        `json:"a"`
	B       PatientHit        `json:"b"`
	Score   int               `json:"score" minimum:"0" maximum:"100"`
	Reasons []DuplicateReason `json:"reasons"`
	Status  string            `json:"status" enum:"open,dismissed,merged"`
	FoundAt time.Time         `json:"found_at"`
	Note    string            `json:"note"`
}

// DuplicateQuery narrows the proposals; the surest come first.
type DuplicateQuery struct {
	Status   string `query:"status" enum:"open,dismissed,merged" default:"open"`
	Patient  string `query:"patient" maxLength:"64"`
	MinScore int    `query:"min_score" minimum:"0" maximum:"100"`
	Paging
}

// ScanView is how far the look for duplicates among everybody is.
type ScanView struct {
	State     string     `json:"state" enum:"idle,waiting,running,done"`
	Step      int        `json:"step" doc:"Kinds of keys looked through"`
	Steps     int        `json:"steps"`
	Compared  int        `json:"compared" doc:"Pairs of records"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

// NoteInput explains a decision.
type NoteInput struct {
	ByID
	Body struct {
		Note string `json:"note" required:"false" maxLength:"200"`
	}
}

// ReasonInput gives the reason of something that is audited.
type ReasonInput struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"2" maxLength:"200"`
	}
}

// CompareQuery names two records.
type CompareQuery struct {
	A string `query:"a" required:"true" minLength:"1" maxLength:"64"`
	B string `query:"b" required:"true" minLength:"1" maxLength:"64"`
}

// ComparisonView shows two records side by side.
type ComparisonView struct {
	A       Patient           `json:"a"`
	B       Patient           `json:"b"`
	Score   int               `json:"score"`
	Reasons []DuplicateReason `json:"reasons"`
	Fields  []ComparedField   `json:"fields"`
}

// ComparedField is one line of a comparison.
type ComparedField struct {
	Field   string `json:"field"`
	A       string `json:"a"`
	B       string `json:"b"`
	Same    bool   `json:"same"`
	Suggest string `json:"suggest" enum:"a,b,both" doc:"both: lists are united"`
}

// MergeInput makes one record of two.
type MergeInput struct {
	Body struct {
		Keep    string            `json:"keep" minLength:"1" maxLength:"64"`
		Merge   string            `json:"merge" minLength:"1" maxLength:"64"`
		Version int64             `json:"version" required:"false" doc:"Of the kept record as it was read; 0 does not check"`
		Fields  map[string]string `json:"fields" required:"false" doc:"Of which record a field is kept: keep or merge; those not named follow the suggestion"`
		Reason  string            `json:"reason" required:"false" maxLength:"200"`
	}
}

// MergeView is a merge that was made.
type MergeView struct {
	ID        string         `json:"id"`
	Keep      string         `json:"keep"`
	Merge     string         `json:"merge"`
	Kept      *PatientHit    `json:"kept,omitempty"`
	Merged    *PatientHit    `json:"merged,omitempty" doc:"Absent while it is part of the kept record"`
	At        time.Time      `json:"at"`
	Actor     string         `json:"actor"`
	ActorName string         `json:"actor_name"`
	Reason    string         `json:"reason"`
	Parts     map[string]int `json:"parts" doc:"How much was moved, by part"`
	UndoneAt  *time.Time     `json:"undone_at,omitempty"`
	CanUndo   bool           `json:"can_undo"`
}

// MergeQuery lists merges.
type MergeQuery struct {
	Patient string `query:"patient" maxLength:"64"`
	Paging
}

// GroupView is a customer that is not one person.
type GroupView struct {
	ItemMeta
	GroupFields
	Members int `json:"members"`
}

// GroupFields are what may be set of a group.
type GroupFields struct {
	Version   int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Kind      string `json:"kind" enum:"contract,insurer,community"`
	Code      string `json:"code" required:"false" maxLength:"32" doc:"Given when empty"`
	Name      string `json:"name" minLength:"1" maxLength:"100"`
	Contact   string `json:"contact" required:"false" maxLength:"100"`
	Phone     string `json:"phone" required:"false" maxLength:"30"`
	Address   string `json:"address" required:"false" maxLength:"200"`
	ValidFrom string `json:"valid_from" required:"false" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"`
	ValidTo   string `json:"valid_to" required:"false" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"`
	Notes     string `json:"notes" required:"false" maxLength:"2000"`
}

// GroupInput creates a group.
type GroupInput struct{ Body GroupFields }

// GroupUpdateInput changes a group.
type GroupUpdateInput struct {
	ByID
	Body GroupFields
}

// GroupQuery finds groups.
type GroupQuery struct {
	Q    string `query:"q" maxLength:"60" doc:"Name, pinyin, initials or code"`
	Kind string `query:"kind" enum:"contract,insurer,community,"`
	Paging
}

// GroupMemberView is a person of a group.
type GroupMemberView struct {
	PatientHit
	Number string `json:"number" doc:"Staff or policy number"`
	Role   string `json:"role"`
	Since  string `json:"since"`
	Until  string `json:"until"`
}

// GroupMemberInput adds a person to a group, or changes their entry.
type GroupMemberInput struct {
	ByID
	Body struct {
		PatientID string `json:"patient_id" minLength:"1" maxLength:"64"`
		Number    string `json:"number" required:"false" maxLength:"40"`
		Role      string `json:"role" required:"false" maxLength:"40"`
		Since     string `json:"since" required:"false" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"`
		Until     string `json:"until" required:"false" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"`
	}
}

// GroupMemberPath names a person of a group.
type GroupMemberPath struct {
	ByID
	Patient string `path:"patient" minLength:"1" maxLength:"64"`
}

// StageRuleView says when a stage of the customer's life is reached.
type StageRuleView struct {
	Stage      string `json:"stage" enum:"potential,customer,loyal,lifelong"`
	Visits     int    `json:"visits" minimum:"0" maximum:"1000"`
	WithinDays int    `json:"within_days" minimum:"0" maximum:"36500" doc:"0: ever"`
	Years      int    `json:"years" minimum:"0" maximum:"100" doc:"The first visit was at least so long ago"`
}

// StageRules are the rules of all stages.
type StageRules struct {
	Rules []StageRuleView `json:"rules" minItems:"4" maxItems:"4"`
}

// StageRulesInput replaces the rules.
type StageRulesInput struct{ Body StageRules }

// FamilyInput puts a customer into a household.
type FamilyInput struct {
	ByID
	Body struct {
		HouseholdID string `json:"household_id" required:"false" maxLength:"64" doc:"Empty: a new household with the name; -: out of any"`
		Name        string `json:"name" required:"false" maxLength:"60"`
		Relation    string `json:"relation" required:"false" enum:"self,spouse,child,parent,grandparent,grandchild,sibling,other,"`
	}
}

func (s *Server) routePatientExtras() {
	read, write := needs(identity.PatientRead), needs(identity.PatientWrite)
	merge := needs(identity.PatientMerge)
	get(s, "/api/patients/{id}/history", "getPatientHistory", "Who changed what of a customer", read, s.getPatientHistory)
	put(s, "/api/patients/{id}/family", "setFamily", "Put a customer into a household, or out of it", write, s.setFamily)
	get(s, "/api/patients/{id}/groups", "listGroupsOfPatient", "Groups of a customer", read, s.listGroupsOfPatient)
	get(s, "/api/patients/duplicates", "listDuplicates", "Records that may be the same person", merge, s.listDuplicates)
	post(s, "/api/patients/duplicates/scan", "scanDuplicates", "Look for duplicates among everybody; runs behind", merge, s.scanDuplicates)
	get(s, "/api/patients/duplicates/scan", "getDuplicateScan", "How far the look for duplicates is", merge, s.getDuplicateScan)
	post(s, "/api/patients/duplicates/{id}/dismiss", "dismissDuplicate", "They are two people", merge, s.dismissDuplicate)
	get(s, "/api/patients/compare", "comparePatients", "Two records side by side; audited", merge, s.comparePatients)
	post(s, "/api/patients/merge", "mergePatients", "Make one record of two", merge, s.mergePatients)
	get(s, "/api/patients/merges", "listMerges", "Merges, newest first", merge, s.listMerges)
	post(s, "/api/patients/merges/{id}/undo", "undoMerge", "Part two records again", merge, s.undoMerge)
	get(s, "/api/groups", "listGroups", "Contract units, insurers, communities", read, s.listGroups)
	post(s, "/api/groups", "createGroup", "Create a group", write, s.createGroup)
	get(s, "/api/groups/{id}", "getGroup", "A group", read, s.getGroup)
	put(s, "/api/groups/{id}", "updateGroup", "Change a group", write, s.updateGroup)
	del(s, "/api/groups/{id}", "deleteGroup", "Delete a group; its members stay customers", write, s.deleteGroup)
	get(s, "/api/groups/{id}/members", "listGroupMembers", "Members of a group", read, s.listGroupMembers)
	post(s, "/api/groups/{id}/members", "addGroupMember", "Add a member", write, s.addGroupMember)
	del(s, "/api/groups/{id}/members/{patient}", "removeGroupMember", "Remove a member", write, s.removeGroupMember)
	get(s, "/api/patients/lifecycle-rules", "getLifecycleRules", "When a customer reaches which stage", read, s.getLifecycleRules)
	put(s, "/api/patients/lifecycle-rules", "putLifecycleRules", "Change the rules of the stages", needs(identity.SystemAdmin), s.putLifecycleRules)
}
