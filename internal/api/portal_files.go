package api

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/boombuler/barcode/qr"
	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/booking"
)

// portalAppointmentQR draws the appointment's code for the kiosk's reader.
func (s *Server) portalAppointmentQR(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	a, _, err := s.ownAppointment(ctx, in.ID, "portal.appointment")
	if err != nil {
		return nil, err
	}
	svg, err := qrSVG(a.Code)
	if err != nil {
		return nil, err
	}
	return file("image/svg+xml", "", svg), nil
}

// qrSVG draws a text as a QR code with the quiet zone that readers want.
func qrSVG(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	const quiet = 4
	n := code.Bounds().Dx()
	var path strings.Builder
	for y := range n {
		for x := range n {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	side := n + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		side, side, side, side, path.String()), nil
}

// file answers with a small file; with a name the browser saves it.
func file(kind, name, body string) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", kind)
		hctx.SetHeader("Cache-Control", "no-store")
		if kind == "image/svg+xml" {
			hctx.SetHeader("Content-Security-Policy", "default-src 'none'; sandbox")
		}
		if name != "" {
			hctx.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		}
		_, _ = hctx.BodyWriter().Write([]byte(body))
	}}
}

// portalAppointmentCalendar gives the appointment as a calendar entry. It
// names the department and the place, not the person.
func (s *Server) portalAppointmentCalendar(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	a, _, err := s.ownAppointment(ctx, in.ID, "portal.appointment")
	if err != nil {
		return nil, err
	}
	view, err := s.appointmentViewer(ctx, a)
	if err != nil {
		return nil, err
	}
	return file("text/calendar; charset=utf-8", "appointment.ics", calendarEntry(view(a), a, s.deps.About, s.now())), nil
}

// calendarEntry writes an iCalendar object (RFC 5545).
func calendarEntry(v PortalAppointment, a booking.Appointment, about About, now time.Time) string {
	const stamp = "20060102T150405Z"
	title := strings.TrimSpace(v.Department + " " + v.Doctor)
	where := strings.TrimSpace(strings.Join([]string{about.Name, v.Campus, v.Floor, v.Room}, " "))
	status := "CONFIRMED"
	if !a.State.Active() {
		status = "CANCELLED"
	}
	lines := []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Heartline//portal//ZH", "METHOD:PUBLISH", "BEGIN:VEVENT",
		"UID:" + a.ID + "@heartline", fmt.Sprintf("SEQUENCE:%d", a.Version), "DTSTAMP:" + now.UTC().Format(stamp),
		"DTSTART:" + a.StartAt.UTC().Format(stamp), "DTEND:" + a.EndAt.UTC().Format(stamp),
		"SUMMARY:" + icsText(title), "LOCATION:" + icsText(where), "DESCRIPTION:" + icsText(v.Code+"\n"+v.Transit), "STATUS:" + status,
		"BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:" + icsText(title), "TRIGGER:-PT2H", "END:VALARM",
		"END:VEVENT", "END:VCALENDAR",
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(icsFold(l))
		b.WriteString("\r\n")
	}
	return b.String()
}

func icsText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r", "", "\n", `\n`).Replace(s)
}

// icsFold breaks a line so that none is longer than 75 octets, between characters.
func icsFold(line string) string {
	var b strings.Builder
	n := 0
	for _, r := range line {
		size := utf8.RuneLen(r)
		if n+size > 74 {
			b.WriteString("\r\n ")
			n = 1
		}
		b.WriteRune(r)
		n += size
	}
	return b.String()
}
