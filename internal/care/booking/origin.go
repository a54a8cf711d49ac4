package booking

import (
	"strings"
	"time"
	"unicode/utf8"

	"heartline/internal/platform/errs"
)

// Origin is the paper behind a recorded request: the letter, e-mail, fax or
// referral slip that staff booked from and that can be asked for later.
type Origin struct {
	Reference  string // its number and sender, as it is filed
	ReceivedOn string // ISO date in the hospital's zone
}

// longestReference is how many characters a reference may have.
const longestReference = 120

// Recorded reports whether appointments of a channel rest on a paper, and
// whether none may be booked without naming it: other hospitals also refer by
// telephone.
func (c Channel) Recorded() (may, must bool) {
	switch c {
	case ChannelMail, ChannelFax:
		return true, true
	case ChannelReferral:
		return true, false
	}
	return false, false
}

// checkOrigin refuses a request that came on paper without saying on which,
// and a paper of tomorrow.
func (s *Service) checkOrigin(f *errs.Fields, c Channel, o *Origin) {
	o.Reference = strings.Join(strings.Fields(o.Reference), " ")
	may, must := c.Recorded()
	switch {
	case *o == Origin{} && !must:
		return
	case !may:
		f.Add("reference", "booking.reference_channel")
		return
	case utf8.RuneCountInString(o.Reference) < 2:
		f.Add("reference", "required")
	default:
		checkText(f, "reference", o.Reference, longestReference)
	}
	if o.ReceivedOn == "" {
		f.Add("received_on", "required")
		return
	}
	day, err := time.ParseInLocation(time.DateOnly, o.ReceivedOn, s.zone)
	switch {
	case err != nil:
		f.Add("received_on", "booking.date_invalid")
	case day.After(s.today()):
		f.Add("received_on", "booking.received_future")
	case day.Before(s.today().AddDate(0, 0, -longestAhead)):
		f.Add("received_on", "out_of_range")
	}
}

// on adds a paper to the detail of an entry, if there is one.
func (o Origin) on(detail map[string]any) map[string]any {
	if o == (Origin{}) {
		return detail
	}
	if detail == nil {
		detail = map[string]any{}
	}
	detail["reference"], detail["received_on"] = o.Reference, o.ReceivedOn
	return detail
}
