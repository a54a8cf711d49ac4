package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"heartline/internal/care/booking"
)

// examRoom says where an examination is done.
type examRoom struct{ department, room string }

// examRooms are the places of the examinations that the program ships, by
// code.
func examRooms() map[string]examRoom {
	return map[string]examRoom{
		"GI-GASTRO": {"03.02", "内镜中心1室"}, "GI-COLON": {"03.02", "内镜中心2室"}, "GI-C13": {"03.02", "呼气试验室"}, "GI-BARIUM": {"32", "胃肠造影室"},
		"US-ABDOMEN": {"32", "超声1室"}, "US-PELVIS": {"05.01", "妇科超声室"}, "US-HEART": {"03.04", "心超室"}, "EKG-HOLTER": {"03.04", "动态心电室"},
		"CT-CHEST": {"32", "CT1室"}, "CT-ABDOMEN": {"32", "CT1室"}, "CT-CONTRAST-HEART": {"32", "CT2室"}, "MR-HEAD": {"32", "磁共振室"},
	}
}

// seedExams takes over the examinations that the program knows, first without
// and then with what keeps them apart, and plans their sessions: on an empty
// stomach in the morning, the others in the afternoon.
func (s *seeder) seedExams(ctx context.Context) error {
	places, ids := examRooms(), make(map[string]string)
	var made []booking.ExamItem
	list := booking.DefaultExams()
	for _, d := range list {
		dept, ok := s.staff.departments[places[d.Code].department]
		if !ok {
			return fmt.Errorf("examination %s: no department", d.Code)
		}
		item, err := s.Booking.SaveExamItem(ctx, booking.ExamItem{Code: d.Code, Name: d.Name, NameEN: d.NameEN, DepartmentID: dept.ID, CampusID: dept.CampusID,
			Room: places[d.Code].room, Equipment: d.Equipment, Minutes: d.Minutes, Preparation: d.Preparation, PreparationEN: d.PreparationEN,
			Fasting: d.Fasting, Fee: d.Fee, Active: true})
		if err != nil {
			return fmt.Errorf("examination %s: %w", d.Code, err)
		}
		ids[d.Code] = item.ID
		made = append(made, item)
	}
	for i, d := range list {
		for _, code := range slices.Sorted(maps.Keys(d.After)) {
			made[i].After = append(made[i].After, booking.Exclusion{ExamID: ids[code], GapHours: d.After[code]})
		}
		if len(d.After) == 0 {
			continue
		}
		if _, err := s.Booking.SaveExamItem(ctx, made[i]); err != nil {
			return fmt.Errorf("examination %s: %w", d.Code, err)
		}
	}
	for _, e := range made {
		if err := s.planExam(ctx, e); err != nil {
			return fmt.Errorf("sessions of %s: %w", e.Code, err)
		}
	}
	return nil
}

// planExam gives an examination a session every working day.
func (s *seeder) planExam(ctx context.Context, e booking.ExamItem) error {
	h := halves("下午")[0]
	if e.Fasting {
		h = halves("上午")[0]
	}
	for day := time.Monday; day <= time.Friday; day++ {
		t := booking.Template{Weekday: day, Weeks: booking.EveryWeek, Period: h.period, StartMinute: h.start, EndMinute: h.end, SlotMinutes: e.Minutes,
			Capacity: (h.end - h.start) / e.Minutes, Type: booking.Exam, Fee: e.Fee, DepartmentID: e.DepartmentID, ExamID: e.ID, CampusID: e.CampusID,
			Room: e.Room, Active: true}
		if _, err := s.Booking.SaveTemplate(ctx, t); err != nil {
			return err
		}
	}
	return nil
}
