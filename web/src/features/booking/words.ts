// How booking speaks: dates, spans, fees, states. Dates are the hospital's
// calendar days, instants are shown in its zone.
import { computed } from 'vue'
import { currentZone, isoDay, time } from '@/lib/format'
import { useNames } from '@/lib/names'
import type { Verdict } from './types'

export type Tone = '' | 'ok' | 'warn' | 'bad' | 'info' | 'accent' | 'violet'

const tones: Record<string, Tone> = {
  requested: 'warn', scheduled: 'accent', arrived: 'info', checked_in: 'violet', completed: 'ok', cancelled: '', missed: 'bad', expired: '',
  waiting: 'info', offered: 'warn', accepted: 'ok', declined: '', lapsed: '', left: '', booked: 'ok',
  open: 'accent', closed: 'bad', active: 'bad', appealed: 'warn', lifted: 'ok', upheld: 'bad', over: '',
}
export const tone = (state: string): Tone => tones[state] ?? ''

/** 3000 → ¥30, 3050 → ¥30.50. */
export function yuan(cents: number): string {
  return `¥${(cents / 100).toFixed(cents % 100 ? 2 : 0)}`
}

/** A key under which a request may be sent again without being done twice. Works without a secure origin. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')
}

export const today = (): string => isoDay(new Date())

function asDay(iso: string, locale: string, o: Intl.DateTimeFormatOptions): string {
  const d = new Date(`${iso}T00:00:00Z`)
  return Number.isNaN(d.getTime()) ? iso : new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...o }).format(d)
}

interface Span {
  start_at: string
  end_at: string
}

export function useBookingWords() {
  const { t, te, locale, code, label, sexAge } = useNames()
  const sentence = (key: string, params: Record<string, unknown> = {}): string => {
    const known = `error.${key}`
    return te(known) ? t(known, readable(params, locale.value)) : t('error.invalid')
  }
  return {
    t, te, locale, code, label, sexAge, sentence,
    /** 11月25日 周三 */
    dayLong: (iso: string): string => (iso ? asDay(iso, locale.value, { month: 'long', day: 'numeric', weekday: 'short' }) : '–'),
    dayShort: (iso: string): string => asDay(iso, locale.value, { month: 'numeric', day: 'numeric' }),
    weekday: (iso: string): string => asDay(iso, locale.value, { weekday: 'short' }),
    weekdayNo: (n: number): string => asDay(`2026-11-${String(22 + (n % 7)).padStart(2, '0')}`, locale.value, { weekday: 'short' }),
    span: (s: Span): string => `${time(s.start_at)}–${time(s.end_at)}`,
    fee: (cents: number): string => (cents ? yuan(cents) : t('booking.free')),
    zone: computed(() => currentZone()),
    reasons: (v?: Verdict): string[] => (v?.reasons ?? []).map((r) => sentence(r.key, r.params ?? {})),
  }
}

/** Parameters of the server as people read them: instants in the hospital's zone, amounts in yuan. */
export function readable(params: Record<string, unknown>, locale: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).map(([k, v]) => {
      if (typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v)) {
        const f = new Intl.DateTimeFormat(locale, { timeZone: currentZone(), month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
        return [k, f.format(new Date(v))]
      }
      if (k.endsWith('_cents') && typeof v === 'number') return [k, yuan(v)]
      return [k, v]
    }),
  )
}
