// Pure formatting. Times are shown in the hospital's zone, wherever the browser is.

let zone = 'Asia/Shanghai'
let locale = 'zh-CN'

export function setZone(z: string): void {
  zone = z
}
export function setFormatLocale(l: string): void {
  locale = l
}
export function currentZone(): string {
  return zone
}

type When = string | number | Date | null | undefined

function asDate(v: When): Date | null {
  if (v === null || v === undefined || v === '') return null
  const d = v instanceof Date ? v : new Date(v)
  return Number.isNaN(d.getTime()) || d.getTime() <= 0 ? null : d
}

const cache = new Map<string, Intl.DateTimeFormat>()
function fmt(name: string, o: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale}|${zone}|${name}`
  let f = cache.get(key)
  if (!f) cache.set(key, (f = new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: 'h23', ...o })))
  return f
}

export function time(v: When): string {
  const d = asDate(v)
  return d ? fmt('t', { hour: '2-digit', minute: '2-digit' }).format(d) : '–'
}
export function timeSec(v: When): string {
  const d = asDate(v)
  return d ? fmt('ts', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(d) : '–'
}
export function day(v: When): string {
  const d = asDate(v)
  return d ? fmt('d', { year: 'numeric', month: '2-digit', day: '2-digit' }).format(d) : '–'
}
export function dateTime(v: When): string {
  const d = asDate(v)
  return d ? fmt('dt', { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' }).format(d) : '–'
}
export function dateTimeFull(v: When): string {
  const d = asDate(v)
  return d
    ? fmt('dtf', { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(d)
    : '–'
}

/** 2026-11-22 in the hospital's zone, for queries and date inputs. */
export function isoDay(v: When = new Date()): string {
  const d = asDate(v)
  if (!d) return ''
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(d)
}

/** The instant at which a hospital day begins: 2026-11-22 → 2026-11-21T16:00:00Z in Shanghai. */
export function dayStart(isoDate: string): Date {
  const guess = new Date(`${isoDate}T00:00:00Z`)
  const shown = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  }).formatToParts(guess)
  const part = (t: string) => Number(shown.find((p) => p.type === t)?.value)
  const asUTC = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'))
  return new Date(guess.getTime() - (asUTC - guess.getTime()))
}

export function addDays(isoDate: string, n: number): string {
  const d = new Date(`${isoDate}T00:00:00Z`)
  d.setUTCDate(d.getUTCDate() + n)
  return d.toISOString().slice(0, 10)
}

/** 0:07, 12:41, 1:02:09. */
export function clock(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return '–'
  const s = Math.max(0, Math.floor(ms / 1000))
  const h = Math.floor(s / 3600)
  const m = Math.floor((s % 3600) / 60)
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}

export function percent(x: number | null | undefined, digits = 1): string {
  if (x === null || x === undefined || Number.isNaN(x)) return '–'
  return `${(x * 100).toFixed(digits)}%`
}

export function number(x: number | null | undefined): string {
  if (x === null || x === undefined || Number.isNaN(x)) return '–'
  return new Intl.NumberFormat(locale).format(x)
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–'
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let i = 0
  let v = n
  while (v >= 1024 && i < units.length - 1) {
    v /= 1024
    i++
  }
  return `${v < 10 && i > 0 ? v.toFixed(1) : Math.round(v)} ${units[i]}`
}

/** Whole years at the day `at`. */
export function age(birth: string | null | undefined, at: Date = new Date()): number | null {
  const m = /^(\d{4})-(\d{2})-(\d{2})/.exec(birth ?? '')
  if (!m) return null
  const today = isoDay(at).split('-').map(Number) as [number, number, number]
  let n = today[0] - Number(m[1])
  if (today[1] < Number(m[2]) || (today[1] === Number(m[2]) && today[2] < Number(m[3]))) n--
  return n >= 0 && n < 150 ? n : null
}

/** 13812345678 → 138 1234 5678; anything that is not a mainland mobile stays as it is. */
export function phone(v: string | null | undefined): string {
  if (!v) return '–'
  const m = /^(?:\+?86)?(1[0-9*]{2})([0-9*]{4})([0-9*]{4})$/.exec(v.replace(/[\s-]/g, ''))
  return m ? `${m[1]} ${m[2]} ${m[3]}` : v
}

/** Whom a call was with; of a call within the house, both, for either may be looking. */
export function party(c: { direction: string; from_masked: string; to: string }): string {
  if (c.direction === 'internal' && c.from_masked && c.to) return `${c.from_masked} → ${c.to}`
  return phone(c.direction === 'outbound' ? c.to : c.from_masked)
}

/** Digits a person may dial, out of what was pasted: "010-6555 1234" → "01065551234". */
export function dialable(v: string): string {
  const t = v.trim().replace(/[\s()\-.]/g, '')
  return /^\+?[0-9*#]{1,32}$/.test(t) ? t : ''
}
