package api

import (
	"context"
	"time"

	"heartline/internal/care/consent"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// ConsentPurpose is something for which a person's data may be used.
type ConsentPurpose struct {
	Code      string   `json:"code"`
	Name      string   `json:"name"`
	NameEN    string   `json:"name_en"`
	Basis     string   `json:"basis" enum:"consent,contract" doc:"contract: allowed until refused"`
	Sensitive bool     `json:"sensitive" doc:"Needs a consent of its own, with evidence"`
	Channels  []string `json:"channels" doc:"any alone for purposes that use none"`
}

// ConsentText is one version of what people agree to.
type ConsentText struct {
	ID        string    `json:"id"`
	Purpose   string    `json:"purpose"`
	Version   int       `json:"version"`
	Language  string    `json:"language"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

// ConsentTextInput publishes the next version of a text.
type ConsentTextInput struct {
	Code string `path:"code" minLength:"1" maxLength:"40"`
	Body struct {
		Language string `json:"language" enum:"zh-CN,en"`
		Text     string `json:"text" minLength:"10" maxLength:"20000"`
	}
}

// ConsentCode names a purpose.
type ConsentCode struct {
	Code string `path:"code" minLength:"1" maxLength:"40"`
}

// ConsentEntry is one decision of a person.
type ConsentEntry struct {
	ID           string    `json:"id"`
	Purpose      string    `json:"purpose"`
	Channel      string    `json:"channel"`
	Decision     string    `json:"decision" enum:"granted,refused,withdrawn"`
	TextVersion  int       `json:"text_version"`
	TextLanguage string    `json:"text_language"`
	GivenBy      string    `json:"given_by" enum:"self,guardian"`
	GuardianID   string    `json:"guardian_id"`
	Evidence     string    `json:"evidence" enum:"call,form,portal,sms,onsite,"`
	EvidenceRef  string    `json:"evidence_ref"`
	Note         string    `json:"note"`
	At           time.Time `json:"at"`
	Actor        string    `json:"actor"`
	ActorName    string    `json:"actor_name"`
}

// ConsentState is where a person stands on one purpose and channel.
type ConsentState struct {
	Purpose  ConsentPurpose `json:"purpose"`
	Channel  string         `json:"channel"`
	Allowed  bool           `json:"allowed"`
	Decided  bool           `json:"decided" doc:"The person decided; else the basis does"`
	Outdated bool           `json:"outdated" doc:"A newer text exists than the one agreed to"`
	Entry    *ConsentEntry  `json:"entry,omitempty"`
}

// ConsentsView is all that a person decided.
type ConsentsView struct {
	Current []ConsentState `json:"current"`
	History []ConsentEntry `json:"history" doc:"Newest first"`
}

// ConsentInput adds a decision.
type ConsentInput struct {
	ByID
	Body struct {
		Purpose      string `json:"purpose" minLength:"1" maxLength:"40"`
		Channel      string `json:"channel" minLength:"1" maxLength:"20"`
		Decision     string `json:"decision" enum:"granted,refused,withdrawn"`
		TextVersion  int    `json:"text_version" required:"false" minimum:"0" doc:"0: the newest"`
		TextLanguage string `json:"text_language" required:"false" enum:"zh-CN,en" default:"zh-CN"`
		GivenBy      string `json:"given_by" required:"false" enum:"self,guardian" default:"self"`
		GuardianID   string `json:"guardian_id" required:"false" maxLength:"64"`
		Evidence     string `json:"evidence" required:"false" enum:"call,form,portal,sms,onsite,"`
		EvidenceRef  string `json:"evidence_ref" required:"false" maxLength:"100" doc:"Id of the call, number of the form"`
		Note         string `json:"note" required:"false" maxLength:"500"`
	}
}

func (s *Server) routeConsents() {
	read, write := needs(identity.PatientRead), needs(identity.PatientWrite)
	get(s, "/api/consent-purposes", "listConsentPurposes", "What data may be used for", read, s.listConsentPurposes)
	get(s, "/api/consent-purposes/{code}/texts", "listConsentTexts", "Versions of what people agree to", read, s.listConsentTexts)
	post(s, "/api/consent-purposes/{code}/texts", "addConsentText", "Publish the next version", needs(identity.PrivacyManage), s.addConsentText)
	get(s, "/api/patients/{id}/consents", "getConsents", "What a customer agreed to; audited", read, s.getConsents)
	post(s, "/api/patients/{id}/consents", "addConsent", "Take down a decision", write, s.addConsent)
}

func (s *Server) consents() (*consent.Service, error) {
	if s.deps.Consents == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Consents, nil
}

func consentPurpose(p consent.Purpose) ConsentPurpose {
	return ConsentPurpose{Code: p.Code, Name: p.Name, NameEN: p.NameEN, Basis: p.Basis, Sensitive: p.Sensitive, Channels: some(p.Channels)}
}

func consentEntry(e consent.Entry) ConsentEntry {
	return ConsentEntry{ID: e.ID, Purpose: e.Purpose, Channel: e.Channel, Decision: e.Decision, TextVersion: e.TextVersion, TextLanguage: e.TextLanguage,
		GivenBy: e.GivenBy, GuardianID: e.GuardianID, Evidence: e.Evidence, EvidenceRef: e.EvidenceRef, Note: e.Note, At: utc(e.At),
		Actor: e.Actor, ActorName: e.ActorName}
}

func consentText(t consent.Text) ConsentText {
	return ConsentText{ID: t.ID, Purpose: t.Purpose, Version: t.Version, Language: t.Language, Text: t.Text, CreatedAt: utc(t.CreatedAt), CreatedBy: t.CreatedBy}
}

func (s *Server) listConsentPurposes(ctx context.Context, _ *None) (*Out[List[ConsentPurpose]], error) {
	c, err := s.consents()
	if err != nil {
		return nil, err
	}
	list, err := c.Purposes(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, consentPurpose, ""), nil
}

func (s *Server) listConsentTexts(ctx context.Context, in *ConsentCode) (*Out[List[ConsentText]], error) {
	c, err := s.consents()
	if err != nil {
		return nil, err
	}
	list, err := c.Texts(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	return listOf(list, consentText, ""), nil
}

func (s *Server) addConsentText(ctx context.Context, in *ConsentTextInput) (*Out[ConsentText], error) {
	c, err := s.consents()
	if err != nil {
		return nil, err
	}
	t, err := c.AddText(ctx, consent.Text{Purpose: in.Code, Language: in.Body.Language, Text: in.Body.Text})
	if err != nil {
		return nil, err
	}
	return out(consentText(t)), nil
}

func (s *Server) getConsents(ctx context.Context, in *ByID) (*Out[ConsentsView], error) {
	c, err := s.consents()
	if err != nil {
		return nil, err
	}
	current, err := c.Of(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	history, err := c.History(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(ConsentsView{History: mapped(history, consentEntry), Current: mapped(current, func(x consent.Current) ConsentState {
		v := ConsentState{Purpose: consentPurpose(x.Purpose), Channel: x.Channel, Allowed: x.Allowed, Decided: x.Decided, Outdated: x.Outdated}
		if x.Decided {
			e := consentEntry(x.Entry)
			v.Entry = &e
		}
		return v
	})}), nil
}

func (s *Server) addConsent(ctx context.Context, in *ConsentInput) (*Out[ConsentEntry], error) {
	c, err := s.consents()
	if err != nil {
		return nil, err
	}
	b := in.Body
	e, err := c.Decide(ctx, consent.Entry{PatientID: in.ID, Purpose: b.Purpose, Channel: b.Channel, Decision: b.Decision, TextVersion: b.TextVersion,
		TextLanguage: b.TextLanguage, GivenBy: b.GivenBy, GuardianID: b.GuardianID, Evidence: b.Evidence, EvidenceRef: b.EvidenceRef, Note: b.Note})
	if err != nil {
		return nil, err
	}
	return out(consentEntry(e)), nil
}
