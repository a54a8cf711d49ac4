package document_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"heartline/internal/platform/document"
)

func sample(t testing.TB) []byte {
	t.Helper()
	p := document.NewPDF(document.Options{Title: "预约挂号收据 Receipt", Issuer: "爱心医院", Note: "本收据不作报销凭证", Watermark: "仅供本人 2026-11-22",
		PageLabel: "第 %d 页 共 %d 页", Created: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)})
	p.Heading("患者信息")
	p.Pairs([]document.Pair{{"姓名", "朱镕喆"}, {"过敏史", "青霉素 Penicillin、磺胺类"},
		{"说明", strings.Repeat("请提前三十分钟到达门诊大厅自助机签到，", 12) + "携带 ID card。"}})
	p.Heading("费用明细")
	rows := [][]string{}
	for i := range 70 {
		rows = append(rows, []string{fmt.Sprintf("2026-11-%02d", i%30+1), "心血管内科 专家号", fmt.Sprintf("%d.00", i*7)})
	}
	p.Table([]document.Column{{Title: "日期", Width: 2}, {Title: "项目", Width: 4}, {Title: "金额 ¥", Width: 2, Right: true}}, rows)
	p.Large("A023", 60)
	p.QR("12345678", 90)
	p.Text("生僻字：犇骉堃；表外字：\U00020000。")
	data, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// textOf reads a PDF with another program.
func textOf(t testing.TB, pdf []byte) string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext (poppler-utils) is not here: scripts/peers.sh installs it")
	}
	file := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-raw", file, "-").CombinedOutput()
	if err != nil {
		t.Fatalf("pdftotext: %v %s", err, out)
	}
	return strings.Join(strings.Fields(string(out)), "") // spaces are guessed from gaps
}

func TestChineseTextIsFoundAgain(t *testing.T) {
	pdf := sample(t)
	if keep := os.Getenv("HEARTLINE_KEEP_PDF"); keep != "" {
		if err := os.WriteFile(keep, pdf, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := textOf(t, pdf)
	for _, want := range []string{"预约挂号收据 Receipt", "爱心医院", "朱镕喆", "青霉素 Penicillin、磺胺类", "携带 ID card。", "心血管内科 专家号", "483.00",
		"A023", "犇骉堃", "表外字：〓", "第 1 页 共 3 页", "第 3 页 共 3 页", "仅供本人 2026-11-22", "本收据不作报销凭证"} {
		if !strings.Contains(text, strings.ReplaceAll(want, " ", "")) {
			t.Errorf("%q is not in the paper:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "金额¥"); n != 3 {
		t.Errorf("the head of the table is on %d pages", n)
	}
	if len(pdf) > 200_000 {
		t.Errorf("%d bytes: the font is not reduced to what is used", len(pdf))
	}
}

func TestAnyTextIsSafe(t *testing.T) {
	p := document.NewPDF(document.Options{Title: "x\x00\x1b[31m\u202e", Page: document.A5()})
	p.Text("a\x07b\u200bc\xff" + strings.Repeat("很长", 4000) + strings.Repeat("w", 5000))
	p.Pairs([]document.Pair{{strings.Repeat("键", 300), ""}, {"", strings.Repeat("值\n", 200)}})
	p.Table([]document.Column{{Title: "a", Width: 1}, {Title: "b", Width: 1}}, [][]string{{strings.Repeat("格", 9000)}, {"1", "2", "3"}, {}})
	p.Large(strings.Repeat("大", 100), 90)
	pdf, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := textOf(t, pdf)
	if !strings.Contains(text, "abc〓") || strings.ContainsAny(text, "\x1b\x07\u202e") {
		t.Fatalf("%.200q", text)
	}
	empty := document.NewPDF(document.Options{})
	empty.Table(nil, nil)
	if _, err := empty.Bytes(); err == nil {
		t.Fatal("a table without columns was written")
	}
	if _, err := document.NewPDF(document.Options{}).Bytes(); err != nil {
		t.Fatalf("an empty paper: %v", err)
	}
}

func TestPapersAreWrittenAtTheSameTime(t *testing.T) {
	want := len(sample(t))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if n := len(sample(t)); n != want {
				t.Errorf("%d bytes, alone %d", n, want)
			}
		})
	}
	all.Wait()
}

func TestSlip(t *testing.T) {
	s := document.NewSlip(32).Title("爱心医院").Pair("科室", "心血管内科门诊三楼东侧第十二诊室（请走二号电梯）").Line().Big("A023").
		Text("就诊请\x1b@出示\U00020000").QR("12345678").Barcode("12345678{\x00").Barcode("").Cut()
	b := s.Bytes()
	text, err := simplifiedchinese.GBK.NewDecoder().Bytes(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"爱心医院", "科室      心血管内科", "A023", "就诊请@出示〓"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not on the slip %q", want, text)
		}
	}
	for name, want := range map[string][]byte{
		"reset and Chinese mode": {0x1b, '@', 0x1c, '&'},
		"QR data":                append([]byte{0x1d, '(', 'k', 11, 0, '1', 'P', '0'}, "12345678"...),
		"QR print":               {0x1d, '(', 'k', 3, 0, '1', 'Q', '0'},
		"barcode":                append([]byte{0x1d, 'k', 73, 10, '{', 'B'}, "12345678"...),
		"cut":                    {0x1d, 'V', 66, 24},
	} {
		if !bytes.Contains(b, want) {
			t.Errorf("%s is missing", name)
		}
	}
	if n := bytes.Count(b, []byte{0x1b, '@'}); n != 1 {
		t.Errorf("text reset the printer: %d", n)
	}
}

func FuzzSlipText(f *testing.F) {
	for _, s := range []string{"张*", "\x1b@", "\x1dV\x00", "〓\x1a", "\xff\xfe", "😀"} {
		f.Add(s)
	}
	plain := document.NewSlip(32).Bytes()
	f.Fuzz(func(t *testing.T, s string) {
		b := document.NewSlip(32).Text(s).Bytes()[len(plain):]
		for i := 0; i < len(b); i++ {
			if b[i] >= 0x81 && i+1 < len(b) { // a pair of GBK
				i++
				continue
			}
			if b[i] < ' ' && b[i] != '\n' {
				t.Fatalf("%q sends %#x to the printer", s, b[i])
			}
		}
	})
}

func BenchmarkPDF(b *testing.B) {
	for b.Loop() {
		sample(b)
	}
}
