package api

import (
	"context"

	"heartline/internal/care/consent"
	"heartline/internal/care/patient"
	"heartline/internal/care/privacy"
	"heartline/internal/platform/identity"
)

// people tells those who may see it that something around the records changed.
func (s *Server) people(kind, id string, needs ...identity.Permission) {
	s.hub.publish(&fact{topic: topicPeople, needs: needs, data: ChangeEvent{Kind: kind, ID: id}})
}

func (s *Server) onImport(_ context.Context, f patient.ImportProgress) {
	s.people("import", f.ImportID, identity.PatientImport)
}

func (s *Server) onScan(context.Context, patient.ScanProgress) {
	s.people("duplicates", "", identity.PatientMerge)
}

func (s *Server) onConsent(_ context.Context, f consent.Changed) {
	s.people("consent", f.PatientID, identity.PatientRead)
}

func (s *Server) onPrivacy(_ context.Context, f privacy.Changed) {
	s.people("privacy", f.RequestID, identity.PrivacyManage)
}

func (s *Server) onGlass(_ context.Context, f patient.GlassBroken) {
	s.people("access", f.AccessID, identity.PrivacyManage)
}
