package patient

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// crowd is a small town with the names that searches get wrong.
func crowd(f fixture, t testing.TB) {
	t.Helper()
	names := []string{
		"曾小贤", "单田芳", "仇英杰", "查海生", "解晓东", "区志强", "翟天亮", "朴智星", "万俟雅言", "尉迟建国", "欧阳娜娜", "覃海洋",
		"张晓明", "章小明", "张小敏", "王晓明", "李娜", "李楠", "刘乐", "吕薇", "陆伟", "黄飞鸿", "王芳", "王方", "任盈盈", "宁静",
		"艾力·买买提", "古丽娜扎尔·艾山", "乐嘉", "重阳", "诸葛亮亮", "张伟", "张炜", "赵倩茜", "陈辰", "程成", "任玉",
	}
	for i, n := range names {
		f.create(t, Patient{Name: n, BirthDate: fmt.Sprintf("%d-0%d-1%d", 1950+i, i%9+1, i%10),
			Phones: []Phone{{Number: fmt.Sprintf("138%08d", 27000000+i*1111)}}})
	}
	f.create(t, Patient{Name: "约翰·史密斯", NameLatin: "John Smith", Nationality: "GB", Language: "en", Identifiers: []Identifier{{Type: Passport, Value: "E12345678"}}})
	f.create(t, Patient{Name: "José García-López", Nationality: "ES", Identifiers: []Identifier{{Type: HKMacao, Value: "M12345678"}}})
	f.create(t, Patient{Name: "Nguyễn Thị Hoa", Nationality: "VN"})
	mother := f.create(t, Patient{Name: "孙丽", Identifiers: []Identifier{{Type: IDCard, Value: idNumber("11010519900307002")}, {Type: BankCard, Value: "4111111111111111"}}})
	f.create(t, Patient{Name: "孙丽之女", GuardianID: mother.ID, BirthDate: "2026-11-01", Identifiers: []Identifier{{Type: Newborn}}})
}

func TestSearchFindsTheRightPersonFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		crowd(f, t)
		for _, c := range []struct{ q, name, match string }{
			// names in characters
			{"张晓明", "张晓明", MatchName}, {"晓明", "张晓明|王晓明", MatchName}, {"张晓", "张晓明", MatchName}, {" 张 晓 明 ", "张晓明", MatchName},
			{"明张晓", "张晓明", MatchName}, {"晓明张", "张晓明", MatchName}, {"张明", "张晓明|章小明", ""}, {"买买提", "艾力·买买提", MatchName},
			{"艾力买买提", "艾力·买买提", MatchName}, {"欧阳", "欧阳娜娜", MatchName}, {"娜娜", "欧阳娜娜", MatchName},
			// polyphone surnames, right and common reading
			{"zengxiaoxian", "曾小贤", MatchPinyin}, {"cengxiaoxian", "曾小贤", MatchPinyin}, {"shan tianfang", "单田芳", MatchPinyin},
			{"dantianfang", "单田芳", ""}, {"qiuyingjie", "仇英杰", MatchPinyin}, {"chouyingjie", "仇英杰", ""}, {"zhahaisheng", "查海生", MatchPinyin},
			{"xiexiaodong", "解晓东", MatchPinyin}, {"ouzhiqiang", "区志强", MatchPinyin}, {"zhaitianliang", "翟天亮", MatchPinyin},
			{"piaozhixing", "朴智星", MatchPinyin}, {"moqiyayan", "万俟雅言", MatchPinyin}, {"yuchijianguo", "尉迟建国", MatchPinyin},
			{"qinhaiyang", "覃海洋", MatchPinyin}, {"liule", "刘乐", MatchPinyin}, {"liuyue", "刘乐", MatchPinyin}, {"yuejia", "乐嘉", MatchPinyin},
			{"zhaoqianqian", "赵倩茜", MatchPinyin}, {"zhaoqianxi", "赵倩茜", MatchPinyin},
			// ü in every spelling
			{"lvwei", "吕薇", MatchPinyin}, {"lüwei", "吕薇", MatchPinyin}, {"lyu wei", "吕薇", MatchPinyin}, {"luwei", "陆伟", MatchPinyin},
			// letters that only look like ü
			{"renyu", "任玉", MatchPinyin}, {"yu ren", "任玉", MatchPinyin}, {"任yu", "任玉", MatchPinyin},
			// initials, prefixes, wrong order, case, width
			{"zxx", "曾小贤", MatchInitials}, {"ZXX", "曾小贤", MatchInitials}, {"stf", "单田芳", MatchInitials}, {"oynn", "欧阳娜娜", MatchInitials},
			{"zengxiao", "曾小贤", MatchPinyin}, {"xiaoxian", "曾小贤", MatchPinyin}, {"xiaoxian zeng", "曾小贤", MatchPinyin}, {"na li", "李娜", MatchPinyin},
			{"ｚｅｎｇ　ｘｉａｏｘｉａｎ", "曾小贤", MatchPinyin}, {"huang fh", "黄飞鸿", MatchInitials}, {"黄fh", "黄飞鸿", MatchInitials}, {"黄feihong", "黄飞鸿", MatchPinyin},
			// what the ear hears and the finger misses
			{"王晓鸣", "王晓明", MatchPinyin}, {"黄灰烘", "黄飞鸿", MatchFuzzy}, {"fangfeihong", "黄飞鸿", MatchFuzzy}, {"lenyinyin", "任盈盈", MatchFuzzy},
			{"ninjin", "宁静", MatchFuzzy}, {"hunagfeihong", "黄飞鸿", MatchFuzzy}, {"huangfeihng", "黄飞鸿", MatchFuzzy}, {"诸葛量亮", "诸葛亮亮", ""},
			{"区智强", "区志强", MatchPinyin}, {"曾大贤", "曾小贤", MatchFuzzy},
			// Latin names
			{"smith", "约翰·史密斯", MatchLatin}, {"John Smith", "约翰·史密斯", MatchLatin}, {"smith john", "约翰·史密斯", MatchLatin}, {"jonh smith", "约翰·史密斯", ""},
			{"garcia", "José García-López", MatchLatin}, {"jose lopez", "José García-López", MatchLatin}, {"nguyen", "Nguyễn Thị Hoa", MatchLatin},
			// numbers
			{"13827000000", "曾小贤", MatchPhone}, {"138 2700 0000", "曾小贤", MatchPhone}, {"+86 138-2700-1111", "单田芳", MatchPhone},
			{"27002222", "仇英杰", MatchPhoneTail}, {"002222", "仇英杰", MatchPhoneTail}, {"3333", "查海生", MatchPhoneTail},
			{idNumber("11010519900307002"), "孙丽", MatchID}, {"e12345678", "约翰·史密斯", MatchID}, {"m 12345678", "José García-López", MatchID},
			{"4111 1111 1111 1111", "孙丽", MatchID}, {"P00000018", "曾小贤", MatchCode}, {"p00000018", "曾小贤", MatchCode},
			// a name narrowed down
			{"张伟 1981", "张伟", MatchName}, {"zhangwei 1982", "张炜", MatchPinyin}, {"曾小贤 0000", "曾小贤", MatchName}, {"小贤1950", "曾小贤", MatchName},
		} {
			hits, err := f.Search(f.ctx, c.q, 10)
			if err != nil {
				t.Fatalf("%s: %v", c.q, err)
			}
			if len(hits) == 0 {
				t.Errorf("%q found nobody, want %s", c.q, c.name)
				continue
			}
			if !strings.Contains("|"+c.name+"|", "|"+hits[0].Name+"|") || (c.match != "" && hits[0].Match != c.match) {
				t.Errorf("%q found %s by %s first, want %s by %s", c.q, hits[0].Name, hits[0].Match, c.name, c.match)
			}
		}
	})
}

func TestSearchKeepsToItsBounds(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	crowd(f, t)
	for _, q := range []string{" ", "1", "12", "?", "%", "_", "'; DROP TABLE patients; --", "\x00", "\xff\xfe", "😀", strings.Repeat("张", 5000),
		strings.Repeat("zhang ", 1000), strings.Repeat("1", 5000), "不存在的人", "qqqqq", "99999", "13700000000", "*", "''''", "·", "''張'", "-"} {
		hits, err := f.Search(f.ctx, q, 1000)
		if err != nil {
			t.Errorf("%.20q: %v", q, err)
		}
		if len(hits) > maxHits {
			t.Errorf("%.20q: %d hits", q, len(hits))
		}
		if hits == nil {
			t.Errorf("%.20q: nil instead of an empty list", q)
		}
	}
	for _, q := range []string{"张伟 1899", "不存在", "qqqqq", "13700000000"} {
		if hits, _ := f.Search(f.ctx, q, 10); len(hits) != 0 {
			t.Errorf("%q found %s", q, hits[0].Name)
		}
	}
	hits, err := f.Search(f.masked, "曾小贤", 10)
	if err != nil || len(hits) == 0 || hits[0].Name != "曾**" || hits[0].Phone != "138****0000" {
		t.Errorf("masked hits %+v %v", hits, err)
	}
	newborn, err := f.Search(f.ctx, idNumber("11010519900307002"), 10)
	if err != nil || len(newborn) != 2 || newborn[1].Name != "孙丽之女" {
		t.Errorf("newborn under the mother's document: %+v %v", newborn, err)
	}
	if _, err := f.Search(identity.With(f.ctx, identity.Principal{UserID: "x"}), "张", 1); err == nil {
		t.Error("searched without right")
	}
}

// town fills a database with n generated people, fast.
func town(b *testing.B, f fixture, n int) {
	b.Helper()
	sur := []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段漕钱汤尹黎易常武乔贺赖龚文")
	giv := []rune("伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂华建国志文玉梅红春海云峰龙飞鹏晓小雪琳佳俊宇浩子轩雨欣怡梓涵思睿博嘉诗语晨阳")
	r := rand.New(rand.NewPCG(1, 2))
	for at := 0; at < n; at += 100000 {
		batch := Batch{}
		for i := range min(100000, n-at) {
			name := string(sur[r.IntN(len(sur))]) + string(giv[r.IntN(len(giv))])
			if r.IntN(10) < 8 {
				name += string(giv[r.IntN(len(giv))])
			}
			day := time.Date(1930, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(35000))
			batch.Patients = append(batch.Patients, Patient{Name: name, BirthDate: day.Format(time.DateOnly), Sex: Male,
				Phones:      []Phone{{Number: fmt.Sprintf("13%09d", (at+i)/2*7)}}, // every number shared by two
				Identifiers: []Identifier{{Type: MedicalCard, Value: strconv.Itoa(10000000 + at + i)}}})
		}
		if err := f.Import(f.ctx, batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTown measures what an agent waits for. HEARTLINE_BENCH_PATIENTS
// sets the size of the town.
func BenchmarkTown(b *testing.B) {
	n := 20000
	if v, err := strconv.Atoi(os.Getenv("HEARTLINE_BENCH_PATIENTS")); err == nil {
		n = v
	}
	f := newFixture(b, storetest.SQLite(b))
	began := time.Now()
	town(b, f, n)
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "people/s")
	b.Run("pop", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			pop, err := f.Pop(f.ctx, fmt.Sprintf("13%09d", (i*7919%n)/2*7))
			if err != nil || len(pop.Candidates) != 2 {
				b.Fatal(pop, err)
			}
		}
	})
	for _, q := range []string{"13000000007", "0007", "王伟", "王", "张晓", "wangwei", "wang wei", "ww", "w", "zxm", "张xm", "wagnwei", "王伟 1985", "不存在者", "zhangsanfengxyz"} {
		b.Run("search/"+q, func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Search(f.ctx, q, 20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
