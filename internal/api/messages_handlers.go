package api

import (
	"context"

	"heartline/internal/contact/messaging"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// messages is the outbox, if the house has one.
func (s *Server) messages() (*messaging.Service, error) {
	if s.deps.Messages == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Messages, nil
}

func messageView(m messaging.Message) MessageView {
	return MessageView{ID: m.ID, Direction: m.Direction, Channel: m.Channel, State: string(m.State), Class: string(m.Class), Template: m.Template,
		Version: m.Version, Lang: m.Lang, Number: m.Number, Encoding: m.Encoding, Segments: m.Segments, PatientID: m.PatientID, Ref: m.Ref,
		Sender: m.Sender, Attempts: m.Attempts, Reason: m.Reason, Answers: m.Answers, Handled: m.Handled, CreatedAt: utc(m.CreatedAt),
		SendAt: utc(m.SendAt), ExpiresAt: maybe(m.ExpiresAt), SentAt: maybe(m.SentAt), DoneAt: maybe(m.DoneAt)}
}

// nameMessages writes the names of the people into a list, for those who may
// see them.
func (s *Server) nameMessages(ctx context.Context, list []MessageView) error {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return nil
	}
	var ids []string
	for _, m := range list {
		if m.PatientID != "" {
			ids = append(ids, m.PatientID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	cards, err := s.deps.Patients.Cards(ctx, ids)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Patient = cards[list[i].PatientID].Name
	}
	return nil
}

func (s *Server) listMessages(ctx context.Context, in *MessageQuery) (*Out[List[MessageView]], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	f := messaging.Filter{Direction: in.Direction, Class: messaging.Class(in.Class), Template: in.Template, PatientID: in.Patient, Number: in.Q,
		Unhandled: in.Unhandled, From: in.From, To: in.To, Limit: in.Limit, Cursor: in.Cursor}
	if in.Status != "" {
		f.States = []messaging.State{messaging.State(in.Status)}
	}
	page, err := box.List(ctx, f)
	if err != nil {
		return nil, err
	}
	list := listOf(page.Messages, messageView, page.Next)
	return list, s.nameMessages(ctx, list.Body.Items)
}

func (s *Server) getMessage(ctx context.Context, in *ByID) (*Out[MessageDetail], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	m, steps, err := box.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	views := []MessageView{messageView(m)}
	if err := s.nameMessages(ctx, views); err != nil {
		return nil, err
	}
	return out(MessageDetail{MessageView: views[0], Text: m.Text, Steps: mapped(steps, func(x messaging.Step) MessageStep {
		return MessageStep{At: utc(x.At), State: string(x.State), Reason: x.Reason, Actor: s.agentName(x.Actor)}
	})}), nil
}

func (s *Server) sendMessage(ctx context.Context, in *SendMessageInput) (*Out[MessageView], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	b := in.Body
	m, err := box.Send(ctx, messaging.Outgoing{Key: b.Key, PatientID: b.PatientID, To: b.To, Template: b.Template, Lang: b.Lang, Params: b.Params, Text: b.Text})
	if err != nil {
		return nil, err
	}
	return out(messageView(m)), nil
}

func (s *Server) retryMessage(ctx context.Context, in *ByID) (*Out[MessageView], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	m, err := box.Retry(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(messageView(m)), nil
}

// templateViews adds what a kind may use to its texts.
func templateViews(list []messaging.Template) []MessageTemplateView {
	kinds := map[string]messaging.Kind{}
	for _, k := range messaging.Kinds() {
		kinds[k.Name] = k
	}
	return mapped(list, func(t messaging.Template) MessageTemplateView {
		k := kinds[t.Name]
		return MessageTemplateView{Name: t.Name, Lang: t.Lang, Version: t.Version, Class: string(k.Class), Text: t.Text, Enabled: t.Enabled,
			Actor: t.ActorName, CreatedAt: maybe(t.CreatedAt), Params: mapped(k.Params, func(p messaging.Param) MessageTemplateParam {
				return MessageTemplateParam{Name: p.Name, Optional: p.Optional, Sample: p.Sample[t.Lang]}
			})}
	})
}

func (s *Server) listMessageTemplates(ctx context.Context, _ *None) (*Out[List[MessageTemplateView]], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	list, err := box.Templates(ctx)
	if err != nil {
		return nil, err
	}
	return out(List[MessageTemplateView]{Items: templateViews(list)}), nil
}

func (s *Server) listMessageTemplateVersions(ctx context.Context, in *MessageTemplateVersions) (*Out[List[MessageTemplateView]], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	list, err := box.Versions(ctx, in.Name, in.Lang)
	if err != nil {
		return nil, err
	}
	return out(List[MessageTemplateView]{Items: templateViews(list)}), nil
}

func (s *Server) saveMessageTemplate(ctx context.Context, in *SaveMessageTemplateInput) (*Out[MessageTemplateView], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	b := in.Body
	t, err := box.SaveTemplate(ctx, messaging.Template{Name: b.Name, Lang: b.Lang, Version: b.Version, Text: b.Text, Enabled: b.Enabled})
	if err != nil {
		return nil, err
	}
	return out(templateViews([]messaging.Template{t})[0]), nil
}

func (s *Server) previewMessageTemplate(ctx context.Context, in *PreviewMessageInput) (*Out[MessagePreview], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	p := messaging.NewPreview(in.Body.Text)
	if in.Body.Name != "" {
		if p, err = box.PreviewTemplate(ctx, in.Body.Name, in.Body.Lang, in.Body.Text, in.Body.Params); err != nil {
			return nil, err
		}
	}
	return out(MessagePreview{Text: p.Text, Encoding: p.Encoding, Units: p.Units, Segments: p.Segments}), nil
}

func (s *Server) listMessageChannels(ctx context.Context, _ *None) (*Out[List[MessageChannelView]], error) {
	box, err := s.messages()
	if err != nil {
		return nil, err
	}
	list, err := box.Channels(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(h messaging.Health) MessageChannelView {
		return MessageChannelView{Name: h.Name, Up: h.Up, Detail: h.Detail, LastError: h.LastError, Since: maybe(h.Since), Sent: h.Sent,
			Failed: h.Failed, Received: h.Received, Receipts: h.Receipts, Waiting: h.Waiting}
	}, ""), nil
}

// demoPhone opens the demo's telephone; outside the demo there is none.
func (s *Server) demoPhone() (*messaging.Service, error) {
	if !s.deps.About.Demo || s.deps.Messages == nil {
		return nil, errs.New(errs.NotFound, "not_found")
	}
	return s.deps.Messages, nil
}

// newestOnPhone is how many messages the demo's telephone shows.
const newestOnPhone = 30

func (s *Server) listTryMessages(ctx context.Context, in *TryMessagesQuery) (*Out[List[TryMessage]], error) {
	box, err := s.demoPhone()
	if err != nil {
		return nil, err
	}
	list, err := box.Phone(ctx, in.Number, newestOnPhone)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(m messaging.Message) TryMessage {
		return TryMessage{ID: m.ID, Mine: m.Direction == messaging.In, Text: m.Text, At: utc(m.CreatedAt)}
	}, ""), nil
}

func (s *Server) sendTryMessage(ctx context.Context, in *TryMessageInput) (*Out[TryMessage], error) {
	box, err := s.demoPhone()
	if err != nil {
		return nil, err
	}
	if _, ok := messaging.Number(in.Body.Number); !ok {
		return nil, errs.InvalidField("body.number", "message.number_invalid")
	}
	messageID, err := box.Receive(ctx, messaging.Arrival{Sender: "try", From: in.Body.Number, Text: in.Body.Text, At: s.now()})
	if err != nil {
		return nil, err
	}
	return out(TryMessage{ID: messageID, Mine: true, Text: in.Body.Text, At: utc(s.now())}), nil
}

// onMessage tells those who may read messages that one changed.
func (s *Server) onMessage(_ context.Context, f messaging.Changed) {
	s.hub.publish(&fact{topic: topicMessage, needs: []identity.Permission{identity.MessageRead}, data: ChangeEvent{Kind: "message", ID: f.ID}})
}
