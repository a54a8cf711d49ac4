// Weekly templates as a grid, and what a template makes of itself. Pure.

export interface TemplateLike {
  weekday: number
  start: string
  end: string
  slot_minutes: number
  capacity: number
  lanes?: Record<string, number>
  department: string
  doctor: string
  exam: string
  type: string
  doctor_id?: string
  exam_id?: string
  department_id: string
}

export interface TemplateRow<T extends TemplateLike> {
  key: string
  department: string
  name: string
  type: string
  cells: T[][] // Monday first
}

/** Monday first, as the week of a hospital begins. */
export const weekdays = [1, 2, 3, 4, 5, 6, 7]
export const quotaLanes = ['phone', 'web', 'kiosk', 'onsite', 'referral', 'vip']

export function templateGrid<T extends TemplateLike>(list: T[]): TemplateRow<T>[] {
  const rows = new Map<string, TemplateRow<T>>()
  for (const x of list) {
    const key = [x.department_id, x.exam_id || x.doctor_id || x.type].join('|')
    const row = rows.get(key) ?? { key, department: x.department, name: x.exam || x.doctor, type: x.type, cells: weekdays.map(() => []) }
    row.cells[weekdays.indexOf(x.weekday)]?.push(x)
    rows.set(key, row)
  }
  for (const r of rows.values()) for (const c of r.cells) c.sort((a, b) => a.start.localeCompare(b.start))
  return [...rows.values()].sort((a, b) => a.department.localeCompare(b.department, 'zh') || Number(Boolean(a.name)) - Number(Boolean(b.name)) || a.name.localeCompare(b.name, 'zh'))
}

const minutes = (clock: string): number => {
  const m = /^(\d{1,2}):(\d\d)$/.exec(clock)
  return m ? Number(m[1]) * 60 + Number(m[2]) : NaN
}

/** How many times a session has, how many numbers share one, and what stays for everybody. */
export function facts(x: Pick<TemplateLike, 'start' | 'end' | 'slot_minutes' | 'capacity' | 'lanes'>): { times: number; perTime: number; shared: number } {
  const span = minutes(x.end) - minutes(x.start)
  const times = span > 0 && x.slot_minutes > 0 ? Math.max(1, Math.floor(span / x.slot_minutes)) : 0
  const quotas = Object.values(x.lanes ?? {}).reduce((n, v) => n + v, 0)
  return { times, perTime: times ? Math.ceil(x.capacity / times) : 0, shared: x.capacity - quotas }
}
