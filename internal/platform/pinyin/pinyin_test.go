package pinyin

import "testing"

func TestReadingsPutTheSurnameReadingFirst(t *testing.T) {
	for name, want := range map[string]string{
		"曾小贤": "zeng xiaoxian", "单田芳": "shan tianfang", "仇英": "qiu ying", "查良镛": "zha liangyong",
		"解晓东": "xie xiaodong", "区志强": "ou zhiqiang", "翟天临": "zhai tianlin", "朴智星": "piao zhixing",
		"万俟雅言": "moqi yayan", "尉迟恭": "yuchi gong", "单于明": "chanyu ming", "欧阳修": "ouyang xiu",
		"覃海洋": "qin haiyang", "缪一飞": "miao yifei", "盖叫天": "ge jiaotian", "乐嘉": "yue jia",
		"任盈盈": "ren yingying", "华佗": "hua tuo", "吕布": "lv bu", "张伟": "zhang wei", "王芳": "wang fang",
		"诸葛亮": "zhuge liang", "欧阳": "ou yang", "李": "li", "刘乐": "liu le", "重阳": "chong yang",
		"过百龄": "guo bailing", "种师道": "chong shidao", "纪晓岚": "ji xiaolan", "贾宝玉": "jia baoyu",
		"员外": "yun wai", "葛优": "ge you", "艾力·买买提": "ailimaimaiti",
	} {
		t.Run(name, func(t *testing.T) {
			r := Readings(name)
			if len(r) == 0 {
				t.Fatal("no reading")
			}
			got := r[0].Full()
			if r[0].Surname == 0 {
				got = r[0].Joined()
			}
			if got != want {
				t.Errorf("read %q, want %q", got, want)
			}
		})
	}
}

func TestReadingsKeepAlternatesWithinBounds(t *testing.T) {
	has := func(name, joined string) bool {
		for _, r := range Readings(name) {
			if r.Joined() == joined {
				return true
			}
		}
		return false
	}
	for name, joined := range map[string]string{
		"曾小贤": "cengxiaoxian", "单乐": "danle", "刘乐": "liuyue", "解行": "jiehang", "朴茜": "puxi", "翟晟": "zhaicheng",
	} {
		if !has(name, joined) {
			t.Errorf("%s is not found as %s: %v", name, joined, Readings(name))
		}
	}
	if n := len(Readings("单乐行长朝重")); n != maxReadings {
		t.Errorf("kept %d readings of a name full of polyphones, want %d", n, maxReadings)
	}
	for _, name := range []string{"", "John Smith", "…", "123"} {
		if r := Readings(name); r != nil {
			t.Errorf("%q has readings %v", name, r)
		}
	}
}

func TestFuzzyFoldsWhatTheEarConfuses(t *testing.T) {
	for _, pair := range [][2]string{
		{"zhangwei", "zanwei"}, {"chenghong", "cenhong"}, {"shaning", "salin"}, {"huangfei", "fanghui"},
		{"liulan", "niunan"}, {"lvbu", "lubu"}, {"renmin", "lenmin"}, {"huafeng", "fahong"}, {"linna", "lingla"},
		{"hunan", "funan"}, {"fenhe", "hunhe"},
	} {
		if a, b := Fuzzy(pair[0]), Fuzzy(pair[1]); a != b {
			t.Errorf("%s → %s but %s → %s", pair[0], a, pair[1], b)
		}
	}
	if Fuzzy("zhangwei") == Fuzzy("zhaowei") {
		t.Error("unlike names fold together")
	}
}
