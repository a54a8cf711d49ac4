package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
)

// history makes what happened between a person and the hospital in the last
// two years: a few complaints that fit age and sex, and what each led to.
func (s *seeder) history(p *person) {
	d := s.dice
	age := p.Age(s.now)
	n := d.weighted([]int{12, 58, 24, 6})
	if age > 65 {
		n = d.weighted([]int{4, 42, 38, 16})
	}
	if reserved(p.own) {
		n = 4 // the cast of the demo has something to tell
	}
	for range n {
		c := s.condition(p.Sex, age)
		if c == nil || slices.ContainsFunc(p.ill, func(o condition) bool { return o.diagnosis == c.diagnosis }) {
			continue
		}
		p.ill = append(p.ill, *c)
		s.course(p, *c)
	}
	for _, c := range p.ill {
		if c.chronic && strings.Contains(c.diagnosis, "高血压") {
			p.Tags = append(p.Tags, "高血压")
		}
		if c.chronic && strings.Contains(c.diagnosis, "糖尿病") {
			p.Tags = append(p.Tags, "糖尿病", "慢病随访")
		}
	}
}

// condition draws one that fits.
func (s *seeder) condition(sex string, age int) *condition {
	list := s.world.tables.conditions
	weights := make([]int, len(list))
	sum := 0
	for i, c := range list {
		if age >= c.from && age <= c.to && (c.sex == "a" || (c.sex == "m") == (sex == patient.Male)) {
			weights[i] = c.weight
			sum += c.weight
		}
	}
	if sum == 0 {
		return nil
	}
	return &list[s.dice.weighted(weights)]
}

// course is one illness: the first visit, its follow-ups, what was ordered.
func (s *seeder) course(p *person, c condition) {
	d := s.dice
	first := s.now.AddDate(0, 0, -d.between(3, 700))
	if first.Before(p.CreatedAt) {
		first = p.CreatedAt.AddDate(0, 0, d.between(0, 5))
	}
	visits := 1
	if c.chronic {
		visits = d.between(1, 3)
		if reserved(p.own) {
			visits = 5
		}
	}
	at := first
	for i := range visits {
		at = s.clinicTime(at)
		if at.After(s.now.Add(-24 * time.Hour)) {
			return
		}
		s.visit(p, c, at, i)
		at = at.AddDate(0, 0, d.between(25, 120))
	}
}

// clinicTime moves a day to a working day and an hour at which clinics sit.
func (s *seeder) clinicTime(day time.Time) time.Time {
	d := s.dice
	for day.Weekday() == time.Sunday || (day.Weekday() == time.Saturday && d.chance(0.6)) {
		day = day.AddDate(0, 0, 1)
	}
	hour := []int{8, 9, 10, 11, 14, 15, 16}[d.weighted([]int{18, 24, 20, 10, 12, 10, 6})]
	return time.Date(day.Year(), day.Month(), day.Day(), hour, d.between(0, 59), 0, 0, s.now.Location())
}

// note adds an entry to a timeline.
func (s *seeder) note(p *person, at time.Time, kind, title, summary, department, doctor string) {
	s.world.entries = append(s.world.entries, patient.TimelineEntry{ID: s.dice.id(at), PatientID: p.ID, At: at, Kind: kind, Title: title,
		Summary: summary, Department: department, Doctor: doctor})
}

func (s *seeder) visit(p *person, c condition, at time.Time, nth int) {
	d := s.dice
	dept := s.staff.departments[c.department]
	doc := s.doctorOf(dept)
	first := nth == 0
	if d.chance(0.5) {
		s.appointment(p, at, dept, doc)
	}
	title, summary := "门诊：复诊 "+c.diagnosis, "病情平稳，继续目前方案。"
	if first {
		title, summary = "门诊：初诊 "+c.diagnosis, "主诉："+c.complaint+"。初步诊断："+c.diagnosis+"。"
	}
	s.note(p, at, patient.KindOutpatient, title, summary, dept.Name, doc.Name)
	if d.chance(0.5) {
		s.examine(p, c, at, dept.Name, doc.Name)
	}
	if c.drugs[0] != "无" {
		s.note(p, at.Add(20*time.Minute), patient.KindPrescription, "处方："+drugName(c.drugs[0]), strings.Join(c.drugs, "；"), dept.Name, doc.Name)
	} else if d.chance(0.5) {
		s.note(p, at.Add(15*time.Minute), patient.KindOrder, "医嘱", "注意休息，定期复查，不适随诊。", dept.Name, doc.Name)
	}
	s.after(p, c, at, dept, doc, first)
}

func drugName(s string) string {
	name, _, _ := strings.Cut(s, " ")
	return strings.TrimRight(name, "0123456789.%")
}

func (s *seeder) appointment(p *person, at time.Time, dept hospital.Department, doc hospital.Doctor) {
	d := s.dice
	booked := at.AddDate(0, 0, -d.between(1, 7)).Add(-time.Duration(d.between(0, 300)) * time.Minute)
	channel := pick(d, []string{"电话", "电话", "微信", "网站", "自助机"})
	s.note(p, booked, patient.KindAppointment, "预约："+dept.Name+" "+doc.Name,
		fmt.Sprintf("%s预约，就诊时间%s，%s。", channel, at.Format("1月2日 15:04"), dept.Floor), dept.Name, doc.Name)
	if d.chance(0.4) {
		s.note(p, at.AddDate(0, 0, -1).Truncate(time.Hour), patient.KindMessage, "短信：就诊提醒",
			"明日"+at.Format("15:04")+dept.Name+"就诊，请携带身份证和医保卡。", "客户服务中心", "")
	}
}

func (s *seeder) examine(p *person, c condition, at time.Time, dept, doc string) {
	d := s.dice
	exam := pick(d, c.exams)
	done := at.Add(time.Duration(d.between(40, 200)) * time.Minute)
	s.note(p, done, patient.KindExam, "检查："+exam, "已完成，申请科室"+dept+"。", examPlace(exam), "")
	s.note(p, done.Add(time.Duration(d.between(2, 30))*time.Hour), patient.KindReport, "报告："+exam, c.finding+"。", examPlace(exam), doc)
}

// examPlace is where an examination is done.
func examPlace(exam string) string {
	for _, w := range []string{"CT", "磁共振", "X线", "彩超", "骨密度", "全景"} {
		if strings.Contains(exam, w) {
			return "医学影像科"
		}
	}
	for _, w := range []string{"血", "尿", "功能", "抗体", "标志", "因子", "抗原", "常规", "蛋白", "DNA"} {
		if strings.Contains(exam, w) && !strings.Contains(exam, "肺功能") && !strings.Contains(exam, "运动功能") {
			return "检验科"
		}
	}
	return "门诊检查室"
}

// after is what a visit leads to later.
func (s *seeder) after(p *person, c condition, at time.Time, dept hospital.Department, doc hospital.Doctor, first bool) {
	d := s.dice
	surgical := strings.HasPrefix(dept.Code, "04") || strings.HasPrefix(dept.Code, "05") || dept.Code == "10" || dept.Code == "19"
	if (surgical && first && d.chance(0.28)) || (c.chronic && d.chance(0.04)) {
		s.admission(p, c, at, dept, doc)
	}
	if c.chronic && d.chance(0.45) {
		s.past(p, at.AddDate(0, 0, 14), patient.KindFollowup, "随访："+c.diagnosis,
			pick(d, []string{"按时服药，自述症状减轻。", "血压、血糖自测在目标范围。", "偶有漏服，已指导使用药盒。", "电话未接，三日后再访。", "建议下月复查。"}), dept.Name, "")
	}
	if d.chance(0.10) {
		s.past(p, at.AddDate(0, 0, 2), patient.KindSurvey, fmt.Sprintf("满意度：%d分", pick(d, []int{5, 5, 5, 4, 4, 3, 2})),
			pick(d, []string{"就诊流程顺畅。", "医生讲解仔细。", "等候时间偏长。", "缴费排队较久。", "护士态度好。"}), dept.Name, "")
	}
	if d.chance(0.07) {
		s.past(p, at.AddDate(0, 0, d.between(2, 20)), patient.KindEnquiry, pick(d, []string{"咨询：报告何时能取", "咨询：检查前是否空腹", "咨询：医保报销比例", "咨询：药物能否同服", "咨询：复诊挂哪个号"}),
			"已按知识库答复，客户表示清楚。", "客户服务中心", "")
	}
	if d.chance(0.05) {
		s.past(p, at.AddDate(0, 0, d.between(5, 30)), patient.KindRemote, "互联网医院：图文问诊", "上传报告，医生建议继续观察。", dept.Name, doc.Name)
	}
	if d.chance(0.016) {
		filed := at.AddDate(0, 0, d.between(0, 4))
		s.past(p, filed, patient.KindComplaint, pick(d, []string{"投诉：候诊时间过长", "投诉：窗口态度", "投诉：检查预约太晚", "建议：增加轮椅", "表扬：护士耐心"}),
			"已登记并转医患沟通办公室，五个工作日内答复。", dept.Name, "")
		s.past(p, filed.Add(time.Hour), patient.KindPromise, "承诺：五个工作日内电话答复", "责任部门：医患沟通办公室。", "医患沟通办公室", "")
	}
	if d.chance(0.03) {
		s.past(p, at.AddDate(0, 0, 1), patient.KindPromise, "承诺：报告出来后短信通知", "已按时发送短信。", "客户服务中心", "")
	}
}

// past notes only what has happened already.
func (s *seeder) past(p *person, at time.Time, kind, title, summary, department, doctor string) {
	at = at.Add(time.Duration(s.dice.between(-90, 240)) * time.Minute)
	if at.Before(s.now) {
		s.note(p, at, kind, title, summary, department, doctor)
	}
}

func (s *seeder) admission(p *person, c condition, at time.Time, dept hospital.Department, doc hospital.Doctor) {
	d := s.dice
	in := at.AddDate(0, 0, d.between(0, 9))
	days := d.between(2, 9)
	if in.AddDate(0, 0, days).After(s.now) {
		return
	}
	s.note(p, in, patient.KindInpatient, "入院："+c.diagnosis, fmt.Sprintf("收入%s病房，主管医生%s，医保联网登记。", dept.Name, doc.Name), dept.Name, doc.Name)
	s.note(p, in.Add(26*time.Hour), patient.KindOrder, "医嘱：住院治疗", "完善检查，按诊疗规范治疗，防跌倒护理。", dept.Name, doc.Name)
	s.note(p, in.AddDate(0, 0, days), patient.KindInpatient, "出院："+c.diagnosis, fmt.Sprintf("住院%d天，好转出院，两周后门诊复查。", days), dept.Name, doc.Name)
	s.past(p, in.AddDate(0, 0, days+7), patient.KindFollowup, "出院随访", pick(d, []string{"恢复良好，伤口干燥。", "饮食睡眠可，已预约复查。", "轻度乏力，嘱休息。"}), dept.Name, "")
}

// doctorOf is somebody of the department.
func (s *seeder) doctorOf(dept hospital.Department) hospital.Doctor {
	list := s.staff.doctors[dept.Code]
	if len(list) == 0 {
		return hospital.Doctor{}
	}
	return list[s.dice.IntN(len(list))]
}
