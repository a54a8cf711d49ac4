package phone_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
)

// exchange connects callers to the extension they dial and passes the session
// descriptions through, so that the phones' media flow directly.
type exchange struct{ srv *sip.Server }

func (e *exchange) Extension(_ context.Context, user string) (sip.Account, bool) {
	return sip.Account{User: user, Password: "secret", Enabled: true}, len(user) == 4
}

func (e *exchange) Registered(string, bool) {}

func (e *exchange) Invite(ctx context.Context, d *sip.Dialog) {
	out, err := e.srv.Dial(ctx, sip.DialSpec{
		Extension: d.To().User, From: d.From().User, Offer: d.RemoteSDP(), MaxForwards: d.MaxForwards(),
	})
	if err != nil {
		_ = d.Reject(ctx, 404, "")
		return
	}
	defer func() {
		_ = out.Hangup(context.WithoutCancel(ctx), sip.Cause{})
		_ = d.Hangup(context.WithoutCancel(ctx), sip.Cause{})
	}()
	for {
		select {
		case ev, ok := <-out.Events():
			if !ok || !e.callee(ctx, d, ev) {
				return
			}
		case ev, ok := <-d.Events():
			if !ok || !e.caller(ctx, out, ev) {
				return
			}
		}
	}
}

func (e *exchange) callee(ctx context.Context, d *sip.Dialog, ev sip.DialogEvent) bool {
	switch ev := ev.(type) {
	case sip.Ringing:
		_ = d.Ring(ctx)
	case sip.Answered:
		_ = d.Answer(ctx, ev.SDP)
	case sip.Failed:
		_ = d.Reject(ctx, ev.Code, ev.Reason)
		return false
	case sip.Ended:
		return false
	}
	return true
}

func (e *exchange) caller(ctx context.Context, out *sip.Dialog, ev sip.DialogEvent) bool {
	switch ev := ev.(type) {
	case sip.Reinvited:
		go func() { // the callee is asked, then the caller is answered
			answer, err := out.Reinvite(ctx, ev.SDP)
			code := 200
			if err != nil {
				code = 488
			}
			ev.Reply(answer, code)
		}()
	case sip.Ended:
		return false
	}
	return true
}

func startExchange(t *testing.T) *phone.Bank {
	t.Helper()
	e := &exchange{}
	srv, err := sip.New(sip.Config{UDP: "127.0.0.1:0", SourceRate: 100000}, e, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.srv = srv
	ctx := context.Background()
	if err := srv.Start(ctx); err != nil {
		t.Fatal(err)
	}
	b, err := phone.NewBank(ctx, phone.BankConfig{Server: srv.Addr("udp").String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		_ = b.Close(ctx)
		_ = srv.Stop(ctx)
	})
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestTwoPhonesHearEachOther(t *testing.T) {
	ctx := patience(t)
	b := startExchange(t)
	alice := b.Phone("8001", "secret")
	bob := b.Phone("8002", "secret", phone.WithAnswer(30*time.Millisecond))
	must(t, bob.Register(ctx))
	a, err := alice.Dial(ctx, "8002", "")
	must(t, err)
	must(t, a.WaitRinging(ctx))
	must(t, a.WaitAnswered(ctx))
	bc := <-bob.Incoming()
	must(t, bc.WaitAnswered(ctx))

	a.PlayTone(440)
	bc.PlayTone(1000)
	must(t, a.WaitTone(ctx, 1000))
	must(t, bc.WaitTone(ctx, 440))
	a.StopPlay()
	must(t, a.SendDTMF(ctx, "12#*0"))
	must(t, bc.WaitAudio(ctx, func([]int16) bool { return bc.Digits() == "12#*0" }))

	speech := make([]int16, 8000)
	for i := range speech {
		speech[i] = int16(rand.IntN(20000) - 10000)
	}
	bc.Forget()
	a.PlayPCM(speech)
	must(t, bc.WaitAudio(ctx, func(heard []int16) bool {
		score, _ := phone.Correlate(heard, speech[2000:4000])
		return score > 0.95
	}))

	must(t, a.Hold(ctx, true))
	must(t, a.Hold(ctx, false))
	must(t, a.Hangup(ctx))
	must(t, bc.WaitEnded(ctx))
}

func TestFailuresCarryTheirCode(t *testing.T) {
	ctx := patience(t)
	b := startExchange(t)
	c, err := b.Phone("8001", "secret").Dial(ctx, "8009", "")
	must(t, err)
	var re *sip.ResponseError
	if err := c.WaitAnswered(ctx); !errors.As(err, &re) || re.Code != 404 {
		t.Fatalf("%v", err)
	}
}

func TestManyPhonesAtOnce(t *testing.T) {
	ctx := patience(t)
	b := startExchange(t)
	const n = 200
	calls := make(chan *phone.Call, n)
	errs := make(chan error, n)
	bob := b.Phone("9000", "secret", phone.WithoutMedia(), phone.WithAnswer(0))
	must(t, bob.Register(ctx))
	for i := range n {
		p := b.Phone(string([]byte{'1', byte('0' + i/100), byte('0' + i/10%10), byte('0' + i%10)}), "secret", phone.WithoutMedia())
		go func() {
			c, err := p.Dial(ctx, "9000", "")
			if err == nil {
				err = c.WaitAnswered(ctx)
				calls <- c
			}
			errs <- err
		}()
	}
	for range n {
		must(t, <-errs)
	}
	for range n {
		must(t, (<-calls).Hangup(ctx))
	}
}

func TestGoertzelFindsOnlyTheToneThatIsThere(t *testing.T) {
	pcm := make([]int16, 1600)
	for i := range pcm {
		pcm[i] = int16(6000 * math.Sin(2*math.Pi*450*float64(i)/8000))
	}
	if l := phone.ToneLevel(pcm, 450); l < 0.95 {
		t.Errorf("450 Hz: %.2f", l)
	}
	if l := phone.ToneLevel(pcm, 1000); l > 0.05 {
		t.Errorf("1000 Hz: %.2f", l)
	}
	if l := phone.ToneLevel(make([]int16, 1600), 450); l != 0 {
		t.Errorf("silence: %.2f", l)
	}
}
