package policy

// Preset is a policy that a hospital has published, ready to be taken over.
type Preset struct {
	Code   string
	Name   string
	NameEN string
	Source string // where it was published
	Policy Policy
}

// common holds what the published texts leave open.
func common(p Policy) Policy {
	p.RealName = true
	p.HoldMinutes, p.OfferMinutes, p.OfferHours = 15, 30, 24
	p.ReminderHour, p.QuietFrom, p.QuietTo = "17:00", "21:00", "08:00"
	if p.Late.Kind == "" {
		p.Late = Late{Kind: LateKeep}
	}
	if p.Limits == nil {
		p.Limits = []Limit{}
	}
	today := Window{From: 0, To: p.Window.To}
	p.Channels = map[string]Window{"onsite": today, "kiosk": today} // numbers at the window are for today as well
	return p
}

// Default is the policy of a hospital that has not chosen one.
func Default() Policy { return Presets()[1].Policy }

// Presets are five published policies. A text that leaves something open is
// read in the patient's favour; docs/booking.md says how.
func Presets() []Preset {
	return []Preset{
		{Code: "two-weeks-adults", Name: "提前两周、限14岁以上", NameEN: "Two weeks ahead, from age 14", Source: "guahaoe c7fb5521", Policy: common(Policy{
			Window: Window{From: 1, To: 14}, Release: "06:30", MinAge: 14, Cancel: Deadline{Kind: StartOfDay},
			Penalties: []Penalty{
				{Events: []Event{NoShow}, Count: 3, Per: CalendarYear, Ban: Ban{Kind: ForMonths, N: 1}},
				{Events: []Event{Cancelled}, Count: 3, Per: CalendarMonth, Ban: Ban{Kind: ForMonths, N: 1}},
				{Events: []Event{SameDayRefund}, Count: 3, Per: CalendarMonth, Ban: Ban{Kind: ForMonths, N: 1}},
			}})},
		{Code: "four-weeks", Name: "提前四周、含当日", NameEN: "Four weeks ahead, today included", Source: "guahaoe f1dee171", Policy: common(Policy{
			Window: Window{From: 0, To: 28}, Release: "06:00",
			Limits:       []Limit{{Scope: PerDepartment, Per: CalendarDay, Count: 1}},
			Cancel:       Deadline{Kind: BeforeStart, Minutes: 30},
			CancelByType: map[string]Deadline{"expert": {Kind: BeforeStart, Minutes: 12 * 60}, "special": {Kind: BeforeStart, Minutes: 12 * 60}},
			Penalties: []Penalty{
				{Events: []Event{Cancelled}, Count: 3, Per: CalendarMonth, Ban: Ban{Kind: UntilMonthEnd}},
				{Events: []Event{NoShow}, Count: 3, Per: CalendarHalfYear, Ban: Ban{Kind: ForMonths, N: 6}},
			}})},
		{Code: "one-week-growing", Name: "提前一周、爽约逐次加重", NameEN: "One week ahead, growing bans", Source: "shhospital/114", Policy: common(Policy{
			Window: Window{From: 1, To: 7}, Release: "15:00", NextDayClose: "16:00",
			Cancel:    Deadline{Kind: PreviousWorkingDay, At: "16:00"},
			Penalties: []Penalty{{Events: []Event{NoShow}, Count: 1, Per: CalendarYear, Ban: Ban{Kind: DaysByOrdinal, N: 30}}}})},
		{Code: "late-half-hour", Name: "迟到半小时内有效", NameEN: "Half an hour late is fine", Source: "bankerbay", Policy: common(Policy{
			Window: Window{From: 0, To: 365}, Cancel: Deadline{Kind: BeforeStart}, Late: Late{Kind: LateMiss, GraceMinutes: 30},
			Penalties: []Penalty{{Events: []Event{NoShow}, Count: 3, Per: Rolling, Months: 3, Ban: Ban{Kind: ForMonths, N: 3}}}})},
		{Code: "one-week-monthly", Name: "提前一周、按月限次", NameEN: "One week ahead, monthly limit", Source: "hgsyiyuan", Policy: common(Policy{
			Window: Window{From: 0, To: 7}, Release: "07:00",
			Limits: []Limit{{Scope: PerDepartmentDoctor, Per: CalendarDay, Count: 1}},
			Cancel: Deadline{Kind: PreviousDay, At: "17:00"},
			Penalties: []Penalty{
				{Events: []Event{NoShow, Cancelled}, Count: 4, Per: CalendarMonth, Ban: Ban{Kind: UntilMonthEnd}},
			}})},
	}
}
