package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// ItemMeta is what every stored item of the configuration carries.
type ItemMeta struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// ListQuery filters lists of the administration.
type ListQuery struct {
	Q string `query:"q" maxLength:"60"`
}

// ExtensionView is an internal number.
type ExtensionView struct {
	ItemMeta
	ExtensionFields
	HasSecret bool   `json:"has_secret"`
	UserName  string `json:"user_name"`
	Online    bool   `json:"online" doc:"A phone is registered"`
}

// ExtensionFields are what an administrator may set.
type ExtensionFields struct {
	Version      int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Number       string `json:"number" minLength:"2" maxLength:"10" pattern:"^[0-9]+$"`
	Name         string `json:"name" minLength:"1" maxLength:"100"`
	UserID       string `json:"user_id" required:"false" maxLength:"64"`
	Kind         string `json:"kind" enum:"desk_phone,softphone,mobile"`
	MobileNumber string `json:"mobile_number" required:"false" maxLength:"20"`
	Department   string `json:"department" required:"false" maxLength:"30"`
	MaxContacts  int    `json:"max_contacts" required:"false" minimum:"1" maximum:"10" default:"3"`
	Enabled      bool   `json:"enabled"`
	Secret       string `json:"secret,omitempty" maxLength:"100" writeOnly:"true" doc:"SIP password; empty keeps the old one"`
}

// NumberView is a number that the hospital answers.
type NumberView struct {
	ItemMeta
	NumberFields
}

// NumberFields are what an administrator may set. Exactly one of flow_id,
// queue_id and extension is given.
type NumberFields struct {
	Version    int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Number     string `json:"number" minLength:"2" maxLength:"20" pattern:"^[0-9+]+$"`
	Name       string `json:"name" minLength:"1" maxLength:"100"`
	FlowID     string `json:"flow_id" required:"false" maxLength:"64"`
	QueueID    string `json:"queue_id" required:"false" maxLength:"64"`
	Extension  string `json:"extension" required:"false" maxLength:"10"`
	CalendarID string `json:"calendar_id" required:"false" maxLength:"64"`
	Language   string `json:"language" required:"false" maxLength:"20" default:"zh-CN"`
	Enabled    bool   `json:"enabled"`
}

// TrunkView is a line to a carrier or to the hospital's PBX.
type TrunkView struct {
	ItemMeta
	TrunkFields
	HasSecret bool         `json:"has_secret"`
	Status    *TrunkStatus `json:"status,omitempty"`
}

// TrunkStatus is how a trunk is doing.
type TrunkStatus struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Up         bool       `json:"up"`
	Registered bool       `json:"registered"`
	Since      *time.Time `json:"since,omitempty"`
	LatencyMs  float64    `json:"latency_ms"`
	Calls      int        `json:"calls"`
	LastCode   int        `json:"last_code" doc:"SIP status of the last check"`
	LastError  string     `json:"last_error" doc:"For technicians, in English"`
}

// TrunkFields are what an administrator may set.
type TrunkFields struct {
	Version      int64        `json:"version" required:"false" doc:"As read; an older one is refused"`
	Name         string       `json:"name" minLength:"1" maxLength:"100"`
	Kind         string       `json:"kind" enum:"static,register"`
	Host         string       `json:"host" minLength:"1" maxLength:"253"`
	Port         int          `json:"port" required:"false" minimum:"0" maximum:"65535" default:"5060"`
	Transport    string       `json:"transport" required:"false" enum:"udp,tcp,tls" default:"udp"`
	PeerIPs      []string     `json:"peer_ips" required:"false" maxItems:"50"`
	Username     string       `json:"username" required:"false" maxLength:"100"`
	Password     string       `json:"password,omitempty" maxLength:"100" writeOnly:"true" doc:"Empty keeps the old one"`
	Priority     int          `json:"priority" required:"false" minimum:"0" maximum:"100"`
	MaxCalls     int          `json:"max_calls" required:"false" minimum:"0" maximum:"10000"`
	CallerID     string       `json:"caller_id" required:"false" maxLength:"30"`
	Rules        []NumberRule `json:"rules" required:"false" maxItems:"50"`
	OptionsEvery int          `json:"options_every_s" required:"false" minimum:"0" maximum:"3600" doc:"0: off"`
	RegisterFor  int          `json:"register_for_s" required:"false" minimum:"60" maximum:"86400" default:"300"`
	Enabled      bool         `json:"enabled"`
}

// NumberRule rewrites numbers on their way through a trunk.
type NumberRule struct {
	Direction string `json:"direction" enum:"in,out"`
	Prefix    string `json:"prefix" required:"false" maxLength:"20"`
	MinLen    int    `json:"min_len" required:"false" minimum:"0" maximum:"40"`
	MaxLen    int    `json:"max_len" required:"false" minimum:"0" maximum:"40"`
	Strip     int    `json:"strip" required:"false" minimum:"0" maximum:"40"`
	Prepend   string `json:"prepend" required:"false" maxLength:"20"`
}

// QueueView is a waiting line.
type QueueView struct {
	ItemMeta
	QueueFields
}

// QueueFields are what an administrator may set.
type QueueFields struct {
	Version        int64       `json:"version" required:"false" doc:"As read; an older one is refused"`
	Code           string      `json:"code" minLength:"1" maxLength:"40" pattern:"^[A-Za-z0-9_-]+$"`
	Name           string      `json:"name" minLength:"1" maxLength:"100"`
	NameEN         string      `json:"name_en" required:"false" maxLength:"100"`
	Strategy       string      `json:"strategy" required:"false" enum:"longest_idle" default:"longest_idle"`
	RingTimeoutS   int         `json:"ring_timeout_s" required:"false" minimum:"5" maximum:"120" default:"20"`
	WrapUpS        int         `json:"wrap_up_s" minimum:"0" maximum:"3600"`
	ServiceLevelS  int         `json:"service_level_s" required:"false" minimum:"1" maximum:"600" default:"15"`
	AnnounceEveryS int         `json:"announce_every_s" required:"false" minimum:"0" maximum:"600"`
	OverflowAfterS int         `json:"overflow_after_s" required:"false" minimum:"0" maximum:"7200"`
	OverflowQueue  string      `json:"overflow_queue" required:"false" maxLength:"64" doc:"Id of the queue"`
	MaxWaiting     int         `json:"max_waiting" required:"false" minimum:"0" maximum:"1000"`
	Priority       int         `json:"priority" required:"false" minimum:"1" maximum:"9" default:"5"`
	Skills         []SkillNeed `json:"skills" required:"false" maxItems:"20"`
	MusicPrompt    string      `json:"music_prompt" required:"false" maxLength:"100"`
	CalendarID     string      `json:"calendar_id" required:"false" maxLength:"64"`
	Enabled        bool        `json:"enabled"`
}

// SkillNeed asks for a skill at a level or better.
type SkillNeed struct {
	Skill string `json:"skill" minLength:"1" maxLength:"40" doc:"Code"`
	Level int    `json:"level" minimum:"1" maximum:"5"`
}

// SkillView is something agents can be good at.
type SkillView struct {
	ItemMeta
	SkillFields
}

// SkillFields are what an administrator may set.
type SkillFields struct {
	Version int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Code    string `json:"code" minLength:"1" maxLength:"40" pattern:"^[A-Za-z0-9_-]+$"`
	Name    string `json:"name" minLength:"1" maxLength:"100"`
	NameEN  string `json:"name_en" required:"false" maxLength:"100"`
}

// AgentView is a user's working profile at the telephone; its id is the
// user's.
type AgentView struct {
	ItemMeta
	AgentFields
}

// AgentFields are what an administrator may set.
type AgentFields struct {
	Version     int64         `json:"version" required:"false" doc:"As read; an older one is refused"`
	Number      string        `json:"number" minLength:"1" maxLength:"12" pattern:"^[0-9]+$" doc:"工号"`
	Name        string        `json:"name" required:"false" maxLength:"100" doc:"As shown at work; the user's name when empty"`
	Queues      []QueueMember `json:"queues" required:"false" maxItems:"100"`
	Skills      []SkillNeed   `json:"skills" required:"false" maxItems:"50"`
	DefaultSeat string        `json:"default_seat" required:"false" enum:"browser,extension" default:"browser"`
	Extension   string        `json:"extension" required:"false" maxLength:"10"`
	AutoAnswer  bool          `json:"auto_answer" required:"false"`
	Enabled     bool          `json:"enabled"`
}

// QueueMember puts an agent into a queue with a level.
type QueueMember struct {
	QueueID string `json:"queue_id" minLength:"1" maxLength:"64"`
	Level   int    `json:"level" required:"false" minimum:"1" maximum:"9" default:"1"`
}

// AgentCreateInput makes a user an agent.
type AgentCreateInput struct {
	Body struct {
		UserID string `json:"user_id" minLength:"1" maxLength:"64"`
		AgentFields
	}
}

// CalendarView is a set of opening hours.
type CalendarView struct {
	ItemMeta
	CalendarFields
	Open    bool       `json:"open" doc:"Now"`
	NextAt  *time.Time `json:"next_at,omitempty" doc:"When that changes"`
	OpenWhy string     `json:"open_why"`
}

// CalendarFields are what an administrator may set. Week begins on Monday.
type CalendarFields struct {
	Version  int64        `json:"version" required:"false" doc:"As read; an older one is refused"`
	Name     string       `json:"name" minLength:"1" maxLength:"100"`
	TimeZone string       `json:"time_zone" required:"false" maxLength:"60" doc:"Empty: the hospital's"`
	Week     [][]HourSpan `json:"week" minItems:"7" maxItems:"7" doc:"Monday first"`
	Days     []SpecialDay `json:"days" required:"false" maxItems:"1000"`
}

// HourSpan is a stretch of a day.
type HourSpan struct {
	From string `json:"from" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$"`
	To   string `json:"to" pattern:"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"`
}

// SpecialDay replaces the weekly hours on a date; without spans or a weekday
// to follow it is closed.
type SpecialDay struct {
	Date  string     `json:"date" format:"date"`
	Name  string     `json:"name" required:"false" maxLength:"60"`
	Like  int        `json:"like" required:"false" minimum:"0" maximum:"7" doc:"1 Monday … 7 Sunday: hours of that weekday; 0: the spans"`
	Spans []HourSpan `json:"spans" required:"false" maxItems:"10"`
}

// DispositionView says what a call was about.
type DispositionView struct {
	ItemMeta
	DispositionFields
}

// DispositionFields are what an administrator may set.
type DispositionFields struct {
	Version  int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Code     string `json:"code" minLength:"1" maxLength:"40" pattern:"^[A-Za-z0-9_-]+$"`
	Name     string `json:"name" minLength:"1" maxLength:"100"`
	NameEN   string `json:"name_en" required:"false" maxLength:"100"`
	Category string `json:"category" required:"false" maxLength:"40"`
	Position int    `json:"position" required:"false" minimum:"0" maximum:"10000"`
	Enabled  bool   `json:"enabled"`
}

// ReasonView says why an agent is not ready.
type ReasonView struct {
	ItemMeta
	ReasonFields
	System bool `json:"system" doc:"Set by the program, not offered on the desk"`
}

// ReasonFields are what an administrator may set.
type ReasonFields struct {
	Version  int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Code     string `json:"code" minLength:"1" maxLength:"40" pattern:"^[A-Za-z0-9_-]+$"`
	Name     string `json:"name" minLength:"1" maxLength:"100"`
	NameEN   string `json:"name_en" required:"false" maxLength:"100"`
	Paid     bool   `json:"paid" required:"false" doc:"Counts as working time"`
	Position int    `json:"position" required:"false" minimum:"0" maximum:"10000"`
	Enabled  bool   `json:"enabled"`
}

// FieldsIn carries the fields of a new item.
type FieldsIn[F any] struct{ Body F }

// FieldsUpdate carries the fields of a changed item.
type FieldsUpdate[F any] struct {
	ByID
	Body F
}

func (s *Server) routeTelephony() {
	routeItems(s, "extensions", "Extension", "extension", extensions())
	routeItems(s, "numbers", "Number", "number of the hospital", numbers())
	routeItems(s, "trunks", "Trunk", "trunk", trunks())
	routeItems(s, "queues", "Queue", "queue", queues())
	routeItems(s, "skills", "Skill", "skill", skills())
	routeItems(s, "calendars", "Calendar", "calendar of opening hours", calendars())
	routeItems(s, "dispositions", "Disposition", "disposition", dispositions())
	routeItems(s, "reasons", "Reason", "not-ready reason", reasons())
	a, k := needs(identity.AdminTelephony), agents()
	get(s, "/api/admin/agents", "adminListAgents", "List agents", a, k.list(s))
	post(s, "/api/admin/agents", "createAgent", "Make a user an agent", a, s.createAgent)
	get(s, "/api/admin/agents/{id}", "getAgent", "One agent", a, k.get(s))
	put(s, "/api/admin/agents/{id}", "updateAgent", "Change an agent", a, k.update(s))
	del(s, "/api/admin/agents/{id}", "deleteAgent", "Take the profile away", a, k.remove(s))
}

// routeItems declares the five operations on a kind of item.
func routeItems[V, F, T any](s *Server, plural, name, what string, k items[V, F, T]) {
	a := needs(identity.AdminTelephony)
	path := "/api/admin/" + plural
	get(s, path, "adminList"+name+"s", "List: "+what, a, k.list(s))
	post(s, path, "create"+name, "Create: "+what, a, k.create(s))
	get(s, path+"/{id}", "get"+name, "One "+what, a, k.get(s))
	put(s, path+"/{id}", "update"+name, "Change: "+what, a, k.update(s))
	del(s, path+"/{id}", "delete"+name, "Delete: "+what, a, k.remove(s))
}
