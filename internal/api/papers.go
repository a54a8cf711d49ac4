package api

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/ledger"
	"heartline/internal/platform/document"
	"heartline/internal/platform/identity"
)

// The words on papers that this edge prints, one file for each language.
//
//go:embed papers
var paperFiles embed.FS

// words are the texts of a language by key.
type words map[string]string

// paperWords reads the words of a language; anything but en is zh-CN.
func paperWords(lang string) (words, error) {
	if lang != "en" {
		lang = "zh-CN"
	}
	raw, err := paperFiles.ReadFile("papers/" + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("words of papers: %w", err)
	}
	w := words{}
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, fmt.Errorf("words of papers: %w", err)
	}
	return w, nil
}

// issuer is the hospital's name in a language.
func (s *Server) issuer(lang string) string {
	if lang == "en" && s.deps.About.NameEN != "" {
		return s.deps.About.NameEN
	}
	return s.deps.About.Name
}

// receiptPDF prints a receipt. Whoever may see receipts sees whose it is as
// far as they see names.
func (s *Server) receiptPDF(ctx context.Context, r ledger.Receipt, lang string) ([]byte, error) {
	w, err := paperWords(lang)
	if err != nil {
		return nil, err
	}
	t := r.Transaction
	who, _ := identity.From(ctx)
	name, code := "", ""
	if who.Has(identity.PatientRead) {
		cards, err := s.deps.Patients.Cards(ctx, []string{t.PatientID})
		if err != nil {
			return nil, err
		}
		name, code = cards[t.PatientID].Name, cards[t.PatientID].Code
	}
	p := document.NewPDF(document.Options{Title: w["receipt"], Issuer: s.issuer(lang), Note: w["receipt_note"], Page: document.A5(), PageLabel: "-",
		Created: r.IssuedAt})
	pairs := []document.Pair{{Key: w["receipt_number"], Value: r.Number}, {Key: w["patient"], Value: name}, {Key: w["patient_code"], Value: code},
		{Key: w["kind"], Value: w["kind."+string(t.Kind)]}, {Key: w["amount"], Value: yuan(t.Amount)}}
	if lang != "en" {
		pairs = append(pairs, document.Pair{Key: w["amount_words"], Value: yuanInWords(t.Amount)})
	}
	pairs = append(pairs, document.Pair{Key: w["method"], Value: w["method."+t.Method]}, document.Pair{Key: w["reference"], Value: paperReference(t)},
		document.Pair{Key: w["reason"], Value: t.Reason}, document.Pair{Key: w["at"], Value: s.local(t.At)},
		document.Pair{Key: w["balance"], Value: yuan(t.Available + t.Held)}, document.Pair{Key: w["by"], Value: t.ActorName},
		document.Pair{Key: w["issued_at"], Value: s.local(r.IssuedAt)})
	filled := pairs[:0]
	for _, x := range pairs {
		if x.Value != "" {
			filled = append(filled, x)
		}
	}
	p.Pairs(filled)
	p.Space(8)
	p.QR(r.Number, 72)
	return p.Bytes()
}

// paperReference is what a patient can use: the provider's number of a
// payment, not our own ids.
func paperReference(t ledger.Transaction) string {
	if t.Kind == ledger.TopUp {
		return t.Reference
	}
	return ""
}

func slipDoctor(w words, a KioskAppointment) string {
	return strings.TrimSpace(a.Doctor + " " + w["title."+a.DoctorTitle])
}

func slipPlace(a KioskAppointment) string {
	return strings.Join(strings.Fields(strings.Join([]string{a.Campus, a.Floor, a.Room}, " ")), " ")
}

func slipFee(w words, a KioskAppointment) string {
	switch {
	case a.FeeCents == 0:
		return w["fee_free"]
	case a.Paid:
		return yuan(a.FeeCents) + " " + w["fee_paid"]
	}
	return yuan(a.FeeCents) + " " + w["fee_due"]
}

func (s *Server) slipTime(a KioskAppointment) string {
	return a.StartAt.In(s.zone()).Format("2006-01-02 15:04") + "–" + a.EndAt.In(s.zone()).Format("15:04")
}

func slipNumber(w words, a KioskAppointment) string {
	if a.QueueNumber == 0 {
		return w["not_checked_in"]
	}
	return fmt.Sprintf("%03d", a.QueueNumber)
}

// slipPairs are the lines of a number slip.
func (s *Server) slipPairs(w words, a KioskAppointment, name string, now time.Time) []document.Pair {
	all := []document.Pair{{Key: w["patient"], Value: name}, {Key: w["department"], Value: a.Department}, {Key: w["doctor"], Value: slipDoctor(w, a)},
		{Key: w["time"], Value: s.slipTime(a)}, {Key: w["place"], Value: slipPlace(a)}, {Key: w["fee"], Value: slipFee(w, a)},
		{Key: w["code"], Value: a.Code}, {Key: w["printed_at"], Value: s.local(now)}}
	out := all[:0]
	for _, x := range all {
		if x.Value != "" {
			out = append(out, x)
		}
	}
	return out
}

// slipPDF prints a number slip on 80 mm paper.
func (s *Server) slipPDF(w words, a KioskAppointment, name, lang string, now time.Time) ([]byte, error) {
	p := document.NewPDF(document.Options{Title: w["slip"], Issuer: s.issuer(lang), Page: document.Ticket(440), PageLabel: "-", Created: now})
	p.Centre(w["queue"])
	p.Large(slipNumber(w, a), 54)
	p.Line()
	p.Pairs(s.slipPairs(w, a, name, now))
	p.QR(a.Code, 84)
	p.Note(w["slip_note"])
	return p.Bytes()
}

// slipESCPOS is the same for a receipt printer.
func (s *Server) slipESCPOS(w words, a KioskAppointment, name, lang string, now time.Time) []byte {
	p := document.NewSlip(48).Title(s.issuer(lang)).Centre(w["slip"]).Line().Centre(w["queue"]).Big(slipNumber(w, a)).Line()
	for _, x := range s.slipPairs(w, a, name, now) {
		p.Pair(x.Key, x.Value)
	}
	return p.Feed(1).QR(a.Code).Feed(1).Centre(w["slip_note"]).Cut().Bytes()
}

// paper answers with a file that a browser shows or prints.
func paper(mediaType, name string, data []byte) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", mediaType)
		hctx.SetHeader("Content-Disposition", `inline; filename="`+name+`"`)
		_, _ = hctx.BodyWriter().Write(data)
	}}
}

// yuan is an amount as papers print it.
func yuan(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s¥%d.%02d", sign, cents/100, cents%100)
}

// yuanInWords is an amount in the Chinese numerals of finance: 壹仟零贰拾元伍角整.
func yuanInWords(cents int64) string {
	const digits = "零壹贰叁肆伍陆柒捌玖"
	d := []rune(digits)
	var b strings.Builder
	if cents < 0 {
		b.WriteRune('负')
		cents = -cents
	}
	whole, jiao, fen := cents/100, cents/10%10, cents%10
	b.WriteString(integerInWords(whole, d))
	if whole > 0 || cents == 0 {
		b.WriteRune('元')
	}
	switch {
	case jiao == 0 && fen == 0:
		b.WriteRune('整')
	case fen == 0:
		b.WriteString(string(d[jiao]) + "角整")
	case jiao == 0 && whole > 0:
		b.WriteString("零" + string(d[fen]) + "分")
	case jiao == 0:
		b.WriteString(string(d[fen]) + "分")
	default:
		b.WriteString(string(d[jiao]) + "角" + string(d[fen]) + "分")
	}
	return b.String()
}

func integerInWords(n int64, d []rune) string {
	if n == 0 {
		return "零"
	}
	var b strings.Builder
	gap := false
	for _, g := range []struct {
		size int64
		unit string
	}{{1e12, "万亿"}, {1e8, "亿"}, {1e4, "万"}, {1, ""}} {
		part := n / g.size % 1e4
		if part == 0 {
			gap = b.Len() > 0
			continue
		}
		if b.Len() > 0 && (gap || part < 1000) {
			b.WriteRune('零')
		}
		b.WriteString(groupInWords(part, d) + g.unit)
		gap = false
	}
	return b.String()
}

// groupInWords writes four digits without leading zeros.
func groupInWords(n int64, d []rune) string {
	var b strings.Builder
	zero := false
	for i, size := range []int64{1000, 100, 10, 1} {
		x := n / size % 10
		if x == 0 {
			zero = b.Len() > 0
			continue
		}
		if zero {
			b.WriteRune('零')
			zero = false
		}
		b.WriteString(string(d[x]) + []string{"仟", "佰", "拾", ""}[i])
	}
	return b.String()
}
