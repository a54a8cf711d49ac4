// What a kiosk asks of the server, by name. All shapes are generated.
import { client, unwrap } from '@/api/client'
import type { components } from '@/api/schema'

type S = components['schemas']
export type Machine = S['KioskSessionView']
export type Patient = S['KioskPatient']
export type Visit = S['KioskAppointment']
export type Clinic = S['KioskClinic']
export type Place = S['KioskPlace']
export type Card = S['KioskCard']
export type Demo = S['TryKiosk']
export type Way = 'id_card' | 'code' | 'account'

const items = async <T>(p: Promise<{ items: T[] }>): Promise<T[]> => (await p).items

export const api = {
  signIn: (token: string) => unwrap(client.POST('/api/kiosk/session', { body: { kiosk_token: token } })),
  session: () => unwrap(client.GET('/api/kiosk/session')),
  identify: (by: Way, value: string, pin?: string) => unwrap(client.POST('/api/kiosk/identify', { body: { by, value, ...(pin ? { pin } : {}) } })),
  prove: (pin: string) => unwrap(client.POST('/api/kiosk/pin', { body: { pin } })),
  touch: () => unwrap(client.POST('/api/kiosk/touch')),
  leave: () => unwrap(client.POST('/api/kiosk/leave')),
  visits: () => items(unwrap(client.GET('/api/kiosk/appointments'))),
  checkIn: (id: string) => unwrap(client.POST('/api/kiosk/check-in/{id}', { params: { path: { id } } })),
  print: (id: string, lang: 'zh-CN' | 'en') => unwrap(client.POST('/api/kiosk/slips/{id}/print', { params: { path: { id } }, body: { lang } })),
  clinics: (department: string) => items(unwrap(client.GET('/api/kiosk/timetable', { params: { query: { department, days: 7 } } }))),
  book: (body: S['KioskBookInputBody']) => unwrap(client.POST('/api/kiosk/appointments', { body })),
  card: () => unwrap(client.GET('/api/kiosk/card')),
  guide: () => items(unwrap(client.GET('/api/kiosk/guide'))),
  /** In the demo: how to be at the machine. Nothing in a real hospital. */
  demo: async (): Promise<Demo | null> => ((await unwrap(client.GET('/api/about'))).demo ? unwrap(client.GET('/api/try/kiosk')) : null),
}
