package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// AuditRow is an entry of the audit log.
type AuditRow struct {
	ID        string         `json:"id"`
	At        time.Time      `json:"at"`
	Actor     string         `json:"actor"`
	ActorName string         `json:"actor_name"`
	Action    string         `json:"action"`
	Object    string         `json:"object"`
	ObjectID  string         `json:"object_id"`
	Patient   string         `json:"patient" doc:"Id"`
	Reason    string         `json:"reason"`
	IP        string         `json:"ip"`
	RequestID string         `json:"request_id"`
	Detail    map[string]any `json:"detail,omitempty"`
}

// AuditQuery filters the audit log.
type AuditQuery struct {
	Period
	Actor    string `query:"actor" maxLength:"64"`
	Action   string `query:"action" maxLength:"80"`
	Object   string `query:"object" maxLength:"80"`
	ObjectID string `query:"object_id" maxLength:"64"`
	Patient  string `query:"patient" maxLength:"64"`
	Paging
}

// AuditVerified says whether the chain is whole.
type AuditVerified struct {
	OK       bool  `json:"ok"`
	Entries  int64 `json:"entries" doc:"Checked, up to the first broken one"`
	BrokenAt int64 `json:"broken_at,omitempty" doc:"Number of the first entry that does not hold"`
}

// JobRow is a promise being kept.
type JobRow struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind"`
	State       string     `json:"state"`
	Attempt     int        `json:"attempt"`
	MaxAttempts int        `json:"max_attempts"`
	RunAt       *time.Time `json:"run_at,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	FinishedAt  *time.Time `json:"finished_at,omitempty"`
	LastError   string     `json:"last_error" doc:"For technicians, in English"`
}

// JobQuery filters jobs.
type JobQuery struct {
	State string `query:"state" maxLength:"20"`
	Kind  string `query:"kind" maxLength:"80"`
	Paging
}

// SystemView is how the installation is doing.
type SystemView struct {
	Version       string            `json:"version"`
	Commit        string            `json:"commit"`
	GoVersion     string            `json:"go_version"`
	StartedAt     time.Time         `json:"started_at"`
	Now           time.Time         `json:"now"`
	Database      string            `json:"database" enum:"sqlite,postgres,"`
	Checks        []HealthCheck     `json:"checks"`
	Trunks        []TrunkStatus     `json:"trunks"`
	Registrations []RegistrationRow `json:"registrations"`
	Disk          DiskView          `json:"disk"`
	Alarms        []AlarmView       `json:"alarms"`
	LiveCalls     int               `json:"live_calls"`
	MaxCalls      int               `json:"max_calls"`
	Listeners     map[string]string `json:"listeners" doc:"Addresses by protocol"`
}

// HealthCheck is one part of the health page.
type HealthCheck struct {
	Name   string `json:"name" doc:"database, media, sip, disk, clock …"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail" doc:"For technicians, in English"`
}

// RegistrationRow is a phone that has signed in.
type RegistrationRow struct {
	Extension string    `json:"extension"`
	Contact   string    `json:"contact"`
	Transport string    `json:"transport"`
	UserAgent string    `json:"user_agent"`
	ExpiresAt time.Time `json:"expires_at"`
}

// DiskView is the room that is left.
type DiskView struct {
	FreeBytes  uint64 `json:"free_bytes"`
	TotalBytes uint64 `json:"total_bytes"`
}

// AlarmView is something that is wrong now.
type AlarmView struct {
	Key      string         `json:"key" doc:"Message key"`
	Subject  string         `json:"subject"`
	Severity string         `json:"severity" enum:"warning,critical"`
	Since    time.Time      `json:"since"`
	Last     time.Time      `json:"last"`
	Count    int            `json:"count"`
	Params   map[string]any `json:"params,omitempty"`
}

// TryIdentity is somebody a demo caller can be.
type TryIdentity struct {
	Number   string `json:"number"`
	Name     string `json:"name" doc:"Of a fictional customer; empty for an unknown caller"`
	Age      int    `json:"age"`
	Sex      string `json:"sex"`
	Scenario string `json:"scenario" doc:"known, shared, guardian, vip or unknown"`
}

// TryIdentities are the callers to choose from and the numbers to dial.
type TryIdentities struct {
	Items   []TryIdentity `json:"items"`
	Numbers []TryNumber   `json:"numbers"`
}

// TryNumber is a number the hospital answers.
type TryNumber struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// TryKiosk is how to be at the self-service machine of the demo.
type TryKiosk struct {
	Token    string `json:"token" doc:"Signs the machine in"`
	Name     string `json:"name" doc:"Of a fictional customer"`
	Number   string `json:"number" doc:"Their telephone"`
	PIN      string `json:"pin"`
	IDNumber string `json:"id_number"`
	Code     string `json:"code" doc:"Of an appointment of today; empty when the rules allow none"`
}

func (s *Server) routeSystem() {
	get(s, "/api/admin/audit", "listAudit", "The audit log", needs(identity.AuditRead), s.listAudit)
	post(s, "/api/admin/audit/verify", "verifyAudit", "Check the chain of the audit log", needs(identity.AuditRead), s.verifyAudit)
	a := needs(identity.SystemAdmin)
	get(s, "/api/admin/jobs", "listJobs", "Promises being kept", a, s.listJobs)
	post(s, "/api/admin/jobs/{id}/retry", "retryJob", "Try a job again now", a, s.retryJob)
	get(s, "/api/admin/system", "getSystem", "How the installation is doing", a, s.getSystem)
	get(s, "/api/alarms", "listAlarms", "What is wrong now", needs(identity.SystemAdmin, identity.WallboardRead, identity.AdminTelephony), s.listAlarms)
	get(s, "/api/try/identities", "listTryIdentities", "Who a demo caller can be", public(), s.listTryIdentities)
	get(s, "/api/try/kiosk", "tryKiosk", "How to be at the kiosk of the demo", public(), s.tryKiosk)
}
