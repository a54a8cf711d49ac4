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

	PatientMerge      Permission = "patient.merge"      // join two records of one person, and part them again
	PatientImport     Permission = "patient.import"     // load people from files
	PatientExport     Permission = "patient.export"     // take lists of people out of the house
	PatientBreakGlass Permission = "patient.breakglass" // open a restricted record in an emergency, with a reason
	PrivacyManage     Permission = "privacy.manage"     // requests of people about their data
	BookingRead       Permission = "booking.read"       // timetables and appointments
	BookingWrite      Permission = "booking.write"      // book, change, cancel
	BookingCheckIn    Permission = "booking.checkin"    // arrival, check-in, visit done, no-show
	BookingSchedule   Permission = "booking.schedule"   // templates, closing, swapping, added numbers
	BookingRules      Permission = "booking.rules"      // policies and appeals
	LedgerRead        Permission = "ledger.read"
	LedgerWrite       Permission = "ledger.write"  // top up and pay out prepaid cards
	LedgerAdjust      Permission = "ledger.adjust" // ask for, or approve, a correction
	MessageRead       Permission = "message.read"
	MessageWrite      Permission = "message.write" // send messages, change their templates
	KioskAdmin        Permission = "kiosk.admin"   // set up self-service machines
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
		PatientMerge, PatientImport, PatientExport, PatientBreakGlass, PrivacyManage,
		BookingRead, BookingWrite, BookingCheckIn, BookingSchedule, BookingRules,
		LedgerRead, LedgerWrite, LedgerAdjust, MessageRead, MessageWrite, KioskAdmin,
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
// A permission that a database has never seen is given to them once.
func builtinRoles() []Role {
	return []Role{
		{Code: RoleAdmin, Name: "管理员", NameEN: "Administrator", Permissions: All()},
		{Code: RoleSupervisor, Name: "班长", NameEN: "Supervisor", Permissions: []Permission{
			PatientRead, PatientWrite, PatientReveal, CallHandle, CallReadOwn, CallRead,
			RecordingListenOwn, RecordingListen, WallboardRead, SuperviseMonitor, SuperviseState,
			ReportRead, DirectoryRead,
			PatientMerge, PatientImport, PatientExport, PatientBreakGlass, PrivacyManage,
			BookingRead, BookingWrite, BookingCheckIn, BookingSchedule, BookingRules,
			LedgerRead, LedgerWrite, LedgerAdjust, MessageRead, MessageWrite,
		}},
		{Code: RoleAgent, Name: "坐席", NameEN: "Agent", Permissions: []Permission{
			PatientRead, PatientWrite, PatientReveal, CallHandle, CallReadOwn, RecordingListenOwn,
			WallboardRead, DirectoryRead,
			BookingRead, BookingWrite, BookingCheckIn, LedgerRead, LedgerWrite, MessageRead, MessageWrite,
		}},
		{Code: RoleDoctor, Name: "医生", NameEN: "Doctor", Permissions: []Permission{
			PatientRead, PatientReveal, CallHandle, CallReadOwn, DirectoryRead, PatientBreakGlass, BookingRead,
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
