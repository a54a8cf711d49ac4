package identity

import "slices"

// Permission is the right to do one kind of thing. Operations of the API
// declare the permissions that open them; services check them again.
type Permission string

// Every permission. A permission is never renamed once released, because
// custom roles in the database name it.
const (
	PatientRead        Permission = "patient.read"   // find and see customers, masked
	PatientWrite       Permission = "patient.write"  // create and change customers
	PatientReveal      Permission = "patient.reveal" // see a masked field in full, with a reason
	CallHandle         Permission = "call.handle"    // sign in as an agent and take calls
	CallReadOwn        Permission = "call.read.own"
	CallRead           Permission = "call.read"
	RecordingListenOwn Permission = "recording.listen.own"
	RecordingListen    Permission = "recording.listen"
	WallboardRead      Permission = "wallboard.read"
	SuperviseMonitor   Permission = "supervise.monitor" // listen, whisper, barge, end a call
	SuperviseState     Permission = "supervise.state"   // change an agent's state
	ReportRead         Permission = "report.read"
	AdminUsers         Permission = "admin.users"
	AdminTelephony     Permission = "admin.telephony"
	AdminFlows         Permission = "admin.flows"
	AuditRead          Permission = "audit.read"
	SystemAdmin        Permission = "system.admin"
	DirectoryRead      Permission = "directory.read" // departments, doctors, extensions
)

// All lists every permission in a fixed order, for role editors and checks.
func All() []Permission {
	return []Permission{
		PatientRead, PatientWrite, PatientReveal,
		CallHandle, CallReadOwn, CallRead,
		RecordingListenOwn, RecordingListen,
		WallboardRead, SuperviseMonitor, SuperviseState, ReportRead,
		AdminUsers, AdminTelephony, AdminFlows, AuditRead, SystemAdmin,
		DirectoryRead,
	}
}

// Known reports whether p is a permission of this program.
func Known(p Permission) bool { return slices.Contains(All(), p) }

// The codes of the roles that every hospital starts with.
const (
	RoleAdmin      = "admin"
	RoleSupervisor = "supervisor"
	RoleAgent      = "agent"
	RoleDoctor     = "doctor"
	RoleOperator   = "operator"
	RoleQuality    = "quality"
	RoleDirector   = "director"
)

// builtinRoles are the shipped roles with their default permissions. They are
// written to the database once; a hospital may then change what each may do.
func builtinRoles() []Role {
	return []Role{
		{Code: RoleAdmin, Name: "管理员", NameEN: "Administrator", Permissions: All()},
		{Code: RoleSupervisor, Name: "班长", NameEN: "Supervisor", Permissions: []Permission{
			PatientRead, PatientWrite, PatientReveal, CallHandle, CallReadOwn, CallRead,
			RecordingListenOwn, RecordingListen, WallboardRead, SuperviseMonitor, SuperviseState,
			ReportRead, DirectoryRead,
		}},
		{Code: RoleAgent, Name: "坐席", NameEN: "Agent", Permissions: []Permission{
			PatientRead, PatientWrite, PatientReveal, CallHandle, CallReadOwn, RecordingListenOwn,
			WallboardRead, DirectoryRead,
		}},
		{Code: RoleDoctor, Name: "医生", NameEN: "Doctor", Permissions: []Permission{
			PatientRead, PatientReveal, CallHandle, CallReadOwn, DirectoryRead,
		}},
		{Code: RoleOperator, Name: "总机话务员", NameEN: "Operator", Permissions: []Permission{
			CallHandle, CallReadOwn, WallboardRead, DirectoryRead,
		}},
		{Code: RoleQuality, Name: "质检员", NameEN: "Quality reviewer", Permissions: []Permission{
			PatientRead, CallRead, RecordingListen, ReportRead, DirectoryRead,
		}},
		{Code: RoleDirector, Name: "院领导", NameEN: "Director", Permissions: []Permission{
			WallboardRead, ReportRead, DirectoryRead,
		}},
	}
}
