// A timetable as a grid: one row per doctor, clinic or examination, one column
// per day; and how the arrow keys walk over it. Nothing here draws or asks.

export interface Clinic {
  id: string
  date: string
  period: string
  start_at: string
  end_at: string
  department_id: string
  department: string
  doctor_id: string
  doctor: string
  doctor_title: string
  exam_id: string
  exam: string
  type: string
  state: string
  released: boolean
  total: number
  free: number
}

export interface Row<S extends Clinic> {
  key: string
  department: string
  /** The doctor or the examination; '' for a clinic without a named doctor. */
  name: string
  title: string
  doctorId: string
  type: string
  /** What happens on each day, in the order of time. */
  cells: S[][]
}

export type Direction = 'left' | 'right' | 'up' | 'down'
export type WhyNot = '' | 'closed' | 'over' | 'not_released' | 'full'

/** Digits first, then the letters that the desk does not use for the telephone. */
export const labels = [...'123456789', ...'EFGILOQYZ']

const rank: Record<string, number> = { chief: 1, associate_chief: 2, attending: 3, resident: 4 }

export function days(from: string, n: number): string[] {
  const at = new Date(`${from}T00:00:00Z`)
  return Array.from({ length: n }, (_, i) => new Date(at.getTime() + i * 86_400_000).toISOString().slice(0, 10))
}

/** The Monday of the week of a day. */
export function monday(date: string): string {
  const at = new Date(`${date}T00:00:00Z`)
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7))
  return at.toISOString().slice(0, 10)
}

export function whyNot(s: Clinic, now: number): WhyNot {
  if (s.state === 'closed') return 'closed'
  if (Date.parse(s.end_at) <= now) return 'over'
  if (!s.released) return 'not_released'
  return s.free > 0 ? '' : 'full'
}

function rowKey(s: Clinic): string {
  return [s.department_id, s.exam_id || s.doctor_id || '', s.exam_id || s.doctor_id ? '' : s.type].join('|')
}

export function layout<S extends Clinic>(sessions: S[], dates: string[]): Row<S>[] {
  const rows = new Map<string, Row<S>>()
  const column = new Map(dates.map((d, i) => [d, i]))
  for (const s of sessions) {
    const at = column.get(s.date)
    if (at === undefined) continue
    const key = rowKey(s)
    let row = rows.get(key)
    if (!row) {
      row = { key, department: s.department, name: s.exam_id ? s.exam : s.doctor, title: s.doctor_title, doctorId: s.doctor_id, type: s.type, cells: dates.map(() => []) }
      rows.set(key, row)
    }
    row.cells[at]!.push(s)
  }
  for (const r of rows.values()) for (const c of r.cells) c.sort((a, b) => Date.parse(a.start_at) - Date.parse(b.start_at))
  return [...rows.values()].sort(
    (a, b) => a.department.localeCompare(b.department, 'zh') || order(a) - order(b) || a.name.localeCompare(b.name, 'zh') || a.key.localeCompare(b.key),
  )
}

const order = (r: Row<Clinic>) => (r.name ? (rank[r.title] ?? 5) : 0)

/** The key that picks each session that can be booked: the earliest has the first. */
export function keyLabels<S extends Clinic>(rows: Row<S>[], now: number): Map<string, string> {
  const open = rows.flatMap((r, y) => r.cells.flat().map((s) => ({ s, y }))).filter((x) => !whyNot(x.s, now))
  open.sort((a, b) => Date.parse(a.s.start_at) - Date.parse(b.s.start_at) || a.y - b.y)
  return new Map(open.slice(0, labels.length).map((x, i) => [x.s.id, labels[i]!]))
}

/** The session that is offered first: the earliest that can be booked, else the first one shown. */
export function firstOf<S extends Clinic>(rows: Row<S>[], now: number): string {
  const first = [...keyLabels(rows, now).keys()][0]
  return first ?? rows.flatMap((r) => r.cells.flat())[0]?.id ?? ''
}

/** The next few sessions that can be booked instead of one. */
export function instead<S extends Clinic>(rows: Row<S>[], not: string, now: number, n = 3): S[] {
  const ids = [...keyLabels(rows, now).keys()].filter((id) => id !== not).slice(0, n)
  const all = rows.flatMap((r) => r.cells.flat())
  return ids.map((id) => all.find((s) => s.id === id)!)
}

interface Spot<S> {
  s: S
  x: number
  i: number
}

function spots<S extends Clinic>(r: Row<S>): Spot<S>[] {
  return r.cells.flatMap((c, x) => c.map((s, i) => ({ s, x, i })))
}

/** Where an arrow key leads from a session; '' when the edge is reached. */
export function move<S extends Clinic>(rows: Row<S>[], from: string, to: Direction): string {
  const y = rows.findIndex((r) => r.cells.some((c) => c.some((s) => s.id === from)))
  if (y < 0) return rows.flatMap((r) => spots(r))[0]?.s.id ?? ''
  const line = spots(rows[y]!)
  const at = line.findIndex((p) => p.s.id === from)
  if (to === 'left' || to === 'right') return line[at + (to === 'left' ? -1 : 1)]?.s.id ?? ''
  const here = line[at]!
  const step = to === 'up' ? -1 : 1
  for (let n = y + step; n >= 0 && n < rows.length; n += step) {
    const there = spots(rows[n]!).sort((a, b) => far(a, here) - far(b, here))[0]
    if (there) return there.s.id
  }
  return ''
}

const far = (a: Spot<unknown>, b: Spot<unknown>) => Math.abs(a.x - b.x) * 10 + Math.abs(a.i - b.i)

/** Where an arrow key leads in a block of slots with so many columns. */
export function moveSlot(count: number, at: number, columns: number, to: Direction): number {
  if (!count) return -1
  const next = at + { left: -1, right: 1, up: -columns, down: columns }[to]
  return next < 0 || next >= count ? Math.max(0, Math.min(at, count - 1)) : next
}
