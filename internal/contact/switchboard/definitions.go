package switchboard

import (
	"fmt"

	"heartline/internal/platform/identity"
)

// define describes every kind of item to its Set.
func (s *Service) define() {
	s.Numbers = &Set[Number]{s, s.defineNumbers()}
	s.Extensions = &Set[Extension]{s, s.defineExtensions()}
	s.Trunks = &Set[Trunk]{s, s.defineTrunks()}
	s.Queues = &Set[Queue]{s, s.defineQueues()}
	s.Skills = &Set[Skill]{s, s.defineSkills()}
	s.Agents = &Set[AgentProfile]{s, s.defineAgents()}
	s.Calendars = &Set[Calendar]{s, s.defineCalendars()}
	s.Dispositions = &Set[Disposition]{s, s.defineDispositions()}
	s.Reasons = &Set[Reason]{s, s.defineReasons()}
	s.flows = &Set[Flow]{s, s.defineFlows()}
}

func telephony() []identity.Permission { return []identity.Permission{identity.AdminTelephony} }

func (s *Service) defineNumbers() definition[Number] {
	return definition[Number]{
		kind: "number", table: "numbers", order: "number", perms: telephony(), unique: "number",
		meta: func(v *Number) *Meta { return &v.Meta }, check: s.checkNumber,
		columns: []column[Number]{
			{"number", func(v *Number) any { return &v.Number }},
			{"name", func(v *Number) any { return &v.Name }},
			{"flow_id", func(v *Number) any { return &v.FlowID }},
			{"queue_id", func(v *Number) any { return &v.QueueID }},
			{"extension", func(v *Number) any { return &v.Extension }},
			{"calendar_id", func(v *Number) any { return &v.CalendarID }},
			{"language", func(v *Number) any { return &v.Language }},
			{"enabled", func(v *Number) any { return flag{&v.Enabled} }},
		},
	}
}

func (s *Service) defineExtensions() definition[Extension] {
	return definition[Extension]{
		kind: "extension", table: "extensions", order: "number", perms: telephony(), unique: "number",
		meta: func(v *Extension) *Meta { return &v.Meta }, check: s.checkExtension,
		merge: func(v, old *Extension) error {
			if old != nil {
				v.sealed = old.sealed
			}
			if err := s.seal("extensions", v.ID, v.Secret, &v.sealed); err != nil {
				return err
			}
			v.Secret, v.HasSecret = "", v.sealed != ""
			return nil
		},
		refs: []reference{
			{table: "numbers", column: "extension", by: "number"},
			{table: "agent_profiles", column: "extension", by: "number"},
			{table: "flow_versions", column: "graph", by: "number", inJSON: true, where: "state = 'published'"},
		},
		columns: []column[Extension]{
			{"number", func(v *Extension) any { return &v.Number }},
			{"name", func(v *Extension) any { return &v.Name }},
			{"user_id", func(v *Extension) any { return &v.UserID }},
			{"kind", func(v *Extension) any { return &v.Kind }},
			{"mobile_number", func(v *Extension) any { return &v.MobileNumber }},
			{"department", func(v *Extension) any { return &v.Department }},
			{"max_contacts", func(v *Extension) any { return &v.MaxContacts }},
			{"enabled", func(v *Extension) any { return flag{&v.Enabled} }},
			{"secret", func(v *Extension) any { return secret{&v.sealed, &v.HasSecret} }},
		},
	}
}

func (s *Service) defineTrunks() definition[Trunk] {
	return definition[Trunk]{
		kind: "trunk", table: "trunks", order: "priority, name", perms: telephony(), unique: "name",
		meta: func(v *Trunk) *Meta { return &v.Meta }, check: s.checkTrunk,
		merge: func(v, old *Trunk) error {
			if old != nil {
				v.sealed = old.sealed
			}
			if err := s.seal("trunks", v.ID, v.Password, &v.sealed); err != nil {
				return err
			}
			v.Password, v.HasSecret = "", v.sealed != ""
			return nil
		},
		columns: []column[Trunk]{
			{"name", func(v *Trunk) any { return &v.Name }},
			{"kind", func(v *Trunk) any { return &v.Kind }},
			{"host", func(v *Trunk) any { return &v.Host }},
			{"port", func(v *Trunk) any { return &v.Port }},
			{"transport", func(v *Trunk) any { return &v.Transport }},
			{"peer_ips", func(v *Trunk) any { return document{&v.PeerIPs} }},
			{"username", func(v *Trunk) any { return &v.Username }},
			{"priority", func(v *Trunk) any { return &v.Priority }},
			{"max_calls", func(v *Trunk) any { return &v.MaxCalls }},
			{"caller_id", func(v *Trunk) any { return &v.CallerID }},
			{"rules", func(v *Trunk) any { return document{&v.Rules} }},
			{"options_every", func(v *Trunk) any { return &v.OptionsEvery }},
			{"register_for", func(v *Trunk) any { return &v.RegisterFor }},
			{"enabled", func(v *Trunk) any { return flag{&v.Enabled} }},
			{"secret", func(v *Trunk) any { return secret{&v.sealed, &v.HasSecret} }},
		},
	}
}

func (s *Service) defineQueues() definition[Queue] {
	published := "state = 'published'"
	return definition[Queue]{
		kind: "queue", table: "queues", order: "code", perms: telephony(), unique: "code",
		meta: func(v *Queue) *Meta { return &v.Meta }, check: s.checkQueue,
		refs: []reference{
			{table: "numbers", column: "queue_id"},
			{table: "queues", column: "overflow_queue"},
			{table: "agent_profiles", column: "queues", inJSON: true},
			{table: "flow_versions", column: "graph", inJSON: true, where: published},
			{table: "flow_versions", column: "graph", by: "code", inJSON: true, where: published},
		},
		columns: []column[Queue]{
			{"code", func(v *Queue) any { return &v.Code }},
			{"name", func(v *Queue) any { return &v.Name }},
			{"name_en", func(v *Queue) any { return &v.NameEN }},
			{"strategy", func(v *Queue) any { return &v.Strategy }},
			{"ring_timeout_s", func(v *Queue) any { return &v.RingTimeoutS }},
			{"wrap_up_s", func(v *Queue) any { return &v.WrapUpS }},
			{"service_level_s", func(v *Queue) any { return &v.ServiceLevelS }},
			{"announce_every_s", func(v *Queue) any { return &v.AnnounceEveryS }},
			{"overflow_after_s", func(v *Queue) any { return &v.OverflowAfterS }},
			{"overflow_queue", func(v *Queue) any { return &v.OverflowQueue }},
			{"max_waiting", func(v *Queue) any { return &v.MaxWaiting }},
			{"priority", func(v *Queue) any { return &v.Priority }},
			{"skills", func(v *Queue) any { return document{&v.Skills} }},
			{"music_prompt", func(v *Queue) any { return &v.MusicPrompt }},
			{"calendar_id", func(v *Queue) any { return &v.CalendarID }},
			{"enabled", func(v *Queue) any { return flag{&v.Enabled} }},
		},
	}
}

func (s *Service) defineSkills() definition[Skill] {
	return definition[Skill]{
		kind: "skill", table: "skills", order: "code", perms: telephony(), unique: "code",
		meta: func(v *Skill) *Meta { return &v.Meta }, check: s.checkSkill,
		refs: []reference{
			{table: "queues", column: "skills", by: "code", inJSON: true},
			{table: "agent_profiles", column: "skills", by: "code", inJSON: true},
			{table: "flow_versions", column: "graph", by: "code", inJSON: true, where: "state = 'published'"},
		},
		columns: []column[Skill]{
			{"code", func(v *Skill) any { return &v.Code }},
			{"name", func(v *Skill) any { return &v.Name }},
			{"name_en", func(v *Skill) any { return &v.NameEN }},
		},
	}
}

func (s *Service) defineAgents() definition[AgentProfile] {
	return definition[AgentProfile]{
		kind: "agent", table: "agent_profiles", order: "number", perms: telephony(), givenID: true, unique: "number",
		meta: func(v *AgentProfile) *Meta { return &v.Meta }, check: s.checkAgent,
		columns: []column[AgentProfile]{
			{"number", func(v *AgentProfile) any { return &v.Number }},
			{"name", func(v *AgentProfile) any { return &v.Name }},
			{"queues", func(v *AgentProfile) any { return document{&v.Queues} }},
			{"skills", func(v *AgentProfile) any { return document{&v.Skills} }},
			{"default_seat", func(v *AgentProfile) any { return &v.DefaultSeat }},
			{"extension", func(v *AgentProfile) any { return &v.Extension }},
			{"auto_answer", func(v *AgentProfile) any { return flag{&v.AutoAnswer} }},
			{"enabled", func(v *AgentProfile) any { return flag{&v.Enabled} }},
		},
	}
}

func (s *Service) defineCalendars() definition[Calendar] {
	return definition[Calendar]{
		kind: "calendar", table: "calendars", order: "name", unique: "name",
		perms: []identity.Permission{identity.AdminTelephony, identity.AdminFlows},
		meta:  func(v *Calendar) *Meta { return &v.Meta }, check: s.checkCalendar,
		refs: []reference{
			{table: "numbers", column: "calendar_id"},
			{table: "queues", column: "calendar_id"},
			{table: "flow_versions", column: "graph", inJSON: true, where: "state = 'published'"},
		},
		columns: []column[Calendar]{
			{"name", func(v *Calendar) any { return &v.Name }},
			{"time_zone", func(v *Calendar) any { return &v.Hours.Zone }},
			{"week", func(v *Calendar) any { return document{&v.Hours.Weekly} }},
			{"days", func(v *Calendar) any { return document{&v.Hours.Holidays} }},
		},
	}
}

func (s *Service) defineDispositions() definition[Disposition] {
	return definition[Disposition]{
		kind: "disposition", table: "dispositions", order: "position, code", perms: telephony(), unique: "code",
		meta: func(v *Disposition) *Meta { return &v.Meta }, check: s.checkDisposition,
		columns: []column[Disposition]{
			{"code", func(v *Disposition) any { return &v.Code }},
			{"name", func(v *Disposition) any { return &v.Name }},
			{"name_en", func(v *Disposition) any { return &v.NameEN }},
			{"category", func(v *Disposition) any { return &v.Category }},
			{"position", func(v *Disposition) any { return &v.Position }},
			{"enabled", func(v *Disposition) any { return flag{&v.Enabled} }},
		},
	}
}

func (s *Service) defineReasons() definition[Reason] {
	return definition[Reason]{
		kind: "reason", table: "not_ready_reasons", order: "position, code", perms: telephony(), unique: "code",
		meta: func(v *Reason) *Meta { return &v.Meta }, check: s.checkReason,
		columns: []column[Reason]{
			{"code", func(v *Reason) any { return &v.Code }},
			{"name", func(v *Reason) any { return &v.Name }},
			{"name_en", func(v *Reason) any { return &v.NameEN }},
			{"paid", func(v *Reason) any { return flag{&v.Paid} }},
			{"system", func(v *Reason) any { return flag{&v.System} }},
			{"position", func(v *Reason) any { return &v.Position }},
			{"enabled", func(v *Reason) any { return flag{&v.Enabled} }},
		},
	}
}

func (s *Service) defineFlows() definition[Flow] {
	return definition[Flow]{
		kind: "flow", table: "flows", order: "name", perms: []identity.Permission{identity.AdminFlows}, unique: "name",
		meta: func(v *Flow) *Meta { return &v.Meta }, check: s.checkFlow,
		merge: func(v, old *Flow) error {
			v.Published, v.Draft = 0, 0
			if old != nil {
				v.Published, v.Draft = old.Published, old.Draft
			}
			return nil
		},
		refs: []reference{{table: "numbers", column: "flow_id"}},
		columns: []column[Flow]{
			{"name", func(v *Flow) any { return &v.Name }},
			{"language", func(v *Flow) any { return &v.Language }},
			{"published", func(v *Flow) any { return &v.Published }},
			{"draft", func(v *Flow) any { return &v.Draft }},
		},
	}
}

// seal replaces *sealed by the sealed form of a new secret; an empty one keeps it.
func (s *Service) seal(table, itemID, plain string, sealed *string) error {
	if plain == "" {
		return nil
	}
	out, err := s.keys.Seal(plain, table+":"+itemID+":secret")
	if err != nil {
		return fmt.Errorf("seal secret: %w", err)
	}
	*sealed = out
	return nil
}
