// What the portal asks of the server, by name. All shapes are generated.
import { client, unwrap } from '@/api/client'
import type { components } from '@/api/schema'

type S = components['schemas']
export type Me = S['PortalMe']
export type Member = S['PortalMember']
export type NewMember = S['PortalMemberInputBody']
export type Department = S['PortalDepartment']
export type Doctor = S['PortalDoctor']
export type Session = S['PortalSession']
export type Slot = S['PortalNumber']
export type Appointment = S['PortalAppointment']
export type Terms = S['PortalTerms']
export type CancelTerms = S['PortalCancelTerms']
export type Wait = S['PortalWait']
export type Card = S['PortalCardView']
export type Info = S['PortalInfo']
export type Lang = 'zh-CN' | 'en'

const items = async <T>(p: Promise<{ items: T[] }>): Promise<T[]> => (await p).items
const byID = (id: string) => ({ params: { path: { id } } })

export const api = {
  info: () => unwrap(client.GET('/api/portal/info')),
  departments: (q = '') => items(unwrap(client.GET('/api/portal/departments', { params: { query: { q } } }))),
  department: (id: string) => unwrap(client.GET('/api/portal/departments/{id}', byID(id))),
  doctors: (query: { q?: string; department?: string; limit?: number }) => items(unwrap(client.GET('/api/portal/doctors', { params: { query } }))),
  doctor: (id: string) => unwrap(client.GET('/api/portal/doctors/{id}', byID(id))),
  timetable: (query: { department?: string; doctor?: string; from?: string; to?: string }) =>
    items(unwrap(client.GET('/api/portal/timetable', { params: { query } }))),
  session: (id: string) => unwrap(client.GET('/api/portal/sessions/{id}', byID(id))),
  slots: (id: string) => items(unwrap(client.GET('/api/portal/sessions/{id}/numbers', byID(id)))),
  terms: (id: string, query: { member: string; number?: string; change?: string }) =>
    unwrap(client.GET('/api/portal/sessions/{id}/terms', { params: { path: { id }, query } })),

  code: (phone: string, lang: Lang) => unwrap(client.POST('/api/portal/code', { body: { phone, lang } })),
  signIn: (phone: string, code: string, lang: Lang) => unwrap(client.POST('/api/portal/sign-in', { body: { phone, code, lang } })),
  signOut: (everywhere: boolean) => unwrap(client.POST('/api/portal/sign-out', { body: { everywhere } })),
  me: () => unwrap(client.GET('/api/portal/me')),
  addMember: (body: NewMember) => unwrap(client.POST('/api/portal/members', { body })),
  removeMember: (id: string) => unwrap(client.DELETE('/api/portal/members/{id}', byID(id))),

  appointments: (past: boolean) => items(unwrap(client.GET('/api/portal/appointments', { params: { query: { past } } }))),
  appointment: (id: string) => unwrap(client.GET('/api/portal/appointments/{id}', byID(id))),
  cancelTerms: (id: string) => unwrap(client.GET('/api/portal/appointments/{id}/terms', byID(id))),
  book: (body: { key: string; member_id: string; session_id: string; number_id?: string; use_card?: boolean }) =>
    unwrap(client.POST('/api/portal/appointments', { body })),
  change: (id: string, body: { key: string; session_id: string; number_id?: string }) =>
    unwrap(client.POST('/api/portal/appointments/{id}/change', { ...byID(id), body })),
  cancel: (id: string) => unwrap(client.POST('/api/portal/appointments/{id}/cancel', byID(id))),
  confirm: (id: string) => unwrap(client.POST('/api/portal/appointments/{id}/confirm', byID(id))),

  waits: () => items(unwrap(client.GET('/api/portal/waitlist'))),
  wait: (body: { member_id: string; department_id: string; doctor_id?: string; period?: Session['period']; from: string; to: string }) =>
    unwrap(client.POST('/api/portal/waitlist', { body })),
  unwait: (id: string) => unwrap(client.DELETE('/api/portal/waitlist/{id}', byID(id))),
  accept: (id: string) => unwrap(client.POST('/api/portal/waitlist/{id}/accept', byID(id))),
  decline: (id: string) => unwrap(client.POST('/api/portal/waitlist/{id}/decline', byID(id))),

  card: (member: string) => unwrap(client.GET('/api/portal/card', { params: { query: { member } } })),
}
