// The portal's own rules, without a browser: grouping, dates in words, keys.
import { addDays, isoDay } from '@/lib/format'
import type { Session, Slot } from './api'

/** The days that a timetable shows, from today on. */
export const daysShown = 14

export interface Day {
  date: string
  sessions: Session[]
  free: number
}

/** One entry for each of the days shown, with its clinics in order of time. */
export function byDay(sessions: Session[], today: string, days = daysShown): Day[] {
  const out: Day[] = []
  for (let i = 0; i < days; i++) {
    const date = addDays(today, i)
    const mine = sessions
      .filter((s) => s.date === date)
      .sort((a, b) => a.start_at.localeCompare(b.start_at) || rank(a) - rank(b) || a.doctor.localeCompare(b.doctor))
    out.push({ date, sessions: mine, free: mine.filter(bookable).reduce((n, s) => n + s.free, 0) })
  }
  return out
}

const rank = (s: Session): number => ['special', 'expert', 'ordinary', 'exam'].indexOf(s.type)

/** Whether somebody can take a number of a clinic now. */
export function bookable(s: Session): boolean {
  return s.state === 'open' && s.released && s.free > 0
}

export type Offer = 'free' | 'few' | 'full' | 'later' | 'closed'

/** What a clinic's card says. */
export function offerOf(s: Session): Offer {
  if (s.state === 'closed') return 'closed'
  if (!s.released) return 'later'
  if (s.free <= 0) return 'full'
  return s.free <= 3 ? 'few' : 'free'
}

/** The first day with something free, else the first with a clinic, else today. */
export function firstDay(days: Day[]): string {
  return (days.find((d) => d.free > 0) ?? days.find((d) => d.sessions.length > 0) ?? days[0])?.date ?? ''
}

export interface SlotGroup {
  start: string
  slots: Slot[]
}

/** Slots that begin at the same time become one button: nobody cares which. */
export function slotTimes(slots: Slot[]): SlotGroup[] {
  const groups = new Map<string, Slot[]>()
  for (const s of [...slots].sort((a, b) => a.start_at.localeCompare(b.start_at) || a.seq - b.seq)) {
    groups.set(s.start_at, [...(groups.get(s.start_at) ?? []), s])
  }
  return [...groups].map(([start, list]) => ({ start, slots: list }))
}

/** today, tomorrow or after: which word a date deserves. */
export function nearness(date: string, today = isoDay()): 'today' | 'tomorrow' | 'overmorrow' | '' {
  const words = ['today', 'tomorrow', 'overmorrow'] as const
  return words.find((_, i) => addDays(today, i) === date) ?? ''
}

/** A fresh key for one wish, also where there is no secure context. */
export function newKey(): string {
  const b = crypto.getRandomValues(new Uint8Array(16))
  return [...b].map((x) => x.toString(16).padStart(2, '0')).join('')
}

/** The same wish keeps its key, however often the button is pressed or the page comes back. */
export function keyFor(wish: string, store: Pick<Storage, 'getItem' | 'setItem'>): string {
  const name = `portal.key.${wish}`
  let key = store.getItem(name)
  if (!key) store.setItem(name, (key = newKey()))
  return key
}

/** A wish that was fulfilled or refused is over; the next one is another. */
export function dropKey(wish: string, store: Pick<Storage, 'removeItem'>): void {
  store.removeItem(`portal.key.${wish}`)
}

/** Where to go after signing in: only ever a page of the portal. */
export function safeNext(v: unknown): string {
  return typeof v === 'string' && /^\/(?![/\\])/.test(v) ? v : '/'
}

/** Digits of a mobile number, grouped while typing: 138 0013 8000. */
export function groupPhone(v: string): string {
  const d = v.replace(/\D/g, '').replace(/^86(?=1\d{10})/, '').slice(0, 11)
  return [d.slice(0, 3), d.slice(3, 7), d.slice(7)].filter(Boolean).join(' ')
}

export function validPhone(v: string): boolean {
  return /^1[3-9]\d{9}$/.test(v.replace(/\D/g, ''))
}

const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]

/** Whether an 18-digit identity number has the right check digit. */
export function validID(v: string): boolean {
  const s = v.trim().toUpperCase()
  if (!/^\d{17}[\dX]$/.test(s)) return false
  const sum = weights.reduce((n, w, i) => n + w * Number(s[i]), 0)
  return '10X98765432'[sum % 11] === s[17]
}

/** 分 as yuan: 1500 → "15", 1550 → "15.50". */
export function yuan(cents: number): string {
  return cents % 100 === 0 ? String(cents / 100) : (cents / 100).toFixed(2)
}

/** An appointment code in groups that are easy to read aloud: 1234 5678. */
export function groupCode(code: string): string {
  return code.replace(/(\d{4})(?=\d)/g, '$1 ')
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d/
const onTheClock = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d)$/ // already in the hospital's zone

/** Parameters of a message, with times and dates as people read them. */
export function readable(params: Record<string, unknown> | undefined, moment: (v: string) => string, date: (v: string) => string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params ?? {}).map(([k, v]) => {
      if (typeof v !== 'string') return [k, v]
      if (instant.test(v)) return [k, moment(v)]
      const clock = onTheClock.exec(v)
      if (clock) return [k, `${date(clock[1]!)} ${clock[2]}`]
      return [k, /^\d{4}-\d\d-\d\d$/.test(v) ? date(v) : v]
    }),
  )
}
