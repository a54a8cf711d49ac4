package demo

import (
	"context"
	"fmt"
	"strings"

	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
	"heartline/internal/platform/identity"
)

// Login is a way to sign in to the demo. The passwords are public: never use
// the demo's data folder for a real hospital.
type Login struct {
	Login, Password, Name, Role string
	Number                      string // 工号, which is also the extension
}

// Logins lists the documented users of the demo.
func Logins() []Login {
	return []Login{
		{"admin", "Plum-Blossom-96166", "赵明远", identity.RoleAdmin, ""},
		{"supervisor", "Yellow-Crane-96166", "周慧兰", identity.RoleSupervisor, "8010"},
		{"agent1", "Warm-Voice-9601", "陈思琪", identity.RoleAgent, "8001"},
		{"agent2", "Warm-Voice-9602", "李文静", identity.RoleAgent, "8002"},
		{"agent3", "Warm-Voice-9603", "王雅婷", identity.RoleAgent, "8003"},
		{"agent4", "Warm-Voice-9604", "刘海燕", identity.RoleAgent, "8004"},
		{"doctor", "Gentle-Hands-9610", "林致远", identity.RoleDoctor, "8101"},
	}
}

// colleagues answer calls in the past and in the simulated morning; nobody
// signs in as them.
func colleagues() []Login {
	return []Login{
		{"agent5", "", "何晓燕", identity.RoleAgent, "8005"}, {"agent6", "", "孙悦", identity.RoleAgent, "8006"},
		{"agent7", "", "徐佳宁", identity.RoleAgent, "8007"}, {"agent8", "", "高敏", identity.RoleAgent, "8008"},
	}
}

// extensionSecret is the SIP password of a demo extension.
func extensionSecret(number string) string {
	if number == SoftphoneUser {
		return SoftphoneSecret
	}
	return "extension-demo-" + number
}

// staff is who works in the hospital.
type staff struct {
	users       map[string]string // login → user id
	departments map[string]hospital.Department
	order       []string // department codes
	doctors     map[string][]hospital.Doctor
}

func (s *seeder) seedUsers(ctx context.Context) error {
	s.staff = staff{users: make(map[string]string), departments: make(map[string]hospital.Department), doctors: make(map[string][]hospital.Doctor)}
	for _, l := range append(Logins(), colleagues()...) {
		password := l.Password
		if password == "" {
			password = s.Keys.Token()
		}
		u, err := s.Identity.CreateUser(ctx, identity.NewUser{Login: l.Login, Name: l.Name, Password: password, Roles: []string{l.Role}, Locale: "zh-CN"})
		if err != nil {
			return fmt.Errorf("user %s: %w", l.Login, err)
		}
		s.staff.users[l.Login] = u.ID
	}
	return nil
}

func (s *seeder) seedHospital(ctx context.Context) error {
	t, err := readTables()
	if err != nil {
		return err
	}
	s.world = world{tables: t, taken: make(map[string]bool)}
	for _, d := range t.divisions {
		s.world.weights = append(s.world.weights, d.weight)
	}
	campus := make(map[string]string)
	for i, c := range []hospital.Campus{
		{Code: "main", Name: "江城本部", NameEN: "Main campus", Address: "江城市江岸区爱心路6号", Phone: DirectNumber,
			Transit: "地铁1号线爱心路站B口步行三百米；公交301、508、707路爱心医院站。自驾请走江滨路北入口，地下车库前半小时免费。",
			Hours:   "门诊 周一至周六 08:00–12:00，14:00–17:30；急诊二十四小时"},
		{Code: "east", Name: "东湖院区", NameEN: "East Lake campus", Address: "江城市东湖新区梅园路166号", Phone: "02786960100",
			Transit: "地铁8号线梅园站D口；院区间班车七点到十八点每半小时一班。",
			Hours:   "门诊 周一至周六 08:00–12:00，13:30–17:00"},
	} {
		c.Position = i
		saved, err := s.Hospital.SaveCampus(ctx, c)
		if err != nil {
			return fmt.Errorf("campus %s: %w", c.Code, err)
		}
		campus[c.Code] = saved.ID
	}
	for i, f := range t.departments {
		d, err := s.Hospital.CreateDepartment(ctx, hospital.Department{Code: f[0], Name: f[1], NameEN: f[2], CampusID: campus[f[3]], Floor: f[4],
			Extension: f[5], Phone: fmt.Sprintf("0278696%s", f[5]), Clinical: f[6] == "1", Intro: f[7], Position: i})
		if err != nil {
			return fmt.Errorf("department %s: %w", f[0], err)
		}
		s.staff.departments[d.Code], s.staff.order = d, append(s.staff.order, d.Code)
	}
	number := 0
	for _, code := range s.staff.order {
		if err := s.doctorsOf(ctx, s.staff.departments[code], &number); err != nil {
			return err
		}
	}
	return nil
}

// doctorsOf gives a clinical department two or three doctors of falling rank.
func (s *seeder) doctorsOf(ctx context.Context, dept hospital.Department, number *int) error {
	if !dept.Clinical {
		return nil
	}
	d := s.dice
	titles := []string{hospital.Chief, hospital.AssociateChief, hospital.Attending}
	for i := range d.between(2, 3) {
		*number++
		sex := sexOf(d)
		doc := hospital.Doctor{Code: fmt.Sprintf("D%04d", 1000+*number), Name: fullName(d, s.world.tables, sex), Title: titles[i],
			Sex: map[string]string{"m": patient.Male, "f": patient.Female}[sex], DepartmentID: dept.ID, CampusID: dept.CampusID}
		if *number == 1 {
			doc.Name, doc.Sex, doc.UserID = "林致远", patient.Male, s.staff.users["doctor"]
		}
		doc.Specialties = s.specialties(dept.Code)
		doc.Fee = []int64{50_00, 30_00, 15_00}[i]
		doc.Sessions = s.sessions()
		doc.Intro = s.intro(dept, doc, i)
		saved, err := s.Hospital.SaveDoctor(ctx, doc)
		if err != nil {
			return fmt.Errorf("doctor %s: %w", doc.Code, err)
		}
		s.staff.doctors[dept.Code] = append(s.staff.doctors[dept.Code], saved)
	}
	return nil
}

// specialties are illnesses of the department.
func (s *seeder) specialties(code string) []string {
	var out []string
	for _, c := range s.world.tables.conditions {
		name, _, _ := strings.Cut(strings.TrimSuffix(c.diagnosis, "2级"), "（")
		if c.department == code && s.dice.chance(0.75) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		out = []string{"常见病诊治", "健康指导"}
	}
	return out[:min(len(out), 4)]
}

func (s *seeder) sessions() string {
	d := s.dice
	days := []string{"周一", "周二", "周三", "周四", "周五"}
	a := d.IntN(len(days))
	b := (a + d.between(1, 3)) % len(days)
	if b < a {
		a, b = b, a
	}
	half := func() string { return pick(d, []string{"上午", "上午", "下午", "全天"}) }
	out := days[a] + half() + "、" + days[b] + half()
	if d.chance(0.3) {
		out += "、周六上午"
	}
	return out
}

func (s *seeder) intro(dept hospital.Department, doc hospital.Doctor, rank int) string {
	d := s.dice
	years := []int{26, 17, 9}[rank] + d.between(-3, 6)
	title := []string{"主任医师", "副主任医师", "主治医师"}[rank]
	return fmt.Sprintf("%s，从事%s工作%d年。擅长%s。%s", title, dept.Name, years, strings.Join(doc.Specialties, "、"),
		pick(d, []string{"讲解细致，重视与患者的沟通。", "主张少用药、用对药。", "曾参加援外医疗，耐心负责。", "长期带教，关注慢病管理。", "坚持周末健康讲座，深受居民信任。"}))
}
