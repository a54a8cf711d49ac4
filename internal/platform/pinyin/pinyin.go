// Package pinyin reads Chinese names aloud: surname readings first, the other
// living readings of polyphones kept, initials, and a folding of the sounds
// that are confused on the telephone. It is pure and knows no records.
package pinyin

import (
	"strings"
	"unicode"

	dict "github.com/mozillazg/go-pinyin"
)

// maxReadings bounds how many readings of one name are kept.
const maxReadings = 6

// surnameTable holds the surnames whose reading differs from the usual one of
// their character; ' separates syllables. The usual reading stays findable as
// an alternate.
const surnameTable = " 万俟:mo'qi 尉迟:yu'chi 单于:chan'yu 澹台:tan'tai 长孙:zhang'sun 宰父:zai'fu 令狐:ling'hu" +
	" 重:chong 秘:bi 冼:xian 华:hua 过:guo 纪:ji 燕:yan 种:chong 繁:po 幺:yao 覃:qin 缪:miao 瞿:qu 曾:zeng" +
	" 解:xie 折:she 那:na 佴:nai 粘:nian 藏:zang 扎:za 翟:zhai 都:du 六:lu 薄:bo 贾:jia 盖:ge 查:zha 盛:sheng" +
	" 和:he 柏:bai 朴:piao 牟:mou 殷:yin 乜:nie 乐:yue 阚:kan 叶:ye 车:che 区:ou 仇:qiu 宿:su 南:nan 单:shan" +
	" 卜:bu 殳:shu 於:yu 任:ren 召:shao 员:yun 郇:xun 郗:xi 洗:xian 祭:zhai 黑:he 钻:zuan 晟:cheng "

// compoundSurnames are the surnames of two characters in use.
const compoundSurnames = " 欧阳 上官 司马 司徒 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 长孙 宇文 夏侯 端木 百里 东郭 南宫" +
	" 西门 独孤 申屠 呼延 赫连 轩辕 澹台 濮阳 闻人 万俟 单于 淳于 公冶 太史 钟离 鲜于 闾丘 司空 拓跋 第五 宰父 公羊" +
	" 仲孙 左丘 谷梁 梁丘 微生 羊舌 "

// polyphones are characters of given names with more than one living reading,
// the more usual one first.
const polyphones = " 乐:le,yue 行:xing,hang 长:chang,zhang 朝:chao,zhao 重:chong,zhong 曾:zeng,ceng 单:dan,shan" +
	" 晟:sheng,cheng 茜:qian,xi 莞:guan,wan 柏:bai,bo 盛:sheng,cheng 少:shao 参:can,shen 传:chuan,zhuan" +
	" 和:he,huo 会:hui,kuai 降:jiang,xiang 校:xiao,jiao 觉:jue,jiao 落:luo,la 率:shuai,lv 强:qiang,jiang" +
	" 石:shi,dan 识:shi,zhi 鲜:xian 相:xiang 殷:yin,yan 员:yuan,yun 查:cha,zha 正:zheng 中:zhong 奇:qi,ji" +
	" 隽:juan,jun 娜:na,nuo 颉:jie,xie 朴:pu,piao 卓:zhuo 栎:li,yue 琢:zhuo,zuo 宓:mi,fu 圈:quan,juan" +
	" 祭:ji,zhai 贲:ben,bi 嘏:gu,jia 夏:xia 适:shi,kuo 炅:jiong,gui 旻:min 昕:xin 滕:teng 蕃:fan,bo" +
	" 陆:lu,liu 浚:jun,xun 漯:luo,ta 汤:tang,shang 洗:xi,xian 沈:shen,chen 缪:miao,mou 暴:bao,pu 葛:ge" +
	" 调:diao,tiao 畜:xu,chu 弹:tan,dan 属:shu,zhu 角:jiao,jue 量:liang 乾:qian,gan 婼:ruo,chuo 玮:wei" +
	" 珺:jun 昱:yu 翀:chong 芃:peng 琰:yan 禕:yi 祎:yi 甯:ning 妤:yu 堃:kun 喆:zhe 淼:miao 犇:ben 鑫:xin "

// Reading is one way to read a name aloud.
type Reading struct {
	Syllables []string // "zeng", "xiao", "xian"
	Surname   int      // how many syllables belong to the surname
}

// Full is the reading as people write it: surname, a space, given name.
func (r Reading) Full() string {
	if r.Surname <= 0 || r.Surname >= len(r.Syllables) {
		return strings.Join(r.Syllables, " ")
	}
	return strings.Join(r.Syllables[:r.Surname], "") + " " + strings.Join(r.Syllables[r.Surname:], "")
}

// Joined is the reading without spaces.
func (r Reading) Joined() string { return strings.Join(r.Syllables, "") }

// Given is the given name without spaces.
func (r Reading) Given() string {
	return strings.Join(r.Syllables[min(r.Surname, len(r.Syllables)):], "")
}

// Initials are the first letters of the syllables.
func (r Reading) Initials() string {
	b := make([]byte, 0, len(r.Syllables))
	for _, s := range r.Syllables {
		if s != "" {
			b = append(b, s[0])
		}
	}
	return string(b)
}

// Readings gives the ways to read a Chinese name, the right one (surname
// reading first) in front. A name without Chinese characters has none.
func Readings(name string) []Reading {
	runes := Han(name)
	if len(runes) == 0 {
		return nil
	}
	sur := SurnameLen(string(runes))
	if strings.ContainsAny(name, "·•.・") {
		sur = 0 // transcribed names of minorities and foreigners have no surname in front
	}
	choices := make([][]string, 0, len(runes))
	if sur > 0 {
		choices = append(choices, surnameChoices(runes[:sur])...)
	}
	for _, r := range runes[sur:] {
		choices = append(choices, charReadings(r))
	}
	out := combine(choices)
	for i := range out {
		out[i].Surname = sur
	}
	return out
}

// surnameChoices lists the readings of each character of a surname.
func surnameChoices(sur []rune) [][]string {
	out := make([][]string, len(sur))
	words := surnames[string(sur)]
	for i, r := range sur {
		usual := charReadings(r)
		if i < len(words) {
			usual = prepend(words[i], usual)
		}
		out[i] = usual
	}
	return out
}

func prepend(first string, rest []string) []string {
	out := []string{first}
	for _, s := range rest {
		if s != first {
			out = append(out, s)
		}
	}
	return out
}

// combine walks the choices with the first of each in front, bounded.
func combine(choices [][]string) []Reading {
	out := []Reading{{}}
	for _, c := range choices {
		next := make([]Reading, 0, len(out)*len(c))
		for _, s := range c {
			for _, r := range out {
				next = append(next, Reading{Syllables: append(r.Syllables[:len(r.Syllables):len(r.Syllables)], s)})
			}
		}
		out = next[:min(len(next), maxReadings)]
	}
	return out
}

// charReadings lists the readings of one character in a given name.
func charReadings(r rune) []string {
	if list, ok := givenNames[string(r)]; ok {
		return list
	}
	if py := dict.SinglePinyin(r, dict.Args{Style: dict.Normal}); len(py) > 0 && py[0] != "" {
		return []string{strings.ReplaceAll(py[0], "ü", "v")}
	}
	return []string{string(r)}
}

// SurnameLen is the number of characters of a Chinese name's surname.
func SurnameLen(name string) int {
	runes := []rune(name)
	if len(runes) >= 3 && strings.Contains(compoundSurnames, " "+string(runes[:2])+" ") {
		return 2
	}
	return min(1, len(runes))
}

// IsHan reports whether r is a Chinese character.
func IsHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// Han keeps the Chinese characters of s.
func Han(s string) []rune {
	var out []rune
	for _, r := range s {
		if IsHan(r) {
			out = append(out, r)
		}
	}
	return out
}

// Fuzzy folds the sounds that Chinese speakers confuse on the phone
// (zh/z, ch/c, sh/s, n/l, f/h before u, r/l, ng/n, ü/u), so that what was heard
// finds what was written.
func Fuzzy(joined string) string { return fuzzy.Replace(joined) }

// The tables below are built once and never changed.
var (
	surnames   = parseTable(surnameTable, "'")
	givenNames = parseTable(polyphones, ",")
	// fuzzy tries its pairs in order at each position, so longer sounds stand first.
	fuzzy = strings.NewReplacer("zh", "z", "ch", "c", "sh", "s", "hong", "fl", "feng", "fl", "fen", "fl",
		"fei", "fi", "hu", "f", "fu", "f", "ng", "l", "n", "l", "r", "l", "v", "u")
)

// parseTable reads " key:a,b key2:c" into lists.
func parseTable(text, sep string) map[string][]string {
	out := make(map[string][]string)
	for _, item := range strings.Fields(text) {
		key, list, _ := strings.Cut(item, ":")
		out[key] = strings.Split(list, sep)
	}
	return out
}

// Plain reads any Chinese text that is no name: usual readings joined, and
// their initials.
func Plain(text string) (joined, initials string) {
	var full, first strings.Builder
	for _, r := range Han(text) {
		s := usual(r)
		full.WriteString(s)
		first.WriteByte(s[0])
	}
	return full.String(), first.String()
}

// usual is the usual reading of one character outside names.
func usual(r rune) string {
	switch r { // the dictionary's first reading is not the usual one
	case '行':
		return "xing"
	case '重':
		return "zhong"
	}
	if py := dict.SinglePinyin(r, dict.Args{Style: dict.Normal}); len(py) > 0 && py[0] != "" {
		return strings.ReplaceAll(py[0], "ü", "v")
	}
	return "?"
}
