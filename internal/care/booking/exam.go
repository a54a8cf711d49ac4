package booking

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// ExamItem is an examination that can be booked: an ultrasound, an endoscopy.
type ExamItem struct {
	ID            string
	Version       int64
	Code          string
	Name          string
	NameEN        string
	DepartmentID  string
	CampusID      string
	Room          string
	Equipment     string // sessions on the same equipment never overlap
	Minutes       int
	Preparation   string // what the patient has to do before
	PreparationEN string
	Fasting       bool  // done in the morning, on an empty stomach
	Fee           int64 // 分
	Active        bool
	After         []Exclusion // examinations that may come only some time after this one
	UpdatedAt     time.Time
}

// Exclusion keeps two examinations of one person apart: the other one may be
// done only GapHours after this one.
type Exclusion struct {
	ExamID   string
	GapHours int
	Reason   string
}

// ExamItems lists the examinations.
func (s *Service) ExamItems(ctx context.Context) ([]ExamItem, error) {
	if _, err := identity.Require(ctx, identity.BookingRead, identity.BookingSchedule, identity.DirectoryRead); err != nil {
		return nil, err
	}
	var out []ExamItem
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listExams(ctx, tx, "")
		return err
	})
	return out, err
}

// ExamItem returns one examination.
func (s *Service) ExamItem(ctx context.Context, examID string) (ExamItem, error) {
	if _, err := identity.Require(ctx, identity.BookingRead, identity.BookingSchedule, identity.DirectoryRead); err != nil {
		return ExamItem{}, err
	}
	if examID == "" {
		return ExamItem{}, errs.New(errs.NotFound, "booking.not_found")
	}
	var out ExamItem
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = first(listExams(ctx, tx, examID))
		return err
	})
	return out, err
}

// SaveExamItem creates (empty id) or changes an examination; Version must be
// the one read.
func (s *Service) SaveExamItem(ctx context.Context, e ExamItem) (ExamItem, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return e, err
	}
	if err := e.check().Err(); err != nil {
		return e, err
	}
	var out ExamItem
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		e := e
		e.UpdatedAt = s.now()
		if e.ID == "" {
			e.ID, e.Version = id.New(), 1
			if err := insertRow(ctx, tx, "exam_items", examColumns, examRow(e)...); err != nil {
				return err
			}
		} else {
			if err := updateRow(ctx, tx, "exam_items", examColumns, examRow(e)...); err != nil {
				return err
			}
			e.Version++
		}
		if err := replaceExclusions(ctx, tx, e); err != nil {
			return err
		}
		out = e
		return s.auditRule(ctx, tx, who, "booking.exam_save", "exam_item", e.ID, "", nil)
	})
	switch {
	case store.IsUnique(err):
		return e, errs.InvalidField("code", "booking.code_taken")
	case store.IsForeignKey(err):
		return e, errs.InvalidField("after", "booking.unknown_reference")
	}
	return out, err
}

// DeleteExamItem removes an examination that no template or session uses.
func (s *Service) DeleteExamItem(ctx context.Context, examID string) error {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		n, err := examUses(ctx, tx, examID)
		if err != nil {
			return err
		}
		if n > 0 {
			return errs.New(errs.Conflict, "booking.in_use", "count", n)
		}
		if err := deleteExam(ctx, tx, examID); err != nil {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.exam_delete", "exam_item", examID, "", nil)
	})
}

var examCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

func (e *ExamItem) check() errs.Fields {
	var f errs.Fields
	e.Code = strings.TrimSpace(e.Code)
	if !examCode.MatchString(e.Code) {
		f.Add("code", "booking.code_invalid")
	}
	needText(&f, "name", &e.Name, 60)
	checkText(&f, "name_en", e.NameEN, 100)
	checkText(&f, "room", e.Room, 60)
	checkText(&f, "equipment", e.Equipment, 60)
	checkText(&f, "preparation", e.Preparation, 2000)
	checkText(&f, "preparation_en", e.PreparationEN, 4000)
	if e.DepartmentID == "" {
		f.Add("department_id", "required")
	}
	if e.Minutes < 1 || e.Minutes > 480 {
		f.Add("minutes", "out_of_range")
	}
	if e.Fee < 0 || e.Fee > 100_000_00 {
		f.Add("fee_cents", "out_of_range")
	}
	if len(e.After) > 50 {
		f.Add("after", "too_long")
	}
	seen := map[string]bool{}
	for i, x := range e.After {
		if x.ExamID == "" || x.ExamID == e.ID || seen[x.ExamID] {
			f.Add(fmt.Sprintf("after[%d].exam_id", i), "not_allowed")
		}
		seen[x.ExamID] = true
		if x.GapHours < 1 || x.GapHours > 90*24 {
			f.Add(fmt.Sprintf("after[%d].gap_hours", i), "out_of_range")
		}
		checkText(&f, fmt.Sprintf("after[%d].reason", i), x.Reason, 200)
	}
	return f
}

// decideExam adds what speaks against an examination because of the person's
// other ones: barium in the bowel hides what an endoscope looks for.
func (s *Service) decideExam(ctx context.Context, tx *store.Tx, v *policy.Verdict, patientID string, se Session, without string) error {
	if se.ExamID == "" {
		return nil
	}
	list, err := clashingExams(ctx, tx, patientID, se.ExamID, without, se.StartAt, se.EndAt)
	if err != nil {
		return err
	}
	for _, n := range list {
		v.Reasons = append(v.Reasons, policy.Reason{Key: "booking.exam_gap", Params: map[string]any{
			"exam": n.name, "hours": n.gapHours, "at": s.clock(n.start), "reason": n.reason}})
	}
	v.Allowed = len(v.Reasons) == 0
	return nil
}
