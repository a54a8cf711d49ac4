package kpi

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The worked day of the published definitions: 100 calls, 70 answered within
// 20 s, 15 later, 10 abandoned within 5 s, 5 abandoned late.
func TestServiceLevelOfTheWorkedDay(t *testing.T) {
	g := Goals{ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}
	var day Tally
	add := func(n int, r Result, s int) {
		for range n {
			day.AddWait(Wait{Result: r, Waited: time.Duration(s) * time.Second}, g)
		}
	}
	add(70, Answered, 12)
	add(15, Answered, 40)
	add(10, Abandoned, 5)
	add(5, Abandoned, 60)
	for d, want := range map[Definition]float64{OfAnswered: 82.4, AbandonedMet: 80, ExShort: 77.8, OfAll: 70} {
		got, ok := day.ServiceLevel(d)
		if !ok || math.Abs(got*100-want) > 0.05 {
			t.Errorf("%s: %.2f %%, want %.1f", d, got*100, want)
		}
	}
	if asa, _ := day.ASA(); asa != (70*12+15*40)*time.Second/85 {
		t.Errorf("ASA %v", asa)
	}
	if r, _ := day.AbandonRate(); math.Abs(r-5.0/90) > 1e-9 {
		t.Errorf("abandonment %v", r)
	}
	if r, _ := day.AnswerIn15s(); math.Abs(r-70.0/85) > 1e-9 {
		t.Errorf("GB 15 s %v", r)
	}
	if r, _ := day.Connection(); r != 0.85 || r >= GBMinConnection {
		t.Errorf("connection %v", r)
	}
	if n, _ := day.PerHour(8 * time.Hour); n != 12.5 {
		t.Errorf("per hour %v", n)
	}
	if !day.Balanced() || day.LongestWait != time.Minute {
		t.Errorf("%+v", day)
	}
}

func TestHandlingTimeCountsATransferredCallOnce(t *testing.T) {
	var y Tally
	y.AddPart(Part{Talk: 100 * time.Second, Hold: 20 * time.Second, Wrap: 30 * time.Second}, true)
	y.AddPart(Part{Talk: 50 * time.Second}, false)
	y.AddPart(Part{Talk: 100 * time.Second}, true)
	if aht, ok := y.AHT(); !ok || aht != 150*time.Second || y.Handled != 2 || y.Parts != 3 {
		t.Fatalf("AHT %v, %+v", aht, y)
	}
}

func TestNothingToDivideBy(t *testing.T) {
	var y Tally
	for _, d := range Definitions() {
		if _, ok := y.ServiceLevel(d); ok {
			t.Errorf("%s of nothing", d)
		}
	}
	_, asa := y.ASA()
	_, aht := y.AHT()
	_, ab := y.AbandonRate()
	_, occ := Occupancy(0, 0)
	_, ph := y.PerHour(0)
	if asa || aht || ab || occ || ph {
		t.Fatal("a figure out of nothing")
	}
	y.AddWait(Wait{Result: Abandoned, Waited: time.Second}, DefaultGoals())
	if _, ok := y.ServiceLevel(ExShort); ok {
		t.Fatal("only short abandons: nothing is left to judge")
	}
}

func TestOccupancy(t *testing.T) {
	if o, _ := Occupancy(45*time.Minute, 15*time.Minute); o != 0.75 {
		t.Fatal(o)
	}
}

func TestBalanceAndBoundsAlwaysHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var y Tally
		g := Goals{ServiceLevel: time.Duration(rapid.IntRange(0, 60).Draw(t, "sl")) * time.Second, ShortAbandon: time.Duration(rapid.IntRange(0, 10).Draw(t, "short")) * time.Second}
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			y.AddWait(Wait{Result: Result(rapid.IntRange(0, 3).Draw(t, "r")), Waited: time.Duration(rapid.IntRange(0, 90).Draw(t, "w")) * time.Second}, g)
		}
		if !y.Balanced() {
			t.Fatalf("%+v", y)
		}
		all, _ := y.ServiceLevel(OfAll)
		for _, d := range Definitions() {
			if v, ok := y.ServiceLevel(d); ok && (v < all || v > 1) {
				t.Fatalf("%s %v, strictest %v: %+v", d, v, all, y)
			}
		}
	})
}

func TestStarts(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	kolkata := time.FixedZone("IST", 5*3600+1800)
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		from, to string
		interval Interval
		zone     *time.Location
		n        int
		first    string
	}{
		{"2026-11-02T00:00:00+08:00", "2026-11-03T00:00:00+08:00", Quarter, shanghai, 96, "2026-11-02T00:00:00+08:00"},
		{"2026-11-02T08:07:00+08:00", "2026-11-02T09:01:00+08:00", Quarter, shanghai, 5, "2026-11-02T08:00:00+08:00"},
		{"2026-11-02T08:37:00+05:30", "2026-11-02T09:37:00+05:30", Hour, kolkata, 2, "2026-11-02T08:00:00+05:30"},
		{"2026-11-01T17:00:00Z", "2026-11-03T17:00:00Z", Day, shanghai, 3, "2026-11-02T00:00:00+08:00"},
	} {
		got, err := Starts(at(c.from), at(c.to), c.interval, c.zone)
		if err != nil || len(got) != c.n || !got[0].Equal(at(c.first)) {
			t.Errorf("%+v: %d from %v, %v", c, len(got), got, err)
		}
	}
	if _, err := Starts(at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), Quarter, shanghai); err == nil {
		t.Error("too many pieces accepted")
	}
	if _, err := Starts(at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), "1w", shanghai); err == nil {
		t.Error("unknown interval accepted")
	}
}
