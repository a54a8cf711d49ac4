package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
)

// items is how the administration of one kind of item reaches the
// switchboard: V is what is shown, F what may be set, T the stored item.
type items[V, F, T any] struct {
	set   func(*switchboard.Service) *switchboard.Set[T]
	view  func(s *Server, item T) V
	build func(f F, itemID string) (T, error)
	words func(item T) []string // what a search looks at
	// names are fields that the switchboard calls otherwise than F does.
	names map[string]string
}

// service is the switchboard, or an error when there is none.
func (s *Server) switchboard() (*switchboard.Service, error) {
	if s.deps.Switchboard == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Switchboard, nil
}

func (k items[V, F, T]) list(s *Server) func(context.Context, *ListQuery) (*Out[List[V]], error) {
	return func(ctx context.Context, in *ListQuery) (*Out[List[V]], error) {
		sb, err := s.switchboard()
		if err != nil {
			return nil, err
		}
		all, err := k.set(sb).List(ctx)
		if err != nil {
			return nil, err
		}
		if q := strings.ToLower(strings.TrimSpace(in.Q)); q != "" {
			all = slices.DeleteFunc(all, func(x T) bool {
				return !slices.ContainsFunc(k.words(x), func(w string) bool { return strings.Contains(strings.ToLower(w), q) })
			})
		}
		return listOf(all, func(x T) V { return k.view(s, x) }, ""), nil
	}
}

func (k items[V, F, T]) get(s *Server) func(context.Context, *ByID) (*Out[V], error) {
	return func(ctx context.Context, in *ByID) (*Out[V], error) {
		sb, err := s.switchboard()
		if err != nil {
			return nil, err
		}
		x, err := k.set(sb).Get(ctx, in.ID)
		return k.out(s, x, err)
	}
}

func (k items[V, F, T]) create(s *Server) func(context.Context, *FieldsIn[F]) (*Out[V], error) {
	return func(ctx context.Context, in *FieldsIn[F]) (*Out[V], error) {
		return k.add(ctx, s, in.Body, "")
	}
}

// add creates an item, with an id where the caller brings it.
func (k items[V, F, T]) add(ctx context.Context, s *Server, f F, itemID string) (*Out[V], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	x, err := k.build(f, itemID)
	if err != nil {
		return nil, err
	}
	x, err = k.set(sb).Create(ctx, x)
	return k.out(s, x, err)
}

func (k items[V, F, T]) update(s *Server) func(context.Context, *FieldsUpdate[F]) (*Out[V], error) {
	return func(ctx context.Context, in *FieldsUpdate[F]) (*Out[V], error) {
		sb, err := s.switchboard()
		if err != nil {
			return nil, err
		}
		x, err := k.build(in.Body, in.ID)
		if err != nil {
			return nil, err
		}
		x, err = k.set(sb).Update(ctx, x)
		return k.out(s, x, err)
	}
}

func (k items[V, F, T]) remove(s *Server) func(context.Context, *ByID) (*Empty, error) {
	return func(ctx context.Context, in *ByID) (*Empty, error) {
		sb, err := s.switchboard()
		if err != nil {
			return nil, err
		}
		return nil, k.set(sb).Delete(ctx, in.ID)
	}
}

func (k items[V, F, T]) out(s *Server, x T, err error) (*Out[V], error) {
	if err != nil {
		return nil, renamed(err, k.names)
	}
	return out(k.view(s, x)), nil
}

// renamed gives field errors the names that the request used.
func renamed(err error, names map[string]string) error {
	var e *errs.Error
	if len(names) == 0 || !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	c := *e
	c.Fields = slices.Clone(e.Fields)
	for i, f := range c.Fields {
		if name, ok := names[f.Path]; ok {
			c.Fields[i].Path = name
		}
	}
	return &c
}

func itemMeta(m switchboard.Meta) ItemMeta {
	return ItemMeta{ID: m.ID, CreatedAt: utc(m.CreatedAt), UpdatedAt: utc(m.UpdatedAt)}
}

func metaOf(itemID string, version int64) switchboard.Meta {
	return switchboard.Meta{ID: itemID, Version: version}
}

func extensions() items[ExtensionView, ExtensionFields, switchboard.Extension] {
	return items[ExtensionView, ExtensionFields, switchboard.Extension]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Extension] { return sb.Extensions },
		view: func(s *Server, x switchboard.Extension) ExtensionView {
			return ExtensionView{ItemMeta: itemMeta(x.Meta), HasSecret: x.HasSecret, UserName: s.agentName(x.UserID), Online: s.online(x.Number),
				ExtensionFields: ExtensionFields{Version: x.Version, Number: x.Number, Name: x.Name, UserID: x.UserID, Kind: x.Kind,
					MobileNumber: x.MobileNumber, Department: x.Department, MaxContacts: x.MaxContacts, Enabled: x.Enabled}}
		},
		build: func(f ExtensionFields, itemID string) (switchboard.Extension, error) {
			return switchboard.Extension{Meta: metaOf(itemID, f.Version), Number: f.Number, Name: f.Name, UserID: f.UserID, Kind: f.Kind,
				MobileNumber: f.MobileNumber, Department: f.Department, MaxContacts: f.MaxContacts, Enabled: f.Enabled, Secret: f.Secret}, nil
		},
		words: func(x switchboard.Extension) []string { return []string{x.Number, x.Name, x.Department} },
	}
}

func numbers() items[NumberView, NumberFields, switchboard.Number] {
	return items[NumberView, NumberFields, switchboard.Number]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Number] { return sb.Numbers },
		view: func(_ *Server, x switchboard.Number) NumberView {
			return NumberView{ItemMeta: itemMeta(x.Meta), NumberFields: NumberFields{Version: x.Version, Number: x.Number, Name: x.Name, FlowID: x.FlowID,
				QueueID: x.QueueID, Extension: x.Extension, CalendarID: x.CalendarID, Language: x.Language, Enabled: x.Enabled}}
		},
		build: func(f NumberFields, itemID string) (switchboard.Number, error) {
			return switchboard.Number{Meta: metaOf(itemID, f.Version), Number: f.Number, Name: f.Name, FlowID: f.FlowID, QueueID: f.QueueID,
				Extension: f.Extension, CalendarID: f.CalendarID, Language: f.Language, Enabled: f.Enabled}, nil
		},
		words: func(x switchboard.Number) []string { return []string{x.Number, x.Name} },
		names: map[string]string{"target": "flow_id"},
	}
}

func trunks() items[TrunkView, TrunkFields, switchboard.Trunk] {
	return items[TrunkView, TrunkFields, switchboard.Trunk]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Trunk] { return sb.Trunks },
		view: func(s *Server, x switchboard.Trunk) TrunkView {
			v := TrunkView{ItemMeta: itemMeta(x.Meta), HasSecret: x.HasSecret, TrunkFields: TrunkFields{Version: x.Version, Name: x.Name, Kind: x.Kind,
				Host: x.Host, Port: x.Port, Transport: x.Transport, PeerIPs: some(x.PeerIPs), Username: x.Username, Priority: x.Priority,
				MaxCalls: x.MaxCalls, CallerID: x.CallerID, OptionsEvery: x.OptionsEvery, RegisterFor: x.RegisterFor, Enabled: x.Enabled,
				Rules: mapped(x.Rules, func(r switchboard.NumberRule) NumberRule { return NumberRule(r) })}}
			for _, st := range s.trunkStatus() {
				if st.ID == x.ID {
					v.Status = &st
				}
			}
			return v
		},
		build: func(f TrunkFields, itemID string) (switchboard.Trunk, error) {
			return switchboard.Trunk{Meta: metaOf(itemID, f.Version), Name: f.Name, Kind: f.Kind, Host: f.Host, Port: f.Port, Transport: f.Transport,
				PeerIPs: some(f.PeerIPs), Username: f.Username, Priority: f.Priority, MaxCalls: f.MaxCalls, CallerID: f.CallerID,
				OptionsEvery: f.OptionsEvery, RegisterFor: f.RegisterFor, Enabled: f.Enabled, Password: f.Password,
				Rules: mapped(f.Rules, func(r NumberRule) switchboard.NumberRule { return switchboard.NumberRule(r) })}, nil
		},
		words: func(x switchboard.Trunk) []string { return []string{x.Name, x.Host} },
		names: map[string]string{"options_every": "options_every_s", "register_for": "register_for_s"},
	}
}

func (s *Server) trunkStatus() []TrunkStatus {
	if s.deps.Trunks == nil {
		return []TrunkStatus{}
	}
	return some(s.deps.Trunks())
}

func skillNeeds(in []switchboard.SkillNeed) []SkillNeed {
	return mapped(in, func(x switchboard.SkillNeed) SkillNeed { return SkillNeed(x) })
}

func queues() items[QueueView, QueueFields, switchboard.Queue] {
	return items[QueueView, QueueFields, switchboard.Queue]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Queue] { return sb.Queues },
		view: func(_ *Server, x switchboard.Queue) QueueView {
			return QueueView{ItemMeta: itemMeta(x.Meta), QueueFields: QueueFields{Version: x.Version, Code: x.Code, Name: x.Name, NameEN: x.NameEN,
				Strategy: x.Strategy, RingTimeoutS: x.RingTimeoutS, WrapUpS: x.WrapUpS, ServiceLevelS: x.ServiceLevelS, AnnounceEveryS: x.AnnounceEveryS,
				OverflowAfterS: x.OverflowAfterS, OverflowQueue: x.OverflowQueue, MaxWaiting: x.MaxWaiting, Priority: x.Priority,
				Skills: skillNeeds(x.Skills), MusicPrompt: x.MusicPrompt, CalendarID: x.CalendarID, Enabled: x.Enabled}}
		},
		build: func(f QueueFields, itemID string) (switchboard.Queue, error) {
			return switchboard.Queue{Meta: metaOf(itemID, f.Version), Code: f.Code, Name: f.Name, NameEN: f.NameEN, Strategy: f.Strategy,
				RingTimeoutS: f.RingTimeoutS, WrapUpS: f.WrapUpS, ServiceLevelS: f.ServiceLevelS, AnnounceEveryS: f.AnnounceEveryS,
				OverflowAfterS: f.OverflowAfterS, OverflowQueue: f.OverflowQueue, MaxWaiting: f.MaxWaiting, Priority: f.Priority,
				Skills:      mapped(f.Skills, func(x SkillNeed) switchboard.SkillNeed { return switchboard.SkillNeed(x) }),
				MusicPrompt: f.MusicPrompt, CalendarID: f.CalendarID, Enabled: f.Enabled}, nil
		},
		words: func(x switchboard.Queue) []string { return []string{x.Code, x.Name, x.NameEN} },
	}
}

func skills() items[SkillView, SkillFields, switchboard.Skill] {
	return items[SkillView, SkillFields, switchboard.Skill]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Skill] { return sb.Skills },
		view: func(_ *Server, x switchboard.Skill) SkillView {
			return SkillView{ItemMeta: itemMeta(x.Meta), SkillFields: SkillFields{Version: x.Version, Code: x.Code, Name: x.Name, NameEN: x.NameEN}}
		},
		build: func(f SkillFields, itemID string) (switchboard.Skill, error) {
			return switchboard.Skill{Meta: metaOf(itemID, f.Version), Code: f.Code, Name: f.Name, NameEN: f.NameEN}, nil
		},
		words: func(x switchboard.Skill) []string { return []string{x.Code, x.Name, x.NameEN} },
	}
}

func agents() items[AgentView, AgentFields, switchboard.AgentProfile] {
	return items[AgentView, AgentFields, switchboard.AgentProfile]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.AgentProfile] { return sb.Agents },
		view: func(_ *Server, x switchboard.AgentProfile) AgentView {
			return AgentView{ItemMeta: itemMeta(x.Meta), AgentFields: AgentFields{Version: x.Version, Number: x.Number, Name: x.Name,
				Queues:      mapped(x.Queues, func(m switchboard.QueueMember) QueueMember { return QueueMember(m) }),
				Skills:      mapped(x.Skills, func(k switchboard.AgentSkill) SkillNeed { return SkillNeed(k) }),
				DefaultSeat: x.DefaultSeat, Extension: x.Extension, AutoAnswer: x.AutoAnswer, Enabled: x.Enabled}}
		},
		build: func(f AgentFields, userID string) (switchboard.AgentProfile, error) {
			return switchboard.AgentProfile{Meta: metaOf(userID, f.Version), Number: f.Number, Name: f.Name,
				Queues:      mapped(f.Queues, func(m QueueMember) switchboard.QueueMember { return switchboard.QueueMember(m) }),
				Skills:      mapped(f.Skills, func(k SkillNeed) switchboard.AgentSkill { return switchboard.AgentSkill(k) }),
				DefaultSeat: f.DefaultSeat, Extension: f.Extension, AutoAnswer: f.AutoAnswer, Enabled: f.Enabled}, nil
		},
		words: func(x switchboard.AgentProfile) []string { return []string{x.Number, x.Name} },
	}
}

// createAgent makes an existing user an agent.
func (s *Server) createAgent(ctx context.Context, in *AgentCreateInput) (*Out[AgentView], error) {
	n, err := s.namesFor(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, known := n.users[in.Body.UserID]
	if !known {
		return nil, errs.InvalidField("body.user_id", "user.not_found")
	}
	if in.Body.Name == "" {
		in.Body.Name = name
	}
	return agents().add(ctx, s, in.Body.AgentFields, in.Body.UserID)
}

func dispositions() items[DispositionView, DispositionFields, switchboard.Disposition] {
	return items[DispositionView, DispositionFields, switchboard.Disposition]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Disposition] { return sb.Dispositions },
		view: func(_ *Server, x switchboard.Disposition) DispositionView {
			return DispositionView{ItemMeta: itemMeta(x.Meta), DispositionFields: DispositionFields{Version: x.Version, Code: x.Code, Name: x.Name,
				NameEN: x.NameEN, Category: x.Category, Position: x.Position, Enabled: x.Enabled}}
		},
		build: func(f DispositionFields, itemID string) (switchboard.Disposition, error) {
			return switchboard.Disposition{Meta: metaOf(itemID, f.Version), Code: f.Code, Name: f.Name, NameEN: f.NameEN, Category: f.Category,
				Position: f.Position, Enabled: f.Enabled}, nil
		},
		words: func(x switchboard.Disposition) []string { return []string{x.Code, x.Name, x.NameEN} },
	}
}

func reasons() items[ReasonView, ReasonFields, switchboard.Reason] {
	return items[ReasonView, ReasonFields, switchboard.Reason]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Reason] { return sb.Reasons },
		view: func(_ *Server, x switchboard.Reason) ReasonView {
			return ReasonView{ItemMeta: itemMeta(x.Meta), System: x.System, ReasonFields: ReasonFields{Version: x.Version, Code: x.Code, Name: x.Name,
				NameEN: x.NameEN, Paid: x.Paid, Position: x.Position, Enabled: x.Enabled}}
		},
		build: func(f ReasonFields, itemID string) (switchboard.Reason, error) {
			return switchboard.Reason{Meta: metaOf(itemID, f.Version), Code: f.Code, Name: f.Name, NameEN: f.NameEN, Paid: f.Paid,
				Position: f.Position, Enabled: f.Enabled}, nil
		},
		words: func(x switchboard.Reason) []string { return []string{x.Code, x.Name, x.NameEN} },
	}
}
