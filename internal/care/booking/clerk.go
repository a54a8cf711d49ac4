package booking

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// clerk serves those who book at the same time together: while one group is
// with the database the next one gathers, and a statement then asks or writes
// for all of a group. Who comes alone does not wait for others. There is no
// goroutine of its own: those who wait take turns at serving.
//
// A group is one transaction. Who is refused leaves it before anything is
// written for them; when it fails, or for somebody who needs more than a plain
// booking (see aside), they are served again, in the end one by one (see serve).
type clerk struct {
	serve func(group []*order)

	mu      sync.Mutex
	free    int      // desks: as many groups may still be with the database
	waiting []*order // in order of arrival
}

const (
	maxGroup  = 64               // people served together
	groupTime = 30 * time.Second // the longest time for a group, for a database that does not answer any more
)

// order is one Book on its way.
type order struct {
	ctx  context.Context
	who  identity.Principal
	r    Request
	done chan struct{} // closed when a and err are final

	desk   chan struct{} // has one when it is this one's turn to serve
	called bool          // it has one, or is about to serve; under the clerk's lock

	// Of the transaction that it is in now; begin clears it.
	run    context.Context
	alone  bool
	aside  bool // to be served alone
	taking *taking
	a      Appointment
	err    error
}

// begin is called at the beginning of a transaction, which may be another one
// for the same order.
func (o *order) begin(run context.Context) {
	o.run, o.alone, o.aside, o.taking, o.a, o.err = run, false, false, nil, Appointment{}, nil
}

// refuse ends an order for which nothing was written.
func (o *order) refuse(err error) { o.a, o.err = Appointment{}, err }

// settle lets the one who waits for o go.
func (o *order) settle() { close(o.done) }

func (o *order) settled() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// lent is the context of a group's transaction, with the values of one of those
// in it: whoever gives up waiting does not end it for the others.
type lent struct {
	context.Context
	of context.Context
}

// Value implements context.Context.
func (l lent) Value(key any) any { return l.of.Value(key) }

var errBroken = errors.New("booking: the group was broken off")

// desks is how many groups are with the database at once: with SQLite one is
// being written and the next made ready, PostgreSQL serves several.
func desks(d store.Dialect) int {
	if d == store.SQLite {
		return 2
	}
	return 3 * runtime.GOMAXPROCS(0) / 2
}

func newClerk(d store.Dialect, serve func(group []*order)) *clerk {
	return &clerk{serve: serve, free: desks(d)}
}

// book returns when o is settled, or its context ended before anybody served it.
func (c *clerk) book(o *order) (Appointment, error) {
	c.enter(o)
	return c.wait(o)
}

// enter puts o at the end of those who wait.
func (c *clerk) enter(o *order) {
	o.done, o.desk = make(chan struct{}), make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, o)
	if c.free > 0 {
		c.free--
		c.call(o)
	}
}

// wait is the rest of book for one who entered.
func (c *clerk) wait(o *order) (Appointment, error) {
	defer func() { // it was called and served by another before it came
		select {
		case <-o.desk:
			c.handOver()
		default:
		}
	}()
	for {
		select {
		case <-o.done:
			return o.a, o.err
		case <-o.desk:
			c.turn(o)
		case <-o.ctx.Done():
			if c.leave(o) {
				return Appointment{}, o.ctx.Err()
			}
			<-o.done
			return o.a, o.err
		}
	}
}

// turn lets one of those who wait serve a group, whoever is in it.
func (c *clerk) turn(by *order) {
	runtime.Gosched() // those who were answered just now may have come again
	group := c.next(by)
	defer func() {
		c.handOver()
		for _, o := range group {
			if !o.settled() { // serving them panicked
				o.refuse(errBroken)
				o.settle()
			}
		}
	}()
	c.serve(group)
}

// handOver gives the desk to the one who waits longest.
func (c *clerk) handOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.waiting {
		if !o.called {
			c.call(o)
			return
		}
	}
	c.free++
}

func (c *clerk) call(o *order) {
	o.called = true
	o.desk <- struct{}{}
}

// next takes those who wait longest, each person once: the second booking of a
// person has to see the first. So the one who serves may be left waiting, and
// can be called again.
func (c *clerk) next(by *order) []*order {
	c.mu.Lock()
	defer c.mu.Unlock()
	by.called = false
	var group, rest []*order
	there := map[string]bool{}
	for i, o := range c.waiting {
		if len(group) == maxGroup {
			rest = append(rest, c.waiting[i:]...)
			break
		}
		if there[o.r.PatientID] {
			rest = append(rest, o)
			continue
		}
		there[o.r.PatientID] = true
		group = append(group, o)
	}
	c.waiting = rest
	return group
}

// leave takes o out of those who wait; it is false when o is being served.
func (c *clerk) leave(o *order) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.waiting {
		if w == o {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// serve books for a group. Those for whom numbers were only locked by others
// are asked about together once more: then it has turned out who has them. So
// are all when a unique index refused what one of them drew, see attempts.
func (s *Service) serve(group []*order) {
	rest, err := group, error(nil)
	for turn := 0; turn < 2 && len(rest) > 1 && (err == nil || store.IsUnique(err)); turn++ {
		rest, err = s.serveTogether(rest)
	}
	for _, o := range rest {
		err := s.insist(o.ctx, func(tx *store.Tx) error {
			o.begin(o.ctx)
			if err := s.book(o.ctx, tx, []*order{o}); err != nil {
				return err
			}
			return o.err
		})
		if err != nil {
			o.refuse(err)
		}
		o.settle()
	}
}

// serveTogether books for a group in one transaction and returns those who
// were put aside. After an error that is everybody: one person's trouble must
// not be another's.
func (s *Service) serveTogether(group []*order) (aside []*order, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), groupTime)
	defer cancel()
	err = s.db.WriteLocking(ctx, func(tx *store.Tx) error {
		for _, o := range group {
			o.begin(lent{ctx, o.ctx})
		}
		return s.book(ctx, tx, group)
	})
	if err != nil {
		return group, err
	}
	for _, o := range group {
		if o.aside {
			aside = append(aside, o)
			continue
		}
		o.settle()
	}
	return aside, nil
}

// book is Book for a group in a transaction. What it comes to for each of them
// is in the orders; an error means that everything must be undone.
func (s *Service) book(ctx context.Context, tx *store.Tx, group []*order) error {
	persons, requests := make([]string, len(group)), make([]Request, len(group))
	for i, o := range group {
		persons[i], requests[i] = o.r.PatientID, o.r
	}
	if err := lockPersons(ctx, tx, persons...); err != nil {
		return err
	}
	looks, err := lookAround(ctx, tx, requests, s.now())
	if err != nil {
		return err
	}
	var list []*taking
	for i, o := range group {
		o.alone = len(group) == 1
		if err := s.consider(tx, o, looks[i]); err != nil {
			o.refuse(err)
		}
		if o.taking != nil {
			list = append(list, o.taking)
		}
	}
	if err := s.seize(ctx, tx, list, len(group) == 1); err != nil {
		return err
	}
	var entries []audit.Entry
	for _, o := range group {
		if err := s.hand(tx, o); err != nil {
			return err
		}
		if t := o.taking; t != nil && t.given {
			entries = append(entries, s.booked(t))
		}
	}
	if err := s.audit.Append(ctx, tx, entries...); err != nil {
		return fmt.Errorf("audit bookings: %w", err)
	}
	return nil
}

// consider asks the rules about one order. Unless it is alone it is put aside
// where that has to write something or may yet be refused after a write.
func (s *Service) consider(tx *store.Tx, o *order, l look) (err error) {
	ctx, r := o.run, o.r
	if l.session.ID == "" {
		return sessionNotFound()
	}
	if l.replay != "" {
		o.a, err = replay(ctx, tx, l.replay, l.hash, fingerprint(r, ""))
		return err
	}
	if err := s.checkSession(l.session, r); err != nil {
		return err
	}
	if !o.alone && (r.UseCard || l.lapsed || s.ownLapsed(l)) {
		o.aside = true
		return nil
	}
	if o.alone {
		if l, err = s.endLapsed(ctx, tx, l, r); err != nil {
			return err
		}
	}
	switch {
	case l.sameDay != "":
		return errs.New(errs.Conflict, "booking.double", "date", l.session.Date)
	case !l.anyFree && r.NumberID == "":
		return errs.New(errs.Conflict, "booking.session_full")
	case !l.anyFree:
		return s.notFree(ctx, tx, r, l.session)
	}
	p, err := s.person(ctx, tx, r.PatientID)
	if err != nil {
		return err
	}
	if err := s.permit(ctx, tx, p, l.session, r, known{noBans: !l.banned}); err != nil {
		return err
	}
	if err := s.checkHold(ctx, tx, r); err != nil {
		return err
	}
	o.taking, err = s.draft(ctx, tx, o.who, r, l.session, p, "")
	return err
}

// hand gives an order its number, if there is one, with all that follows.
func (s *Service) hand(tx *store.Tx, o *order) error {
	t := o.taking
	switch {
	case t == nil:
		return nil
	case t.given:
		o.a = t.a
		return s.follow(o.run, tx, t)
	case o.alone:
		return s.notFree(o.run, tx, o.r, t.se)
	}
	o.aside = true // perhaps somebody else only has a hand on the last one
	return nil
}
