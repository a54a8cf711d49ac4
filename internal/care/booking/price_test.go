package booking_test

import (
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// TestVIPPrice: everybody pays the same until the house has published a rule;
// then VIPs pay what it says, and nobody else does.
func TestVIPPrice(t *testing.T) {
	for _, p := range policy.Presets() {
		if p.Policy.VIPPrice.Percent != 0 || p.Policy.Price(5000, "expert", true) != 5000 {
			t.Errorf("%s has a VIP price to begin with", p.Code)
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, policy.Default())
		r.template(time.Monday, func(x *booking.Template) { x.Fee, x.Type, x.DoctorID = 50_05, booking.Expert, "wang" })
		if _, err := r.svc.Generate(r.ctx(), "2026-11-23", "2026-12-07"); err != nil {
			t.Fatal(err)
		}
		list, err := r.svc.Timetable(r.ctx(), booking.TimetableFilter{From: "2026-11-23", To: "2026-12-07"})
		if err != nil || len(list) < 3 {
			t.Fatalf("%+v, %v", list, err)
		}
		pays := func(patientID string, se booking.Session) int64 {
			t.Helper()
			v, err := r.svc.Eligibility(r.ctx(), patientID, se.ID, booking.ChannelDesk)
			if err != nil {
				t.Fatal(err)
			}
			a, err := r.svc.Book(r.ctx(), booking.Request{Key: "price-" + patientID + se.Date, PatientID: patientID, SessionID: se.ID, Channel: booking.ChannelDesk})
			if err != nil {
				t.Fatal(err)
			}
			if a.Fee != v.Fee || (v.PriceRule == "") != (v.Fee == se.Fee) {
				t.Errorf("pays %d, was told %d by %q", a.Fee, v.Fee, v.PriceRule)
			}
			return a.Fee
		}
		if n := pays("vip", list[0]); n != 50_05 {
			t.Errorf("a VIP pays %d without any rule", n)
		}
		secret := policy.Default()
		secret.VIPPrice = policy.VIPPrice{Percent: 80}
		_, err = r.svc.SavePolicy(r.sys(), booking.StoredPolicy{Name: "会员价", Policy: secret})
		refused(t, err, "policy.vip_price.published booking.price_unpublished")
		open := secret
		open.VIPPrice.Published, open.VIPPrice.Types = "院务公开栏 2026年第12号", []string{"expert"}
		r.force(open)
		if member, other := pays("vip", list[1]), pays("b", list[1]); member != 40_04 || other != 50_05 {
			t.Errorf("a VIP pays %d, another %d", member, other)
		}
		if open.Price(5005, "ordinary", true) != 5005 {
			t.Error("the rule is for experts only")
		}
	})
}
