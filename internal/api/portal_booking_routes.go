package api

import (
	"heartline/internal/platform/identity"
)

func (s *Server) routePortalBooking() {
	open, own := public(), portalOnly()
	get(s, "/api/portal/timetable", "portalTimetable", "Clinics and how many times are free", open, s.portalTimetable)
	get(s, "/api/portal/sessions/{id}", "portalSession", "A clinic", open, s.portalSession)
	get(s, "/api/portal/sessions/{id}/numbers", "portalNumbers", "Free times of a clinic", open, s.portalNumbers)
	get(s, "/api/portal/sessions/{id}/terms", "portalTerms", "What booking this clinic means for a person", own, s.portalTerms)

	get(s, "/api/portal/appointments", "portalAppointments", "Appointments of all people of the account", own, s.portalAppointments)
	post(s, "/api/portal/appointments", "portalBook", "Book", own, s.portalBook)
	get(s, "/api/portal/appointments/{id}", "portalAppointment", "An appointment", own, s.portalAppointment)
	get(s, "/api/portal/appointments/{id}/qr.svg", "portalAppointmentQR", "Its code as a picture for the kiosk", own, s.portalAppointmentQR, produces("image/svg+xml"))
	get(s, "/api/portal/appointments/{id}/calendar.ics", "portalAppointmentCalendar", "As a calendar entry", own, s.portalAppointmentCalendar, produces("text/calendar"))
	get(s, "/api/portal/appointments/{id}/terms", "portalCancelTerms", "What giving it back now would mean", own, s.portalCancelTerms)
	post(s, "/api/portal/appointments/{id}/confirm", "portalConfirm", "Confirm a held number, or that one will come", own, s.portalConfirm)
	post(s, "/api/portal/appointments/{id}/change", "portalChange", "Move to another time", own, s.portalChange)
	post(s, "/api/portal/appointments/{id}/cancel", "portalCancel", "Give the number back", own, s.portalCancel)

	get(s, "/api/portal/waitlist", "portalWaitlist", "Places on the waitlist", own, s.portalWaitlist)
	post(s, "/api/portal/waitlist", "portalJoinWaitlist", "Wait for a number", own, s.portalJoinWaitlist)
	del(s, "/api/portal/waitlist/{id}", "portalLeaveWaitlist", "Wait no longer", own, s.portalLeaveWaitlist)
	post(s, "/api/portal/waitlist/{id}/accept", "portalAcceptOffer", "Take the offered number", own, s.portalAcceptOffer)
	post(s, "/api/portal/waitlist/{id}/decline", "portalDeclineOffer", "Let the offered number go", own, s.portalDeclineOffer)

	get(s, "/api/portal/card", "portalCard", "A person's prepaid card", own, s.portalCard)
}

func (s *Server) routePortalStaff() {
	read, write := needs(identity.PatientRead), needs(identity.PatientWrite)
	get(s, "/api/portal-members", "listPortalMembers", "People of the portal whose document nobody has seen yet", read, s.listPortalMembers)
	post(s, "/api/portal-members/{id}/verify", "verifyPortalMember", "The document has been seen", write, s.verifyPortalMember)
	del(s, "/api/portal-members/{id}", "rejectPortalMember", "The document was not theirs", write, s.rejectPortalMember)
}
