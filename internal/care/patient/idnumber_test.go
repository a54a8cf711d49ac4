package patient

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseID(t *testing.T) {
	for name, c := range map[string]struct{ kind, in, number, birth, sex, key string }{
		"standard vector":      {IDCard, "440308199901101512", "440308199901101512", "1999-01-10", Male, ""},
		"small x":              {IDCard, "11010519491231002x", "11010519491231002X", "1949-12-31", Female, ""},
		"full width":           {IDCard, "４４０３０８１９９９０１１０１５１２", "440308199901101512", "1999-01-10", Male, ""},
		"spaces":               {IDCard, " 440308 19990110 1512 ", "440308199901101512", "1999-01-10", Male, ""},
		"fifteen":              {IDCard, "440308990110151", "440308199901101512", "1999-01-10", Male, ""},
		"wrong check":          {IDCard, "440308199901101513", "", "", "", "patient.id_card_check_digit"},
		"swapped":              {IDCard, "440308199910101512", "", "", "", "patient.id_card_check_digit"},
		"february 30":          {IDCard, idNumber("44030819990230151"), "", "", "", "patient.id_card_birth_date"},
		"future":               {IDCard, idNumber("44030820990110151"), "", "", "", "patient.id_card_birth_date"},
		"abolished area":       {IDCard, idNumber("11010319990110151"), idNumber("11010319990110151"), "1999-01-10", Male, ""},
		"letters":              {IDCard, "44030819990110A512", "", "", "", "patient.id_card_invalid"},
		"empty":                {IDCard, "", "", "", "", "patient.id_card_invalid"},
		"arabic digits":        {IDCard, "٤٤٠٣٠٨١٩٩٩٠١١٠١٥١٢", "", "", "", "patient.id_card_invalid"},
		"hong kong residence":  {Residence, idNumber("81000019900101001"), idNumber("81000019900101001"), "1990-01-01", Male, ""},
		"macao residence":      {Residence, idNumber("82000019900101002"), idNumber("82000019900101002"), "1990-01-01", Female, ""},
		"foreign permanent":    {Residence, idNumber("91100019800203004"), idNumber("91100019800203004"), "1980-02-03", Female, ""},
		"old permanent card":   {Residence, "usa110000000000"[:3] + "123456789012", "USA123456789012", "", "", ""},
		"citizen as residence": {Residence, "440308199901101512", "", "", "", "patient.id_residence_invalid"},
		"hong kong pass":       {HKMacao, "h12345678", "H12345678", "", "", ""},
		"macao pass, old":      {HKMacao, "M1234567801", "M1234567801", "", "", ""},
		"bad pass":             {HKMacao, "A12345678", "", "", "", "patient.id_hk_macao_invalid"},
		"taiwan pass":          {Taiwan, "12345678", "12345678", "", "", ""},
		"short taiwan pass":    {Taiwan, "1234567", "", "", "", "patient.id_taiwan_invalid"},
		"passport":             {Passport, "e-1234 5678", "E12345678", "", "", ""},
		"passport with signs":  {Passport, "E1234;DROP", "", "", "", "patient.id_passport_invalid"},
		"bank card":            {BankCard, "4111 1111 1111 1111", "4111111111111111", "", "", ""},
		"bank card mistyped":   {BankCard, "4111111111111112", "", "", "", "patient.id_bank_card_invalid"},
		"unknown type":         {"library", "1", "", "", "", "patient.id_type_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			info, key := ParseID(c.kind, c.in, testNow())
			if key != c.key {
				t.Fatalf("key %q, want %q", key, c.key)
			}
			if key == "" && (info.Number != c.number || info.BirthDate != c.birth || info.Sex != c.sex) {
				t.Errorf("read %+v", info)
			}
		})
	}
}

func TestCheckDigitCatchesEverySingleErrorAndSwap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1920, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 38000).Draw(t, "day"))
		id := idNumber(fmt.Sprintf("%06d%s%03d", rapid.IntRange(110000, 659999).Draw(t, "area"), day.Format("20060102"), rapid.IntRange(0, 999).Draw(t, "order")))
		info, key := ParseID(IDCard, id, testNow())
		if key != "" || info.BirthDate != day.Format(time.DateOnly) {
			t.Fatalf("%s: %s %+v", id, key, info)
		}
		at, digit := rapid.IntRange(0, 16).Draw(t, "at"), byte('0'+rapid.IntRange(0, 9).Draw(t, "digit"))
		wrong := []byte(id)
		wrong[at] = digit
		if string(wrong) != id {
			if _, key := ParseID(IDCard, string(wrong), testNow()); key == "" {
				t.Fatalf("%s passed for %s", wrong, id)
			}
		}
		i := rapid.IntRange(0, 15).Draw(t, "swap")
		swapped := []byte(id)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		if string(swapped) != id {
			if _, key := ParseID(IDCard, string(swapped), testNow()); key == "" {
				t.Fatalf("%s passed for %s", swapped, id)
			}
		}
		if id[6:8] == "19" {
			if old, key := ParseID(IDCard, id[:6]+id[8:17], testNow()); key != "" || old.Number != id {
				t.Fatalf("15 digits of %s became %s", id, old.Number)
			}
		}
	})
}

func TestNormalisePhone(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000": "13800138000", "+8613800138000": "13800138000", "86 138 0013 8000": "13800138000",
		"013800138000": "13800138000", "0086-13800138000": "13800138000", "１３８００１３８０００": "13800138000",
		"027-88880000": "02788880000", "+86 27 8888 0000": "02788880000", "010 12345678": "01012345678",
		"88880000": "88880000", "+1 (415) 555-2671": "+14155552671", "00441632960961": "+441632960961", "0755-8888000": "07558888000",
	} {
		if got, ok := NormalisePhone(in); !ok || got != want {
			t.Errorf("%s became %s (%v), want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "x", "12", "+", "+0123456789", "+86000000000", strings.Repeat("9", 40),
		"110", "120", "999", "8001", "12345", "10086", "95588", "96166", "+8696166", "4008001234", "8008101234", "12013800138000", "123456789", "0271234"} {
		if got, ok := NormalisePhone(in); ok {
			t.Errorf("%q passed as %s", in, got)
		}
	}
}

func FuzzNumbers(f *testing.F) {
	f.Add("440308199901101512")
	f.Add("+86 138 0013 8000")
	f.Fuzz(func(t *testing.T, s string) {
		for _, kind := range []string{IDCard, Residence, Passport, HKMacao, Taiwan, BankCard, Insurance, Newborn} {
			info, key := ParseID(kind, s, testNow())
			if key == "" {
				if again, k := ParseID(kind, info.Number, testNow()); k != "" || again.Number != info.Number {
					t.Errorf("%s: normal form %q is not stable", kind, info.Number)
				}
			}
		}
		if n, ok := NormalisePhone(s); ok {
			if again, ok := NormalisePhone(n); !ok || again != n {
				t.Errorf("phone %q is not stable: %q", n, again)
			}
		}
		_ = MaskID(s)
		_ = MaskPhone(s)
		_ = MaskName(s)
		_ = parseQuery(s)
	})
}
