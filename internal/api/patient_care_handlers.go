package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/patient"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/sheet"
	"heartline/web"
)

// maxImportBody is a little more than the largest file, for the envelope.
const maxImportBody = patient.MaxImport + 64<<10

func (s *Server) getPatientQuality(ctx context.Context, _ *None) (*Out[QualityView], error) {
	q, err := s.deps.Patients.Quality(ctx)
	if err != nil {
		return nil, err
	}
	return out(QualityView{At: maybe(q.At), People: q.People, Rules: mapped(q.Rules, func(r patient.QualityRule) QualityRuleCount { return QualityRuleCount(r) })}), nil
}

func (s *Server) runPatientQuality(ctx context.Context, _ *None) (*Empty, error) {
	return nil, s.deps.Patients.RunQuality(ctx)
}

func (s *Server) listQualityFindings(ctx context.Context, in *QualityQuery) (*Out[List[QualityFindingView]], error) {
	list, next, err := s.deps.Patients.QualityFindings(ctx, in.Rule, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(f patient.QualityFinding) QualityFindingView {
		return QualityFindingView{PatientHit: patientHit(f.Card, ""), Detail: f.Detail}
	}, next), nil
}

func accessView(a patient.Access) AccessView {
	return AccessView{ID: a.ID, PatientID: a.PatientID, UserID: a.UserID, UserName: a.UserName, Reason: a.Reason, At: utc(a.At), Until: utc(a.Until),
		ReviewedAt: maybe(a.ReviewedAt), ReviewedBy: a.ReviewedBy, ReviewNote: a.ReviewNote}
}

func (s *Server) breakGlass(ctx context.Context, in *ReasonInput) (*Out[AccessView], error) {
	a, err := s.deps.Patients.BreakGlass(ctx, in.ID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return out(accessView(a)), nil
}

func (s *Server) listAccesses(ctx context.Context, in *AccessQuery) (*Out[List[AccessView]], error) {
	list, next, err := s.deps.Patients.Accesses(ctx, in.Patient, in.Pending, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	var patients, users []string
	for _, a := range list {
		patients, users = append(patients, a.PatientID), append(users, a.ReviewedBy)
	}
	p, err := s.personsOf(ctx, patients, users)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(a patient.Access) AccessView {
		v := accessView(a)
		v.Patient, v.Reviewer = p.hit(a.PatientID), p.users[a.ReviewedBy]
		return v
	}, next), nil
}

func (s *Server) reviewAccess(ctx context.Context, in *NoteInput) (*Empty, error) {
	return nil, s.deps.Patients.ReviewAccess(ctx, in.ID, in.Body.Note)
}

// exportColumns are the columns of an export, named as in the record.
func exportColumns() []string {
	return []string{"code", "name", "sex", "birth_date", "phone", "identifiers", "email", "address", "insurance", "allergies", "lifecycle", "tags", "created_at"}
}

func (s *Server) exportRow(p patient.Patient, lang string) []string {
	phone := ""
	for _, ph := range p.Phones {
		if ph.Primary {
			phone = ph.Number
		}
	}
	documents := make([]string, 0, len(p.Identifiers))
	for _, d := range p.Identifiers {
		documents = append(documents, strings.TrimSpace(web.Message(lang, "idtype."+d.Type)+" "+d.Value))
	}
	a := p.Address
	return []string{p.Code, p.Name, worded(lang, "sex.", p.Sex), p.BirthDate, phone, strings.Join(documents, "; "), p.Email,
		a.Province + a.City + a.District + a.Street + a.Detail, worded(lang, "insurance.", p.Insurance), strings.Join(p.Allergies, "; "),
		worded(lang, "lifecycle.", p.Lifecycle), strings.Join(p.Tags, "; "), s.local(p.CreatedAt)}
}

func worded(lang, prefix, code string) string {
	if code == "" {
		return ""
	}
	return web.Message(lang, prefix+code)
}

// table writes rows to a spreadsheet of either form.
type table interface {
	Row(cells ...string) error
	Close() error
}

func newTable(w io.Writer, format, name, footer string) (table, error) {
	if format == "csv" {
		return sheet.NewCSV(w)
	}
	return sheet.NewXLSX(w, name, footer)
}

// exportPatients streams customers as a file that says at its end, and on every
// printed page, who took it, when and why.
func (s *Server) exportPatients(ctx context.Context, in *PatientExportInput) (*huma.StreamResponse, error) {
	b := in.Body
	people, err := s.deps.Patients.Export(ctx, patient.ExportFilter{IDs: b.IDs, Query: b.Q, GroupID: b.Group, Tag: b.Tag}, b.Reason)
	if err != nil {
		return nil, err
	}
	who, _ := identity.From(ctx)
	at := s.now().In(s.zone())
	mark := strings.Join([]string{who.Name, at.Format(time.DateTime), b.Reason}, " · ")
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := raw(hctx)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute)) // not every writer can
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Disposition", `attachment; filename="customers-`+at.Format("20060102-1504")+`.`+b.Format+`"`)
		err := func() error {
			out, err := newTable(w, b.Format, "customers", mark)
			if err != nil {
				return err
			}
			head := exportColumns()
			for i := range head {
				head[i] = label("zh-CN", head[i])
			}
			if err := out.Row(head...); err != nil {
				return err
			}
			for p, err := range people {
				if err != nil {
					return err
				}
				if err := out.Row(s.exportRow(p, "zh-CN")...); err != nil {
					return err
				}
			}
			if err := out.Row(); err != nil {
				return err
			}
			if err := out.Row(mark); err != nil {
				return err
			}
			return out.Close()
		}()
		if err != nil {
			s.log.Warn("export of customers", "request_id", requestID(ctx), "error", err)
			panic(http.ErrAbortHandler) // a cut file must not look whole
		}
	}}, nil
}

func importView(im patient.FileImport) ImportView {
	preview := make([][]string, 0, len(im.Preview))
	for _, row := range im.Preview {
		preview = append(preview, some(row))
	}
	return ImportView{ID: im.ID, Version: im.Version, FileName: im.FileName, Format: im.Format, Encoding: im.Encoding, Status: im.Status,
		Headers: some(im.Headers), Mapping: some(im.Mapping), Preview: preview, Total: im.Total, Done: im.Done, Created: im.Created, Existing: im.Existing,
		Failed: im.Failed, Undone: im.Undone, Kept: im.Kept, Error: im.Error, CreatedAt: utc(im.CreatedAt), CreatedBy: im.CreatedBy, ActorName: im.ActorName}
}

func importOut(im patient.FileImport, err error) (*Out[ImportView], error) {
	if err != nil {
		return nil, err
	}
	return out(importView(im)), nil
}

func (s *Server) listImports(ctx context.Context, in *Paging) (*Out[List[ImportView]], error) {
	list, next, err := s.deps.Patients.Imports(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(list, importView, next), nil
}

func (s *Server) listImportFields(context.Context, *None) (*Out[ImportFieldsView], error) {
	return out(ImportFieldsView{Fields: patient.ImportFields()}), nil
}

// ImportFileInput is a file of customers.
type ImportFileInput struct {
	RawBody huma.MultipartFormFiles[struct {
		File huma.FormFile `form:"file" contentType:"application/octet-stream" required:"true"`
	}]
}

func (s *Server) createImport(ctx context.Context, in *ImportFileInput) (*Out[ImportView], error) {
	f := in.RawBody.Data().File
	defer f.Close()
	if f.Size > patient.MaxImport {
		return nil, errs.New(errs.TooLarge, "import.too_large")
	}
	data, err := io.ReadAll(io.LimitReader(f, patient.MaxImport+1))
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "request.malformed", err)
	}
	return importOut(s.deps.Patients.CreateImport(ctx, f.Filename, data))
}

func (s *Server) getImport(ctx context.Context, in *ByID) (*Out[ImportView], error) {
	return importOut(s.deps.Patients.ImportByID(ctx, in.ID))
}

func (s *Server) putImportMapping(ctx context.Context, in *ImportMappingInput) (*Out[ImportView], error) {
	return importOut(s.deps.Patients.MapImport(ctx, in.ID, in.Body.Mapping))
}

func (s *Server) dryRunImport(ctx context.Context, in *ByID) (*Out[ImportView], error) {
	return importOut(s.deps.Patients.CheckImport(ctx, in.ID))
}

func (s *Server) runImport(ctx context.Context, in *ByID) (*Out[ImportView], error) {
	return importOut(s.deps.Patients.RunImport(ctx, in.ID))
}

func (s *Server) undoImport(ctx context.Context, in *ByID) (*Out[ImportView], error) {
	return importOut(s.deps.Patients.UndoImport(ctx, in.ID))
}

func (s *Server) listImportRows(ctx context.Context, in *PatientList) (*Out[List[ImportRowView]], error) {
	after := 0
	if in.Cursor != "" {
		n, err := strconv.Atoi(in.Cursor)
		if err != nil {
			return nil, errs.InvalidField("cursor", "cursor_invalid")
		}
		after = n
	}
	list, err := s.deps.Patients.ImportRows(ctx, in.ID, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next = strconv.Itoa(list[in.Limit-1].Line)
	}
	return listOf(list, func(r patient.RowProblem) ImportRowView {
		return ImportRowView{Line: r.Line, State: r.State, Problems: mapped(r.Problems, func(p patient.CellProblem) ImportCellProblem { return ImportCellProblem(p) })}
	}, next), nil
}

// getImportErrors is the part of the file that was not taken over, with what is
// wrong, to be corrected and sent again.
func (s *Server) getImportErrors(ctx context.Context, in *ImportErrorsQuery) (*huma.StreamResponse, error) {
	im, err := s.deps.Patients.ImportByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	x, err := sheet.NewXLSX(&file, "errors", "")
	if err != nil {
		return nil, err
	}
	if err := x.Row(append(im.Headers, web.Message(in.Lang, "import.line"), web.Message(in.Lang, "import.problem"))...); err != nil {
		return nil, err
	}
	for after := 0; ; {
		list, err := s.deps.Patients.ImportRows(ctx, in.ID, after, 1000)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			row := append(make([]string, 0, len(im.Headers)+2), r.Cells...)
			for len(row) < len(im.Headers) {
				row = append(row, "")
			}
			if err := x.Row(append(row[:len(im.Headers)], strconv.Itoa(r.Line+1), problemText(in.Lang, r.Problems))...); err != nil {
				return nil, err
			}
			after = r.Line
		}
		if len(list) == 0 {
			break
		}
	}
	if err := x.Close(); err != nil {
		return nil, err
	}
	if p, ok := identity.From(ctx); ok {
		if err := s.viewed(ctx, p, "patient.import_errors", "import", in.ID, ""); err != nil {
			return nil, err
		}
	}
	return download("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "import-errors.xlsx", file.Bytes()), nil
}

// problemText says in words what is wrong with a row.
func problemText(lang string, list []patient.CellProblem) string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		key := "error." + p.Key
		if !web.Has(key) {
			key = "error.field_invalid"
		}
		field, _, _ := strings.Cut(strings.NewReplacer("[", ".", "]", "").Replace(p.Field), ".")
		name := ""
		if field != "" {
			name = label(lang, field) + ": "
		}
		out = append(out, name+web.Message(lang, key))
	}
	return strings.Join(out, "; ")
}
