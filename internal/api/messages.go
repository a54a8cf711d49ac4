package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// MessageView is one message in a list: what it is and where it stands.
type MessageView struct {
	ID        string     `json:"id"`
	Direction string     `json:"direction" enum:"out,in"`
	Channel   string     `json:"channel" enum:"sms"`
	State     string     `json:"state" enum:"queued,sent,delivered,failed,expired,received"`
	Class     string     `json:"class" enum:"otp,service,reminder,marketing"`
	Template  string     `json:"template" doc:"Empty for a text of its own"`
	Version   int        `json:"version"`
	Lang      string     `json:"lang"`
	Number    string     `json:"number" doc:"Masked in lists"`
	Encoding  string     `json:"encoding" enum:"gsm7,ucs2"`
	Segments  int        `json:"segments" doc:"Short messages that it is sent as"`
	PatientID string     `json:"patient_id"`
	Patient   string     `json:"patient" doc:"Name, masked as the reader may see it"`
	Ref       string     `json:"ref" doc:"What it is about, such as an appointment"`
	Sender    string     `json:"sender"`
	Attempts  int        `json:"attempts"`
	Reason    string     `json:"reason" doc:"Why it waits or failed"`
	Answers   string     `json:"answers" doc:"Message that an incoming one answers"`
	Handled   bool       `json:"handled" doc:"Somebody acted on an incoming one"`
	CreatedAt time.Time  `json:"created_at"`
	SendAt    time.Time  `json:"send_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	SentAt    *time.Time `json:"sent_at,omitempty"`
	DoneAt    *time.Time `json:"done_at,omitempty"`
}

// MessageDetail is a message with its text and story.
type MessageDetail struct {
	MessageView
	Text  string        `json:"text" doc:"Empty for sign-in codes"`
	Steps []MessageStep `json:"steps"`
}

// MessageStep is one change of a message.
type MessageStep struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
}

// MessageQuery narrows the list.
type MessageQuery struct {
	Direction string    `query:"direction" enum:"in,out"`
	Status    string    `query:"status" enum:"queued,sent,delivered,failed,expired,received"`
	Class     string    `query:"class" enum:"otp,service,reminder,marketing"`
	Template  string    `query:"template" maxLength:"60"`
	Patient   string    `query:"patient" maxLength:"64"`
	Q         string    `query:"q" maxLength:"20" doc:"Number, whole or its last four digits"`
	Unhandled bool      `query:"unhandled" doc:"Incoming ones that nobody acted on"`
	From      time.Time `query:"from" doc:"Written at or after"`
	To        time.Time `query:"to" doc:"Written before"`
	Paging
}

// SendMessageInput writes a message. It goes to the person's mobile, or to
// the number given.
type SendMessageInput struct {
	Body struct {
		Key       string            `json:"key" required:"false" maxLength:"64" doc:"The same key writes one message only"`
		PatientID string            `json:"patient_id" required:"false" maxLength:"64"`
		To        string            `json:"to" required:"false" maxLength:"30"`
		Template  string            `json:"template" required:"false" maxLength:"60"`
		Lang      string            `json:"lang" required:"false" maxLength:"20"`
		Params    map[string]string `json:"params" required:"false"`
		Text      string            `json:"text" required:"false" maxLength:"700"`
	}
}

// MessageTemplateView is the text of a kind of message in one language.
type MessageTemplateView struct {
	Name      string                 `json:"name"`
	Lang      string                 `json:"lang" enum:"zh-CN,en"`
	Version   int                    `json:"version"`
	Class     string                 `json:"class"`
	Text      string                 `json:"text"`
	Enabled   bool                   `json:"enabled"`
	Params    []MessageTemplateParam `json:"params"`
	Actor     string                 `json:"actor" doc:"Who wrote it; empty for the one that ships"`
	CreatedAt *time.Time             `json:"created_at,omitempty"`
}

// MessageTemplateParam is a value that a template may use.
type MessageTemplateParam struct {
	Name     string `json:"name"`
	Optional bool   `json:"optional" doc:"May be empty: stands in brackets"`
	Sample   string `json:"sample"`
}

// MessageTemplateVersions asks for the texts that a template ever had.
type MessageTemplateVersions struct {
	Name string `query:"name" required:"true" maxLength:"60"`
	Lang string `query:"lang" required:"true" enum:"zh-CN,en"`
}

// SaveMessageTemplateInput stores a new text.
type SaveMessageTemplateInput struct {
	Body struct {
		Name    string `json:"name" maxLength:"60"`
		Lang    string `json:"lang" enum:"zh-CN,en"`
		Version int    `json:"version" doc:"As read; an older one is refused"`
		Text    string `json:"text" maxLength:"700"`
		Enabled bool   `json:"enabled"`
	}
}

// PreviewMessageInput asks what a text makes of the samples.
type PreviewMessageInput struct {
	Body struct {
		Name   string            `json:"name" required:"false" maxLength:"60" doc:"Empty: the text as it is"`
		Lang   string            `json:"lang" required:"false" enum:"zh-CN,en"`
		Text   string            `json:"text" maxLength:"700"`
		Params map[string]string `json:"params" required:"false"`
	}
}

// MessagePreview is a text as it will arrive.
type MessagePreview struct {
	Text     string `json:"text"`
	Encoding string `json:"encoding" enum:"gsm7,ucs2"`
	Units    int    `json:"units" doc:"Characters as the encoding counts them"`
	Segments int    `json:"segments"`
}

// MessageChannelView is the condition of a way out of the house.
type MessageChannelView struct {
	Name      string     `json:"name" enum:"log,http,smpp"`
	Up        bool       `json:"up"`
	Detail    string     `json:"detail"`
	LastError string     `json:"last_error"`
	Since     *time.Time `json:"since,omitempty"`
	Sent      int64      `json:"sent"`
	Failed    int64      `json:"failed"`
	Received  int64      `json:"received"`
	Receipts  int64      `json:"receipts"`
	Waiting   int        `json:"waiting" doc:"Answers that the message centre owes"`
}

// TryMessage is a message on the demo caller's telephone.
type TryMessage struct {
	ID   string    `json:"id"`
	Mine bool      `json:"mine" doc:"Written by the caller"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// TryMessagesQuery says whose telephone.
type TryMessagesQuery struct {
	Number string `query:"number" required:"true" minLength:"3" maxLength:"20"`
}

// TryMessageInput is what the demo caller writes back.
type TryMessageInput struct {
	Body struct {
		Number string `json:"number" minLength:"3" maxLength:"20"`
		Text   string `json:"text" minLength:"1" maxLength:"200"`
	}
}

func (s *Server) routeMessages() {
	read, write := needs(identity.MessageRead), needs(identity.MessageWrite)
	get(s, "/api/messages", "listMessages", "Messages, newest first", read, s.listMessages)
	get(s, "/api/messages/{id}", "getMessage", "A message with its text and story", read, s.getMessage)
	post(s, "/api/messages", "sendMessage", "Write a message", write, s.sendMessage)
	post(s, "/api/messages/{id}/retry", "retryMessage", "Send a failed message again", write, s.retryMessage)
	get(s, "/api/message-templates", "listMessageTemplates", "Templates in force", read, s.listMessageTemplates)
	get(s, "/api/message-templates/versions", "listMessageTemplateVersions", "Texts that a template ever had", read, s.listMessageTemplateVersions)
	put(s, "/api/message-templates", "saveMessageTemplate", "Store a new text for a template", write, s.saveMessageTemplate)
	post(s, "/api/message-templates/preview", "previewMessageTemplate", "What a text makes of the samples", read, s.previewMessageTemplate)
	get(s, "/api/message-channels", "listMessageChannels", "Condition of the senders", needs(identity.MessageRead, identity.SystemAdmin), s.listMessageChannels)
	get(s, "/api/try/messages", "listTryMessages", "Messages on the demo caller's telephone", public(), s.listTryMessages)
	post(s, "/api/try/messages", "sendTryMessage", "A message from the demo caller", public(), s.sendTryMessage)
}
