package api

import (
	"context"

	"heartline/internal/care/patient"
)

func (s *Server) getPatientHistory(ctx context.Context, in *PatientList) (*Out[List[FieldChangeView]], error) {
	list, next, err := s.deps.Patients.History(ctx, in.ID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	var guardians []string
	for _, c := range list {
		if c.Field == "guardian_id" {
			guardians = append(guardians, c.Old, c.New)
		}
	}
	p, err := s.personsOf(ctx, guardians, nil)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(c patient.FieldChange) FieldChangeView {
		if c.Field == "guardian_id" {
			c.Old, c.New = p.name(c.Old), p.name(c.New)
		}
		return FieldChangeView{ID: c.ID, PatientID: c.PatientID, At: utc(c.At), Version: c.Version, Actor: c.Actor, ActorName: c.ActorName,
			Source: c.Source, Field: c.Field, Old: c.Old, New: c.New, Erased: c.Erased}
	}, next), nil
}

func (s *Server) setFamily(ctx context.Context, in *FamilyInput) (*Out[FamilyView], error) {
	if _, err := s.deps.Patients.SetFamily(ctx, in.ID, in.Body.HouseholdID, in.Body.Name, in.Body.Relation); err != nil {
		return nil, err
	}
	return s.getFamily(ctx, &in.ByID)
}

func duplicateReasons(in []patient.Reason) []DuplicateReason {
	return mapped(in, func(r patient.Reason) DuplicateReason { return DuplicateReason{Code: r.Code, Points: r.Points} })
}

func (s *Server) listDuplicates(ctx context.Context, in *DuplicateQuery) (*Out[List[DuplicateView]], error) {
	list, next, err := s.deps.Patients.Duplicates(ctx, patient.DuplicateFilter{Status: in.Status, PatientID: in.Patient, MinScore: in.MinScore,
		Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return listOf(list, func(d patient.Duplicate) DuplicateView {
		return DuplicateView{ID: d.ID, A: patientHit(d.A, ""), B: patientHit(d.B, ""), Score: d.Score, Reasons: duplicateReasons(d.Reasons),
			Status: d.Status, FoundAt: utc(d.FoundAt), Note: d.Note}
	}, next), nil
}

func (s *Server) scanDuplicates(ctx context.Context, _ *None) (*Empty, error) {
	return nil, s.deps.Patients.ScanDuplicates(ctx)
}

func (s *Server) getDuplicateScan(ctx context.Context, _ *None) (*Out[ScanView], error) {
	sc, err := s.deps.Patients.ScanState(ctx)
	if err != nil {
		return nil, err
	}
	return out(ScanView{State: sc.State, Step: sc.Step, Steps: sc.Steps, Compared: sc.Compared, StartedAt: maybe(sc.StartedAt), EndedAt: maybe(sc.EndedAt)}), nil
}

func (s *Server) dismissDuplicate(ctx context.Context, in *NoteInput) (*Empty, error) {
	return nil, s.deps.Patients.DismissDuplicate(ctx, in.ID, in.Body.Note)
}

func (s *Server) comparePatients(ctx context.Context, in *CompareQuery) (*Out[ComparisonView], error) {
	c, err := s.deps.Patients.Compare(ctx, in.A, in.B)
	if err != nil {
		return nil, err
	}
	return out(ComparisonView{A: s.patientView(c.A), B: s.patientView(c.B), Score: c.Score, Reasons: duplicateReasons(c.Points),
		Fields: mapped(c.Fields, func(f patient.ComparedField) ComparedField { return ComparedField(f) })}), nil
}

func mergeView(m patient.Merged) MergeView {
	parts := m.Parts
	if parts == nil {
		parts = map[string]int{}
	}
	return MergeView{ID: m.ID, Keep: m.Keep, Merge: m.Merge, At: utc(m.At), Actor: m.Actor, ActorName: m.ActorName, Reason: m.Reason,
		Parts: parts, UndoneAt: maybe(m.UndoneAt), CanUndo: m.CanUndo}
}

func (s *Server) mergePatients(ctx context.Context, in *MergeInput) (*Out[MergeView], error) {
	b := in.Body
	m, err := s.deps.Patients.Merge(ctx, patient.MergeRequest{Keep: b.Keep, Merge: b.Merge, Version: b.Version, Fields: b.Fields, Reason: b.Reason})
	if err != nil {
		return nil, err
	}
	return out(mergeView(m)), nil
}

func (s *Server) listMerges(ctx context.Context, in *MergeQuery) (*Out[List[MergeView]], error) {
	list, next, err := s.deps.Patients.Merges(ctx, in.Patient, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range list {
		ids = append(ids, m.Keep, m.Merge)
	}
	p, err := s.personsOf(ctx, ids, nil)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(m patient.Merged) MergeView {
		v := mergeView(m)
		v.Kept, v.Merged = p.hit(m.Keep), p.hit(m.Merge)
		return v
	}, next), nil
}

func (s *Server) undoMerge(ctx context.Context, in *ReasonInput) (*Out[MergeView], error) {
	m, err := s.deps.Patients.UndoMerge(ctx, in.ID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return out(mergeView(m)), nil
}

func groupView(g patient.Group) GroupView {
	return GroupView{ItemMeta: ItemMeta{ID: g.ID, CreatedAt: utc(g.CreatedAt), UpdatedAt: utc(g.UpdatedAt)}, Members: g.Members,
		GroupFields: GroupFields{Version: g.Version, Kind: g.Kind, Code: g.Code, Name: g.Name, Contact: g.Contact, Phone: g.Phone, Address: g.Address,
			ValidFrom: g.ValidFrom, ValidTo: g.ValidTo, Notes: g.Notes}}
}

func (f GroupFields) group(id string) patient.Group {
	return patient.Group{ID: id, Version: f.Version, Kind: f.Kind, Code: f.Code, Name: f.Name, Contact: f.Contact, Phone: f.Phone, Address: f.Address,
		ValidFrom: f.ValidFrom, ValidTo: f.ValidTo, Notes: f.Notes}
}

func groupOut(g patient.Group, err error) (*Out[GroupView], error) {
	if err != nil {
		return nil, err
	}
	return out(groupView(g)), nil
}

func (s *Server) listGroups(ctx context.Context, in *GroupQuery) (*Out[List[GroupView]], error) {
	list, next, err := s.deps.Patients.Groups(ctx, patient.GroupFilter{Query: in.Q, Kind: in.Kind, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return listOf(list, groupView, next), nil
}

func (s *Server) listGroupsOfPatient(ctx context.Context, in *ByID) (*Out[List[GroupView]], error) {
	list, err := s.deps.Patients.GroupsOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return listOf(list, groupView, ""), nil
}

func (s *Server) getGroup(ctx context.Context, in *ByID) (*Out[GroupView], error) {
	return groupOut(s.deps.Patients.Group(ctx, in.ID))
}

func (s *Server) createGroup(ctx context.Context, in *GroupInput) (*Out[GroupView], error) {
	return groupOut(s.deps.Patients.SaveGroup(ctx, in.Body.group("")))
}

func (s *Server) updateGroup(ctx context.Context, in *GroupUpdateInput) (*Out[GroupView], error) {
	return groupOut(s.deps.Patients.SaveGroup(ctx, in.Body.group(in.ID)))
}

func (s *Server) deleteGroup(ctx context.Context, in *ByID) (*Empty, error) {
	return nil, s.deps.Patients.DeleteGroup(ctx, in.ID)
}

func (s *Server) listGroupMembers(ctx context.Context, in *PatientList) (*Out[List[GroupMemberView]], error) {
	list, next, err := s.deps.Patients.GroupMembers(ctx, in.ID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(m patient.GroupMember) GroupMemberView {
		return GroupMemberView{PatientHit: patientHit(m.Card, ""), Number: m.Number, Role: m.Role, Since: m.Since, Until: m.Until}
	}, next), nil
}

func (s *Server) addGroupMember(ctx context.Context, in *GroupMemberInput) (*Empty, error) {
	b := in.Body
	return nil, s.deps.Patients.AddGroupMember(ctx, in.ID, b.PatientID, patient.GroupMember{Number: b.Number, Role: b.Role, Since: b.Since, Until: b.Until})
}

func (s *Server) removeGroupMember(ctx context.Context, in *GroupMemberPath) (*Empty, error) {
	return nil, s.deps.Patients.RemoveGroupMember(ctx, in.ID, in.Patient)
}

func (s *Server) getLifecycleRules(ctx context.Context, _ *None) (*Out[StageRules], error) {
	list, err := s.deps.Patients.LifecycleRules(ctx)
	if err != nil {
		return nil, err
	}
	return out(StageRules{Rules: mapped(list, func(r patient.StageRule) StageRuleView { return StageRuleView(r) })}), nil
}

func (s *Server) putLifecycleRules(ctx context.Context, in *StageRulesInput) (*Out[StageRules], error) {
	rules := mapped(in.Body.Rules, func(r StageRuleView) patient.StageRule { return patient.StageRule(r) })
	if err := s.deps.Patients.SaveLifecycleRules(ctx, rules); err != nil {
		return nil, err
	}
	return s.getLifecycleRules(ctx, nil)
}
