package patient

import (
	"cmp"
	"context"
	"slices"

	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// popEntries is how much recent history a pop carries.
const popEntries = 6

// Pop finds who may be calling from a number, most likely first: owners of the
// phone before relatives who gave it, then whoever was in touch last. An
// unknown number has no candidates. Looking at the record itself is what gets
// audited (Get); the call keeps who was offered.
func (s *Service) Pop(ctx context.Context, phone string) (Pop, error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return Pop{}, err
	}
	number, ok := NormalisePhone(phone)
	if !ok {
		return Pop{Candidates: []Card{}}, nil // withheld or internal numbers belong to nobody
	}
	pop := Pop{Phone: MaskPhone(number), Candidates: []Card{}}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := s.byPhone(ctx, tx, number)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			r.Phone = pop.Phone
			pop.Candidates = append(pop.Candidates, maskCard(r.Card, who))
		}
		if rows[0].Restricted && !trusted(who) {
			return nil
		}
		pop.Recent, err = queryTimeline(ctx, tx, []string{rows[0].ID}, TimelineFilter{Limit: popEntries - 1}, 0, "")
		return err
	})
	return pop, err
}

// likelier orders candidates of a shared phone.
func likelier(a, b cardRow) int {
	rank := func(c cardRow) int {
		n := 0
		if c.owner != "" { // somebody else's phone
			n += 4
		}
		if c.Age >= 0 && c.Age < 12 { // children do not call
			n += 2
		}
		if !c.primary {
			n++
		}
		return n
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.ID, b.ID))
}

func (s *Service) members(ctx context.Context, tx *store.Tx, rows []cardRow, first string, who identity.Principal) ([]Member, error) {
	slices.SortFunc(rows, func(a, b cardRow) int {
		if (a.ID == first) != (b.ID == first) {
			if a.ID == first {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.birth, b.birth), cmp.Compare(a.ID, b.ID))
	})
	cards := make([]Card, len(rows))
	for i, r := range rows {
		cards[i] = r.Card
	}
	if err := s.addPhones(ctx, tx, cards); err != nil {
		return nil, err
	}
	out := make([]Member, len(rows))
	for i, c := range cards {
		out[i] = Member{Card: maskCard(c, who), Relation: rows[i].relation}
	}
	return out, nil
}

// relations are what a member may be to the head of the household.
func relations() []string {
	return []string{"self", "spouse", "child", "parent", "grandparent", "grandchild", "sibling", "other"}
}
