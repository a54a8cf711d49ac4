package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"heartline/internal/care/patient"
	"heartline/internal/platform/pinyin"
	"heartline/internal/platform/store"
)

// person is a generated one. The n-th is always the same.
type person struct{ id, name, birth, phone, document string }

// The commonest family names stand first and more than once, as in China.
var (
	familyNames = []rune("王李张刘陈王李张刘陈王李张杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文")
	givenNames  = []rune("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文斌宇浩然子涵欣怡梓轩雨桐思远嘉怡佳琪博文天宇晨曦若溪诗涵俊杰志强海燕春梅冬雪秋月夏荷晓东小龙大鹏永康福生德胜家豪美玲淑珍")
)

func personAt(n int) person {
	dice := rand.New(rand.NewPCG(5, uint64(n)))
	name := []rune{familyNames[dice.IntN(len(familyNames))], givenNames[dice.IntN(len(givenNames))]}
	if dice.IntN(5) > 0 { // four of five given names have two characters
		name = append(name, givenNames[dice.IntN(len(givenNames))])
	}
	born := time.Date(1930, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n/900%34_000)
	first17 := fmt.Sprintf("%s%s%03d", [...]string{"420106", "420102", "420103"}[n/900/34_000%3], born.Format("20060102"), 100+n%900)
	return person{id: fmt.Sprintf("00000000-0000-7000-8000-%012d", n), name: string(name), birth: born.Format(time.DateOnly),
		phone: mobile(n), document: first17 + string(patient.CheckDigit(first17))}
}

func (p person) pinyin() string { return pinyin.Readings(p.name)[0].Joined() }

func (p person) initials() string { return pinyin.Readings(p.name)[0].Initials() }

// misheard writes what many from the south do not tell apart.
func misheard(py string) string {
	return strings.NewReplacer("zh", "z", "ch", "c", "sh", "s", "ing", "in", "eng", "en").Replace(py)
}

// wrongCharacter replaces the last one by another of the same sound, if the
// generator knows one.
func (p person) wrongCharacter() string {
	name := []rune(p.name)
	last := &name[len(name)-1]
	sound := pinyin.Readings(string(*last))[0].Joined()
	for _, r := range givenNames {
		if r != *last && pinyin.Readings(string(r))[0].Joined() == sound {
			*last = r
			break
		}
	}
	return string(name)
}

// personTables are filled without their secondary indexes, which are made
// afterwards in one go.
var personTables = []string{"patients", "patient_phones", "patient_identifiers", "patient_keys", "patient_timeline"}

func (c *crowd) fill(ctx context.Context) error {
	indexes, err := c.dropIndexes(ctx)
	if err != nil {
		return err
	}
	const chunk = 5000
	for at := 0; at < c.people; at += chunk {
		if err := c.patients.Import(ctx, patient.Batch{Patients: peopleFrom(at, min(chunk, c.people-at))}); err != nil {
			return err
		}
	}
	for at := 0; at < c.entries; at += 200_000 {
		if err := c.exec(ctx, c.entriesSQL(), at, min(at+200_000, c.entries)-1, c.regulars, c.people); err != nil {
			return err
		}
	}
	for _, create := range append(indexes, "ANALYZE") {
		if err := c.exec(ctx, create); err != nil {
			return err
		}
	}
	if c.db.Dialect() == store.Postgres { // as autovacuum does when a table has grown
		_, err = c.db.SQL().ExecContext(ctx, "VACUUM")
	}
	return err
}

func (c *crowd) exec(ctx context.Context, query string, args ...any) error {
	return c.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

// peopleFrom are n people from the at-th on.
func peopleFrom(at, n int) []patient.Patient {
	list := make([]patient.Patient, n)
	for i := range list {
		p := personAt(at + i)
		list[i] = patient.Patient{ID: p.id, Name: p.name, Sex: patient.Female, BirthDate: p.birth, Nationality: "CN", Language: "zh-CN",
			Lifecycle: patient.Customer, Phones: []patient.Phone{{Number: p.phone, Type: "mobile", Primary: true}},
			Identifiers: []patient.Identifier{{Type: patient.IDCard, Value: p.document}}}
	}
	return list
}

// dropIndexes removes the secondary indexes of the tables and returns the
// statements that make them again.
func (c *crowd) dropIndexes(ctx context.Context) (create []string, err error) {
	query := `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('` + strings.Join(personTables, "', '") + `')`
	if c.db.Dialect() == store.Postgres {
		query = `SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename IN ('` + strings.Join(personTables, "', '") + `')
			AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conname = i.indexname)`
	}
	var drop []string
	err = c.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		for rows.Next() {
			var name, def string
			if err := rows.Scan(&name, &def); err != nil {
				return err
			}
			drop, create = append(drop, "DROP INDEX "+name), append(create, def)
		}
		return rows.Err()
	})
	for _, d := range drop {
		if err == nil {
			err = c.exec(ctx, d)
		}
	}
	return create, err
}

// entriesSQL makes the entries number $1 to $2, scattered over all people:
// every other one belongs to one of the $3 regulars, the rest to anybody of $4.
func (c *crowd) entriesSQL() string {
	numbers, pad := `WITH RECURSIVE g (n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM g WHERE n < $2)`, `printf('%%012d', %s)`
	if c.db.Dialect() == store.Postgres {
		numbers, pad = `WITH g AS (SELECT n FROM generate_series(CAST($1 AS BIGINT), CAST($2 AS BIGINT)) AS s (n))`, `lpad(CAST(%s AS TEXT), 12, '0')`
	}
	who := fmt.Sprintf(pad, `CASE WHEN n % 2 = 0 THEN n / 2 % CAST($3 AS BIGINT) ELSE n * 7919 % CAST($4 AS BIGINT) END`)
	return `INSERT INTO patient_timeline (id, patient_id, at, kind, title, summary, department, doctor, source_id) ` + numbers + `
		SELECT '00000000-0000-7000-9000-' || ` + fmt.Sprintf(pad, "n") + `, '00000000-0000-7000-8000-' || ` + who + `, 1600000000000 + n * 1000,
		CASE n / 3 % 4 WHEN 0 THEN 'call' WHEN 1 THEN 'appointment' WHEN 2 THEN 'message' ELSE 'survey' END,
		'来电咨询预约挂号', '患者咨询内科门诊时间与挂号方式，已说明并发送短信。', 'dep-internal', 'doc-1', '' FROM g`
}
