// The shapes of booking, by short names. Their truth is the generated schema.
import type { components } from '@/api/schema'

type S = components['schemas']

export type ClinicSession = S['BookingSessionView']
export type ClinicNumber = S['BookingNumberView']
export type Appointment = S['AppointmentView']
export type Penalty = S['PenaltyView']
export type Verdict = S['EligibilityView']
export type WaitEntry = S['WaitView']
export type Template = S['TemplateView']
export type TemplateFields = S['TemplateFields']
export type SessionFields = S['SessionPlanFields']
export type ExamItem = S['ExamView']
export type ExamFields = S['ExamFields']
export type Generated = S['GeneratedView']
export type ClosedReport = S['ClosedView']
export type SessionChange = S['SessionChangeView']
export type BookInput = S['BookInputBody']
