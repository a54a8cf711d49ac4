package switchboard

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
)

// Config is what a Service needs.
type Config struct {
	DB      *store.DB
	Keys    *crypto.Keyring
	Audit   *audit.Log
	Bus     *event.Bus
	Now     func() time.Time
	Log     *slog.Logger
	DataDir string // uploaded prompts live in DataDir/prompts
	Realm   string // of SIP digest authentication; "heartline" when ""
	Zone    string // time zone of calendars that name none
}

// Service is the configuration of the telephone system.
type Service struct {
	Numbers      *Set[Number]
	Extensions   *Set[Extension]
	Trunks       *Set[Trunk]
	Queues       *Set[Queue]
	Skills       *Set[Skill]
	Agents       *Set[AgentProfile]
	Calendars    *Set[Calendar]
	Dispositions *Set[Disposition]
	Reasons      *Set[Reason]
	flows        *Set[Flow]

	db      *store.DB
	keys    *crypto.Keyring
	audit   *audit.Log
	bus     *event.Bus
	now     func() time.Time
	log     *slog.Logger
	dir     string
	realm   string
	zone    string
	shipped map[promptKey]Prompt

	refresh sync.Mutex // one snapshot is taken at a time
	seq     uint64
	snap    atomic.Pointer[Snapshot]
	bulk    atomic.Bool
}

// New loads the configuration and takes the first Snapshot.
func New(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{
		db: cfg.DB, keys: cfg.Keys, audit: cfg.Audit, bus: cfg.Bus, now: cfg.Now, log: cfg.Log,
		dir: filepath.Join(cfg.DataDir, "prompts"), realm: cfg.Realm, zone: cfg.Zone,
	}
	if s.realm == "" {
		s.realm = "heartline"
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("switchboard: %w", err)
	}
	var err error
	if s.shipped, err = shippedPrompts(); err != nil {
		return nil, fmt.Errorf("switchboard: %w", err)
	}
	s.define()
	if err := s.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("switchboard: %w", err)
	}
	return s, nil
}

// Realm is the realm of the digests in Snapshot accounts.
func (s *Service) Realm() string { return s.realm }

// Current returns the latest Snapshot. It never blocks.
func (s *Service) Current(context.Context) *Snapshot { return s.snap.Load() }

// Refresh takes a new Snapshot from the database. Changes through this
// Service do that themselves; it serves restores and other nodes' changes.
func (s *Service) Refresh(ctx context.Context) error {
	s.refresh.Lock()
	defer s.refresh.Unlock()
	snap, err := s.build(ctx)
	if err != nil {
		return err
	}
	s.seq++
	snap.seq = s.seq
	s.snap.Store(snap)
	return nil
}

// Bulk runs fn, which makes many changes, and takes one Snapshot at the end.
func (s *Service) Bulk(ctx context.Context, fn func(ctx context.Context) error) error {
	s.bulk.Store(true)
	err := fn(ctx)
	s.bulk.Store(false)
	if rerr := s.Refresh(context.WithoutCancel(ctx)); err == nil && rerr != nil {
		err = rerr
	}
	event.Publish(s.bus, Changed{Snapshot: s.Current(ctx).Seq()})
	return err
}
