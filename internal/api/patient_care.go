package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// QualityView is the result of the last look at the data.
type QualityView struct {
	At     *time.Time         `json:"at,omitempty" doc:"Absent: nobody has looked yet"`
	People int                `json:"people"`
	Rules  []QualityRuleCount `json:"rules"`
}

// QualityRuleCount is one thing that can be wrong, and with how many.
type QualityRuleCount struct {
	Rule  string `json:"rule" doc:"no_phone, no_document, no_birth_date, no_sex, no_address, phone_invalid, document_invalid, child_without_guardian, guardian_missing, name_invalid, stale or duplicate"`
	Count int    `json:"count"`
}

// QualityQuery lists the customers that a rule is about.
type QualityQuery struct {
	Rule string `query:"rule" required:"true" minLength:"1" maxLength:"40"`
	Paging
}

// QualityFindingView is a customer whose record wants care.
type QualityFindingView struct {
	PatientHit
	Detail string `json:"detail"`
}

// PatientExportInput says whom a file lists.
type PatientExportInput struct {
	Body struct {
		Format string   `json:"format" enum:"xlsx,csv" default:"xlsx"`
		IDs    []string `json:"ids" required:"false" maxItems:"5000"`
		Q      string   `json:"q" required:"false" maxLength:"100"`
		Group  string   `json:"group" required:"false" maxLength:"64"`
		Tag    string   `json:"tag" required:"false" maxLength:"100"`
		Reason string   `json:"reason" minLength:"2" maxLength:"200" doc:"Goes into the audit log and the file"`
	}
}

// AccessView is an emergency access to a restricted record.
type AccessView struct {
	ID         string      `json:"id"`
	PatientID  string      `json:"patient_id"`
	Patient    *PatientHit `json:"patient,omitempty" doc:"With the right to see customers"`
	UserID     string      `json:"user_id"`
	UserName   string      `json:"user_name"`
	Reason     string      `json:"reason"`
	At         time.Time   `json:"at"`
	Until      time.Time   `json:"until"`
	ReviewedAt *time.Time  `json:"reviewed_at,omitempty"`
	ReviewedBy string      `json:"reviewed_by"`
	Reviewer   string      `json:"reviewer" doc:"Name of who reviewed it"`
	ReviewNote string      `json:"review_note"`
}

// AccessQuery lists emergency accesses.
type AccessQuery struct {
	Patient string `query:"patient" maxLength:"64"`
	Pending bool   `query:"pending" doc:"Only those that nobody has reviewed"`
	Paging
}

// ImportView is people on their way in from a file.
type ImportView struct {
	ID        string     `json:"id"`
	Version   int64      `json:"version"`
	FileName  string     `json:"file_name"`
	Format    string     `json:"format" enum:"csv,xlsx"`
	Encoding  string     `json:"encoding"`
	Status    string     `json:"status" enum:"uploaded,mapped,checking,checked,running,done,undoing,undone,failed"`
	Headers   []string   `json:"headers"`
	Mapping   []string   `json:"mapping" doc:"The field of each column, empty to leave it out"`
	Preview   [][]string `json:"preview" doc:"The first rows"`
	Total     int        `json:"total"`
	Done      int        `json:"done"`
	Created   int        `json:"created"`
	Existing  int        `json:"existing" doc:"Already known by a document: left alone"`
	Failed    int        `json:"failed"`
	Undone    int        `json:"undone"`
	Kept      int        `json:"kept" doc:"Not undone, as they are in use since"`
	Error     string     `json:"error" doc:"Message key"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	ActorName string     `json:"actor_name"`
}

// ImportMappingInput says what the columns are.
type ImportMappingInput struct {
	ByID
	Body struct {
		Mapping []string `json:"mapping" minItems:"1" maxItems:"100" doc:"The field of each column, empty to leave it out"`
	}
}

// ImportFieldsView lists the fields that a column may be.
type ImportFieldsView struct {
	Fields []string `json:"fields"`
}

// ImportRowView is a row that was not taken over.
type ImportRowView struct {
	Line     int                 `json:"line"`
	State    string              `json:"state" enum:"failed,existing"`
	Problems []ImportCellProblem `json:"problems"`
}

// ImportCellProblem is what is wrong with one cell.
type ImportCellProblem struct {
	Field string `json:"field"`
	Key   string `json:"key" doc:"Message key"`
}

// ImportErrorsQuery asks for the rows that failed, as a file.
type ImportErrorsQuery struct {
	ByID
	Lang string `query:"lang" enum:"zh-CN,en" default:"zh-CN" doc:"Language of the explanations"`
}

func (s *Server) routePatientCare() {
	care, imports := needs(identity.PatientMerge, identity.PatientImport), needs(identity.PatientImport)
	get(s, "/api/patients/quality", "getPatientQuality", "What is wrong with the records", care, s.getPatientQuality)
	post(s, "/api/patients/quality/run", "runPatientQuality", "Look at the records again; runs behind", care, s.runPatientQuality)
	get(s, "/api/patients/quality/findings", "listQualityFindings", "Customers that a rule is about", care, s.listQualityFindings)
	post(s, "/api/patients/export", "exportPatients", "Customers as a file; audited", needs(identity.PatientExport), s.exportPatients,
		produces("application/octet-stream"))
	post(s, "/api/patients/{id}/break-glass", "breakGlass", "Emergency access to a restricted record; reported", needs(identity.PatientBreakGlass), s.breakGlass)
	get(s, "/api/privacy/accesses", "listAccesses", "Emergency accesses, newest first", needs(identity.PrivacyManage), s.listAccesses)
	post(s, "/api/privacy/accesses/{id}/review", "reviewAccess", "Emergency access was looked at", needs(identity.PrivacyManage), s.reviewAccess)
	get(s, "/api/imports", "listImports", "Imports, newest first", imports, s.listImports)
	get(s, "/api/imports/fields", "listImportFields", "Fields that a column may be", imports, s.listImportFields)
	post(s, "/api/imports", "createImport", "Send a file with customers: CSV or Excel", imports, s.createImport, maxBody(maxImportBody))
	get(s, "/api/imports/{id}", "getImport", "An import and how far it is", imports, s.getImport)
	put(s, "/api/imports/{id}/mapping", "putImportMapping", "Say what the columns are", imports, s.putImportMapping)
	post(s, "/api/imports/{id}/dry-run", "dryRunImport", "Check every row, store nothing; runs behind", imports, s.dryRunImport)
	post(s, "/api/imports/{id}/run", "runImport", "Take the rows over; runs behind", imports, s.runImport)
	post(s, "/api/imports/{id}/undo", "undoImport", "Remove what the import brought; runs behind", imports, s.undoImport)
	get(s, "/api/imports/{id}/rows", "listImportRows", "Rows that were not taken over", imports, s.listImportRows)
	get(s, "/api/imports/{id}/errors.xlsx", "getImportErrors", "Rows that were not taken over, as a file", imports, s.getImportErrors,
		produces("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))
}
