package messaging

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// Settings are what a hospital decides about its messages.
type Settings struct {
	Hospital, HospitalEN string // as messages name it
	Hotline              string
	Quiet                map[Class]Quiet // hours in which a class waits
	PerHour              int             // messages to one number; more wait. 0: 20
	CodesPerHour         int             // sign-in codes to one number; more are refused. 0: 6
	CodePause            time.Duration   // between two sign-in codes. 0: 50 s
	Zone                 *time.Location
}

// Deps are what the service works with.
type Deps struct {
	DB       *store.DB
	Keys     *crypto.Keyring
	Audit    *audit.Log
	Bus      *event.Bus
	Jobs     *job.Queue
	Log      *slog.Logger
	Now      func() time.Time
	Sender   Sender
	People   People  // nil: messages need a number
	Permits  Permits // nil: only those who answered with a refusal are spared
	Story    Story   // may be nil
	Settings Settings
}

// Service is the outbox and the inbox.
type Service struct {
	d       Deps
	mu      sync.Mutex
	replies []func(ctx context.Context, in Incoming) (handled bool, err error)
}

// New makes the service and registers its jobs; Start lets its sender connect.
func New(d Deps) *Service {
	if d.Settings.Zone == nil {
		d.Settings.Zone = time.UTC
	}
	if d.Settings.PerHour <= 0 {
		d.Settings.PerHour = 20
	}
	if d.Settings.CodesPerHour <= 0 {
		d.Settings.CodesPerHour = 6
	}
	if d.Settings.CodePause <= 0 {
		d.Settings.CodePause = 50 * time.Second
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{d: d}
	job.Register(d.Jobs, s.deliver)
	job.Register(d.Jobs, s.answer)
	return s
}

// Start lets the sender connect and receive.
func (s *Service) Start(ctx context.Context) error {
	if err := s.d.Sender.Start(ctx, s); err != nil {
		return fmt.Errorf("start sender %s: %w", s.d.Sender.Name(), err)
	}
	return nil
}

// Stop ends the sender.
func (s *Service) Stop(ctx context.Context) error { return s.d.Sender.Stop(ctx) }

// OnReply asks fn about messages that come in, with the message that each may
// answer. The first function that handles one ends the search. fn may run
// again after a crash. Call it before Start.
func (s *Service) OnReply(fn func(ctx context.Context, in Incoming) (handled bool, err error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, fn)
}

// Queue writes a message and the job that sends it in the caller's
// transaction. The same key gives the same message. It needs no permission:
// the deed behind the message had one.
func (s *Service) Queue(ctx context.Context, tx *store.Tx, m Outgoing) (string, error) {
	if m.Key != "" {
		old, ok, err := byKey(ctx, tx, m.Key)
		if err != nil {
			return "", err
		}
		if ok && (old.Template != m.Template || m.PatientID != old.PatientID) {
			return "", errs.New(errs.Conflict, "message.key_reused")
		}
		if ok {
			return old.ID, nil
		}
	}
	r, number, err := s.compose(ctx, tx, m)
	if err != nil {
		return "", err
	}
	if r.Class == ClassOTP {
		if err := s.limitCodes(ctx, tx, r.numberIdx); err != nil {
			return "", err
		}
	}
	text := r.Text
	if err := s.seal(&r, number, text); err != nil {
		return "", err
	}
	if err := insertMessage(ctx, tx, &r); err != nil {
		return "", err
	}
	if err := insertStep(ctx, tx, r.ID, Step{At: r.CreatedAt, State: r.State, Reason: r.Reason, Actor: r.Actor}); err != nil {
		return "", err
	}
	s.publish(tx, r.Message)
	if r.State != StateQueued {
		return r.ID, nil
	}
	return r.ID, s.enqueue(ctx, tx, r.ID, r.SendAt)
}

// compose makes the row of a message, text and number in full.
func (s *Service) compose(ctx context.Context, tx *store.Tx, m Outgoing) (row, string, error) {
	now := s.d.Now()
	r := row{Message: Message{ID: id.New(), Direction: Out, Channel: SMS, State: StateQueued, Class: m.Class, Template: m.Template, Lang: m.Lang,
		PatientID: m.PatientID, Ref: m.Ref, CreatedAt: now, UpdatedAt: now, SendAt: m.SendAt, Actor: actor(ctx)}, key: m.Key}
	if m.Channel != "" && m.Channel != SMS {
		return r, "", errs.InvalidField("channel", "message.channel_unknown")
	}
	number, err := s.address(ctx, tx, &m, &r)
	if err != nil {
		return r, "", err
	}
	if err := s.fill(ctx, tx, m, &r); err != nil {
		return r, "", err
	}
	if r.SendAt.Before(now) {
		r.SendAt = now
	}
	if at := s.d.Settings.Quiet[r.Class].after(r.SendAt, s.d.Settings.Zone); !at.Equal(r.SendAt) && r.State == StateQueued {
		r.SendAt, r.Reason = at, ReasonQuiet
	}
	r.ExpiresAt = r.SendAt.Add(r.Class.ttl())
	p := NewPreview(r.Text)
	r.Encoding, r.Segments = p.Encoding, p.Segments
	r.numberIdx, r.numberIdx4, r.Number = s.index(number), s.tail(number), Mask(number)
	return r, number, nil
}

// address finds the number and the language of the person.
func (s *Service) address(ctx context.Context, tx *store.Tx, m *Outgoing, r *row) (string, error) {
	if m.PatientID != "" && s.d.People != nil {
		c, err := s.d.People.Reach(ctx, tx, m.PatientID)
		if err != nil {
			return "", err
		}
		if m.To == "" {
			m.To = c.Number
		}
		if r.Lang == "" {
			r.Lang = c.Lang
		}
		if k, ok := kindOf(m.Template); ok && m.Params["name"] == "" {
			if _, wants := k.param("name"); wants {
				m.Params = with(m.Params, "name", c.Name)
			}
		}
	}
	r.Lang = langOf(r.Lang)
	if m.To == "" {
		return "", errs.New(errs.Invalid, "message.no_number")
	}
	number, ok := Number(m.To)
	if !ok {
		return "", errs.InvalidField("to", "message.number_invalid")
	}
	return number, nil
}

// fill makes the text.
func (s *Service) fill(ctx context.Context, tx *store.Tx, m Outgoing, r *row) error {
	if m.Template == "" {
		text := strings.TrimSpace(m.Text)
		if text == "" || utf8.RuneCountInString(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
			return errs.InvalidField("text", "message.text_invalid")
		}
		if r.Class == "" {
			r.Class = ClassService
		}
		r.Text = text
		return nil
	}
	k, ok := kindOf(m.Template)
	if !ok {
		return errs.InvalidField("template", "message.template_unknown")
	}
	if r.Class == "" {
		r.Class = k.Class
	}
	t, err := s.current(ctx, tx, m.Template, r.Lang)
	if err != nil {
		return err
	}
	r.Version = t.Version
	if !t.Enabled {
		r.State, r.Reason, r.DoneAt = StateFailed, ReasonDisabled, r.CreatedAt
	}
	r.Text, err = k.render(t.Text, r.Lang, s.house(m.spoken(r.Lang), r.Lang))
	return err
}

// spoken are the parameters as a language has them.
func (m Outgoing) spoken(lang string) map[string]string {
	if lang != "en" || len(m.English) == 0 {
		return m.Params
	}
	out := make(map[string]string, len(m.Params)+len(m.English))
	maps.Copy(out, m.Params)
	for k, v := range m.English {
		if v != "" {
			out[k] = v
		}
	}
	return out
}

// house adds what the service itself knows.
func (s *Service) house(params map[string]string, lang string) map[string]string {
	name := cmp.Or(s.d.Settings.Hospital, "医院")
	if lang == "en" {
		name = cmp.Or(s.d.Settings.HospitalEN, s.d.Settings.Hospital, "The hospital")
	}
	return with(with(params, "hospital", name), "hotline", s.d.Settings.Hotline)
}

func with(params map[string]string, name, value string) map[string]string {
	out := make(map[string]string, len(params)+1)
	for k, v := range params {
		out[k] = v
	}
	out[name] = value
	return out
}

// limitCodes refuses sign-in codes that come too often.
func (s *Service) limitCodes(ctx context.Context, tx *store.Tx, numberIdx string) error {
	now := s.d.Now()
	for _, l := range []struct {
		span time.Duration
		most int
	}{{s.d.Settings.CodePause, 1}, {time.Hour, s.d.Settings.CodesPerHour}} {
		n, oldest, err := countRecent(ctx, tx, numberIdx, "", true, now.Add(-l.span))
		if err != nil {
			return err
		}
		if n >= l.most {
			return errs.New(errs.Limited, "message.too_many_codes", "seconds", int(oldest.Add(l.span).Sub(now).Seconds())+1)
		}
	}
	return nil
}

func (s *Service) seal(r *row, number, text string) (err error) {
	if r.numberSealed, err = s.d.Keys.Seal(number, "messages:"+r.ID+":number"); err != nil {
		return fmt.Errorf("seal number: %w", err)
	}
	if r.textSealed, err = s.d.Keys.Seal(text, "messages:"+r.ID+":text"); err != nil {
		return fmt.Errorf("seal text: %w", err)
	}
	return nil
}

// open reads number and text of a row. Those of a person whose data was
// removed are empty.
func (s *Service) open(r row) (number, text string, err error) {
	if r.numberSealed == "" && r.textSealed == "" {
		return "", "", nil
	}
	if number, err = s.d.Keys.Unseal(r.numberSealed, "messages:"+r.ID+":number"); err != nil {
		return "", "", fmt.Errorf("open number: %w", err)
	}
	if text, err = s.d.Keys.Unseal(r.textSealed, "messages:"+r.ID+":text"); err != nil {
		return "", "", fmt.Errorf("open text: %w", err)
	}
	return number, text, nil
}

func (s *Service) index(number string) string { return s.d.Keys.Index("message.number", number) }

func (s *Service) tail(number string) string {
	if len(number) < 4 {
		return ""
	}
	return s.d.Keys.Index("message.number.tail4", number[len(number)-4:])
}

// publish tells the screens, once the transaction is committed.
func (s *Service) publish(tx *store.Tx, m Message) {
	event.PublishTx(tx, s.d.Bus, Changed{ID: m.ID, PatientID: m.PatientID, Ref: m.Ref, State: m.State, Reason: m.Reason})
}

func actor(ctx context.Context) string {
	if p, ok := identity.From(ctx); ok {
		return p.UserID
	}
	return ""
}

func cursorOf(m Message) string { return strconv.FormatInt(millis(m.CreatedAt), 10) + "." + m.ID }

func cutCursor(c string) (int64, string, error) {
	at, messageID, ok := strings.Cut(c, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || !id.Valid(messageID) {
		return 0, "", errs.InvalidField("query.cursor", "validation.cursor")
	}
	return ms, messageID, nil
}
