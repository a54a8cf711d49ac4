package patient

import (
	"cmp"
	"context"
	"slices"

	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Limits of a search: how many hits it returns, how many candidates one key
// may bring, and how many people are ranked at most.
const (
	defaultHits   = 20
	maxHits       = 50
	perKey        = 200
	perChecked    = 2000 // when the record itself decides
	maxCandidates = 200
	allTails      = 20_000 // numbers with the same last digits that are gone through: all there are among many millions
)

// Search finds people from one box: phone, document or card number (whole or
// its end), customer code, Chinese or Latin name, pinyin, initials, in any
// order and with small mistakes. Best hits first, at most limit (20, no more
// than 50). An empty query lists who was in touch last; one that is too short to
// mean anything finds nobody.
func (s *Service) Search(ctx context.Context, q string, limit int) ([]Hit, error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = defaultHits
	}
	query := parseQuery(q)
	hits := []Hit{}
	if query.empty() && q != "" {
		return hits, nil // nothing in it to look for
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if query.empty() {
			hits, err = s.recent(ctx, tx, who, min(limit, maxHits))
			return err
		}
		f := &finder{s: s, tx: tx, found: make(map[string]candidate), want: min(limit, maxHits)}
		if err := f.run(ctx, query); err != nil {
			return err
		}
		hits, err = f.hits(ctx, who)
		return err
	})
	return hits, err
}

// byCode is the score of a customer code; whole phones and documents score more.
const byCode = 98

// candidate is somebody a search came across, with the best reason. check, if
// any, is what the record itself must fit.
type candidate struct {
	match string
	score int
	check func(cardRow) bool
}

// finder collects candidates in one transaction.
type finder struct {
	s     *Service
	tx    *store.Tx
	found map[string]candidate
	order []string // in the order of discovery
	want  int
}

func (f *finder) add(patientID string, c candidate) {
	old, ok := f.found[patientID]
	if !ok {
		f.order = append(f.order, patientID)
		f.found[patientID] = c
		return
	}
	if old.check == nil {
		if c.check != nil || c.score <= old.score {
			return
		}
	} else if c.check != nil && c.score <= old.score {
		return
	}
	f.found[patientID] = c
}

// run asks number keys first, then names in tiers: a later tier only when the
// earlier ones found too little.
func (f *finder) run(ctx context.Context, q query) error {
	if err := f.numbers(ctx, q); err != nil {
		return err
	}
	if len(f.found) > 0 && (q.name == "" || q.whole) {
		return nil
	}
	beside, err := f.besides(ctx, q.filters)
	if err != nil {
		return err
	}
	for tier, lookups := range q.lookups() {
		if (tier == 1 && len(f.found) >= f.want) || (tier == 2 && len(f.found) >= 3) {
			break
		}
		for _, l := range lookups {
			before := len(f.found)
			if err := f.lookup(ctx, l, beside); err != nil {
				return err
			}
			if len(beside) > 0 && len(f.found) > before {
				return nil // name and digits fit: what is less like the name is not meant
			}
		}
	}
	return nil
}

// hits reads the cards of the best candidates and ranks them.
func (f *finder) hits(ctx context.Context, who identity.Principal) ([]Hit, error) {
	slices.SortStableFunc(f.order, func(a, b string) int { return cmp.Compare(f.found[b].score, f.found[a].score) })
	ids := f.order[:min(len(f.order), perChecked)]
	if !slices.ContainsFunc(ids, func(p string) bool { return f.found[p].check != nil }) {
		// nothing in the records decides: only the best need be read whole
		var err error
		if ids, err = f.best(ctx, ids[:min(len(ids), maxCandidates)]); err != nil {
			return nil, err
		}
	}
	var rows []cardRow
	for chunk := range slices.Chunk(ids, 400) {
		cond, list := f.tx.OneOf("p.id", 1, chunk)
		cards, err := f.s.cards(ctx, f.tx, cond, list)
		if err != nil {
			return nil, err
		}
		rows = append(rows, cards...)
	}
	rows = slices.DeleteFunc(rows, func(c cardRow) bool {
		check := f.found[c.ID].check
		return check != nil && !check(c)
	})
	slices.SortFunc(rows, func(a, b cardRow) int {
		return cmp.Or(cmp.Compare(f.found[b.ID].score, f.found[a.ID].score), b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.ID, b.ID))
	})
	rows = rows[:min(len(rows), f.want)]
	cards := make([]Card, len(rows))
	for i, r := range rows {
		cards[i] = r.Card
	}
	if err := f.s.addPhones(ctx, f.tx, cards); err != nil {
		return nil, err
	}
	out := make([]Hit, len(cards))
	for i, c := range cards {
		out[i] = Hit{Card: maskCard(c, who), Match: f.found[c.ID].match, Score: f.found[c.ID].score}
	}
	return out, nil
}

// maskCard hides the name of a card from readers without the right, and of a
// restricted record all but what keeps a patient safe.
func maskCard(c Card, who identity.Principal) Card {
	if !full(who) || (c.Restricted && !trusted(who)) {
		c.Name = MaskName(c.Name)
	}
	if c.Restricted && !trusted(who) {
		c.Tags, c.Phone, c.District, c.Language = []string{}, "", "", ""
	}
	return c
}
