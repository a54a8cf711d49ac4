package patient

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"heartline/internal/platform/errs"
)

// importField is something that a column of a file may be.
type importField struct {
	name    string
	headers string // what people write above such a column, folded, separated by spaces
	set     func(p *Patient, v string) (key string)
}

// ImportFields lists the fields that a column may be.
func ImportFields() []string {
	list := importFields()
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.name
	}
	return out
}

func importFields() []importField {
	return []importField{
		{"name", "姓名 名字 患者姓名 病人姓名 客户姓名 name fullname patientname", text(func(p *Patient) *string { return &p.Name })},
		{"name_latin", "英文名 拉丁名 外文名 latinname englishname", text(func(p *Patient) *string { return &p.NameLatin })},
		{"code", "客户编号 编号 客户号 code customercode patientcode", text(func(p *Patient) *string { return &p.Code })},
		{"sex", "性别 sex gender", setSex},
		{"birth_date", "出生日期 生日 出生年月日 出生年月 birthdate birthday dateofbirth dob birth", setBirth},
		{"phone", "手机 手机号 手机号码 电话 联系电话 电话号码 联系方式 phone mobile telephone tel phonenumber", setPhone("", "")},
		{"phone2", "电话2 备用电话 家庭电话 住宅电话 phone2 homephone", setPhone(PhoneHome, "")},
		{"family_phone", "家属电话 联系人电话 监护人电话 familyphone contactphone", setPhone(PhoneFamily, "family")},
		{IDCard, "身份证 身份证号 身份证号码 证件号 证件号码 idcard idnumber", document(IDCard)},
		{Passport, "护照 护照号 护照号码 passport", document(Passport)},
		{HKMacao, "港澳通行证 回乡证 hkmacaopass", document(HKMacao)},
		{Taiwan, "台胞证 台湾通行证 taiwanpass", document(Taiwan)},
		{Residence, "居住证 永久居留证 港澳台居住证 residencepermit", document(Residence)},
		{MedicalCard, "就诊卡 就诊卡号 病历号 门诊号 medicalcard", document(MedicalCard)},
		{"insurance_number", "社保号 医保号 医保卡号 社会保障号 insurancenumber", document(Insurance)},
		{"email", "邮箱 电子邮箱 邮件 email mail", text(func(p *Patient) *string { return &p.Email })},
		{"wechat", "微信 微信号 wechat", text(func(p *Patient) *string { return &p.WeChat })},
		{"province", "省 省份 province", text(func(p *Patient) *string { return &p.Address.Province })},
		{"city", "市 城市 city", text(func(p *Patient) *string { return &p.Address.City })},
		{"district", "区 区县 县 district county", text(func(p *Patient) *string { return &p.Address.District })},
		{"address", "地址 住址 详细地址 家庭住址 联系地址 address", text(func(p *Patient) *string { return &p.Address.Detail })},
		{"nationality", "国籍 nationality", text(func(p *Patient) *string { return &p.Nationality })},
		{"ethnicity", "民族 ethnicity", text(func(p *Patient) *string { return &p.Ethnicity })},
		{"industry", "行业 industry", text(func(p *Patient) *string { return &p.Industry })},
		{"occupation", "职业 occupation job", text(func(p *Patient) *string { return &p.Occupation })},
		{"insurance", "医保类型 参保类型 费别 insurance insurancetype", setInsurance},
		{"allergies", "过敏史 过敏 药物过敏 allergies allergy", list(func(p *Patient) *[]string { return &p.Allergies })},
		{"hereditary_diseases", "遗传病史 家族史 hereditarydiseases", list(func(p *Patient) *[]string { return &p.HereditaryDiseases })},
		{"heart_history", "心脏病史 hearthistory", text(func(p *Patient) *string { return &p.HeartHistory })},
		{"tags", "标签 tags", list(func(p *Patient) *[]string { return &p.Tags })},
		{"language", "语言 language", text(func(p *Patient) *string { return &p.Language })},
		{"notes", "备注 说明 notes remark remarks", text(func(p *Patient) *string { return &p.Notes })},
	}
}

func text(field func(p *Patient) *string) func(*Patient, string) string {
	return func(p *Patient, v string) string {
		*field(p) = v
		return ""
	}
}

func list(field func(p *Patient) *[]string) func(*Patient, string) string {
	return func(p *Patient, v string) string {
		if v == "无" || strings.EqualFold(v, "none") || strings.EqualFold(v, "no") {
			return ""
		}
		*field(p) = strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("、,，;；\n", r) })
		return ""
	}
}

func setSex(p *Patient, v string) string {
	switch strings.ToLower(v) {
	case "男", "男性", "m", "male", "1":
		p.Sex = Male
	case "女", "女性", "f", "female", "2":
		p.Sex = Female
	case "", "未知", "不详", "unknown", "0", "9":
		p.Sex = SexUnknown
	default:
		return "patient.sex_invalid"
	}
	return ""
}

var dateParts = regexp.MustCompile(`^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?( .*)?$`)

func setBirth(p *Patient, v string) string {
	v = foldWidth(v)
	if len(v) == 8 && allDigits(v) {
		v = v[:4] + "-" + v[4:6] + "-" + v[6:]
	}
	m := dateParts.FindStringSubmatch(v)
	if m == nil {
		return "patient.birth_date_invalid"
	}
	t, err := time.Parse("2006-1-2", m[1]+"-"+m[2]+"-"+m[3])
	if err != nil {
		return "patient.birth_date_invalid"
	}
	p.BirthDate = t.Format(time.DateOnly)
	return ""
}

var exponent = regexp.MustCompile(`^\d(\.\d+)?[eE]\+?\d+$`)

// setPhone takes one or several numbers of one cell.
func setPhone(kind, owner string) func(*Patient, string) string {
	return func(p *Patient, v string) string {
		if exponent.MatchString(v) {
			return "import.number_rounded"
		}
		for _, n := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("、,，;；/|\n", r) }) {
			p.Phones = append(p.Phones, Phone{Number: strings.TrimSpace(n), Type: kind, Owner: owner})
		}
		return ""
	}
}

func document(kind string) func(*Patient, string) string {
	return func(p *Patient, v string) string {
		if exponent.MatchString(v) {
			return "import.number_rounded" // a spreadsheet took it for a number and dropped its end
		}
		p.Identifiers = append(p.Identifiers, Identifier{Type: kind, Value: v})
		return ""
	}
}

func setInsurance(p *Patient, v string) string {
	for code, words := range map[string]string{
		InsEmployee: "城镇职工 职工 职工医保 employee", InsResident: "城乡居民 居民 居民医保 新农合 resident", InsCommercial: "商业保险 商保 commercial",
		InsPublic: "公费 公费医疗 public", InsSelfPay: "自费 全自费 self_pay", InsOutOfArea: "异地 异地医保 out_of_area", InsOther: "其他 其它 other",
	} {
		for _, w := range strings.Fields(words) {
			if strings.EqualFold(v, w) {
				p.Insurance = code
				return ""
			}
		}
	}
	return "not_allowed"
}

// suggest guesses what columns are from what stands above them; each field is
// taken once.
func suggest(headers []string) []string {
	taken := make(map[string]bool)
	out := make([]string, len(headers))
	for i, h := range headers {
		h = foldHeader(h)
		for _, f := range importFields() {
			if !taken[f.name] && h != "" && strings.Contains(" "+f.headers+" "+strings.ReplaceAll(f.name, "_", "")+" ", " "+h+" ") {
				out[i], taken[f.name] = f.name, true
				break
			}
		}
	}
	return out
}

func foldHeader(h string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, foldWidth(h))
}

// checkMapping refuses fields that are none, twice the same, and no name.
func checkMapping(mapping []string, columns int) error {
	var f errs.Fields
	known := ImportFields()
	seen := make(map[string]bool)
	for i, m := range mapping {
		path := fmt.Sprintf("mapping[%d]", i)
		if m == "" {
			continue
		}
		if !slices.Contains(known, m) {
			f.Add(path, "not_allowed")
		} else if seen[m] {
			f.Add(path, "validation.twice")
		}
		seen[m] = true
	}
	if len(mapping) != columns {
		f.Add("mapping", "import.mapping_columns")
	}
	if !seen["name"] {
		f.Add("mapping", "import.mapping_name")
	}
	return f.Err()
}

// personOf makes a person of a row; problems name the field of the file.
func personOf(cells, mapping []string, now time.Time) (Patient, []CellProblem) {
	var p Patient
	var bad []CellProblem
	for i, field := range mapping {
		if field == "" || i >= len(cells) || strings.TrimSpace(cells[i]) == "" {
			continue
		}
		for _, f := range importFields() {
			if f.name != field {
				continue
			}
			if key := f.set(&p, strings.TrimSpace(cells[i])); key != "" {
				bad = append(bad, CellProblem{field, key})
			}
		}
	}
	for _, f := range normalise(&p, now) {
		bad = append(bad, CellProblem{f.Path, f.Key})
	}
	return p, bad
}
