// The one table that says which screens an event of the live stream concerns.
// Screens hold server state in queries; an event puts its new value into them
// where it carries all of it, and marks stale what has to be read again.
import type { QueryClient, QueryKey } from '@tanstack/vue-query'
import type { DeskView, LiveCall, WallAgent, Wallboard, WallQueue } from '@/api/types'

type Data = Record<string, unknown>

interface Patch {
  key: QueryKey
  /** The new value, or undefined to leave the query as it is. */
  next(old: unknown): unknown
}

interface Effect {
  patch?(d: Data): Patch
  stale(d: Data): QueryKey[]
}

const id = (d: Data): string => String(d.id ?? '')

export const table: Record<string, Effect> = {
  desk: {
    patch: (d) => ({ key: ['desk', 'view'], next: (old) => withNumbers(d as unknown as DeskView, old as DeskView | undefined) }),
    stale: () => [['desk', 'history']],
  },
  call: {
    patch: (d) => ({ key: ['live-calls'], next: (old) => replaceCall(old as { items: LiveCall[] } | undefined, d as unknown as LiveCall) }),
    stale: (d) => (d.stage === 'ended' ? [['calls'], ['call', id(d)], ['desk', 'history']] : []),
  },
  agent: {
    patch: (d) => ({ key: ['wallboard'], next: (old) => replaceAgent(old as Wallboard | undefined, d as unknown as WallAgent) }),
    stale: () => [['desk', 'targets']],
  },
  queue: {
    patch: (d) => ({ key: ['wallboard'], next: (old) => replaceQueue(old as Wallboard | undefined, d as unknown as WallQueue) }),
    stale: () => [],
  },
  pop: { stale: (d) => [['pop', String(d.call_id ?? '')], ['desk', 'view']] },
  patient: { stale: (d) => [['patients'], ['patient', id(d)], ['pop']] },
  people: { stale: (d) => peopleChanged(String(d.kind ?? ''), id(d)) },
  message: { stale: () => [['messages']] },
  booking: { stale: (d) => bookingChanged(String(d.kind ?? ''), id(d)) },
  switchboard: { stale: (d) => changed(String(d.kind ?? ''), id(d)) },
  alarm: { stale: () => [['alarms'], ['admin', 'system']] },
}

/** The timetable shows free numbers, so that every given number makes it old. */
function bookingChanged(kind: string, what: string): QueryKey[] {
  if (kind === 'session') return [['booking', 'timetable'], ['booking', 'session', what], ['booking', 'numbers', what], ['booking', 'eligibility']]
  return [['booking', 'appointments'], ['booking', 'appointment', what], ['booking', 'waitlist'], ['booking', 'penalties'], ['ledger']]
}

/** Around the records: imports move on, somebody decided, asked or took emergency access. */
function peopleChanged(kind: string, what: string): QueryKey[] {
  switch (kind) {
    case 'import':
      return [['import', what], ['imports']]
    case 'duplicates':
      return [['duplicate-scan']]
    case 'consent':
      return [['consents', what]]
    case 'access':
      return [['accesses']]
    default:
      return [['privacy']]
  }
}

function changed(kind: string, what: string): QueryKey[] {
  if (kind === 'recording') return [['call', what], ['recording']]
  if (kind === 'desk') return [['desk', 'view']]
  return [['admin'], ['directory'], ['names'], ['desk', 'targets'], ['desk', 'options'], ['wallboard']]
}

/** Events carry masked numbers only; those read before, with the right to see them, are kept. */
export function withNumbers(d: DeskView, old?: DeskView): DeskView {
  if (!old) return d
  const known = new Map(old.calls.map((c) => [c.id, c.number]))
  return { ...d, calls: d.calls.map((c) => ({ ...c, number: c.number || known.get(c.id) })) }
}

export function replaceCall(old: { items: LiveCall[] } | undefined, c: LiveCall): unknown {
  if (!old) return undefined
  const rest = old.items.filter((x) => x.id !== c.id)
  return { ...old, items: c.stage === 'ended' ? rest : [...rest, c].sort((a, b) => a.started_at.localeCompare(b.started_at)) }
}

export function replaceAgent(old: Wallboard | undefined, a: WallAgent): unknown {
  if (!old) return undefined
  const known = old.agents.some((x) => x.id === a.id)
  return { ...old, agents: known ? old.agents.map((x) => (x.id === a.id ? { ...x, ...a } : x)) : [...old.agents, a] }
}

/** The day's figures come with the next read; an event has only what is live. */
export function replaceQueue(old: Wallboard | undefined, q: WallQueue): unknown {
  if (!old) return undefined
  const queues = old.queues.map((x) => (x.id === q.id ? { ...x, ...q, today: q.today?.offered ? q.today : x.today } : x))
  const waiting = queues.reduce((n, x) => n + x.waiting, 0)
  const longest = Math.max(0, ...queues.map((x) => x.longest_wait_s))
  return { ...old, queues, totals: { ...old.totals, waiting, longest_wait_s: longest } }
}

/** How long a key rests between two reads: in a storm of bookings the timetable is wrong in a moment anyway. */
export function restOf(key: QueryKey): number {
  return key[0] === 'booking' && (key[1] === 'timetable' || key[1] === 'eligibility') ? 2_000 : 0
}

/** Collects stale keys and hands each of them on once per interval, so that a busy hour does not refetch a hundred times a second. */
export class Coalescer {
  private readonly waiting = new Map<string, QueryKey>()
  private readonly last = new Map<string, number>()
  private timer?: ReturnType<typeof setTimeout>
  private readonly flushTo: (keys: QueryKey[]) => void
  private readonly every: number

  constructor(flushTo: (keys: QueryKey[]) => void, every = 400) {
    this.flushTo = flushTo
    this.every = every
  }

  add(keys: QueryKey[]): void {
    for (const k of keys) this.waiting.set(JSON.stringify(k), k)
    if (this.waiting.size && !this.timer) this.timer = setTimeout(() => this.flush(), this.every)
  }

  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const due: QueryKey[] = []
    for (const [name, k] of this.waiting) {
      const rest = restOf(k)
      if (rest && Date.now() - (this.last.get(name) ?? -Infinity) < rest) continue
      if (rest) this.last.set(name, Date.now())
      this.waiting.delete(name)
      due.push(k)
    }
    if (due.length) this.flushTo(due)
    if (this.waiting.size) this.timer = setTimeout(() => this.flush(), this.every)
  }
}

type Cache = Pick<QueryClient, 'setQueryData' | 'getQueryData'>

export function apply(cache: Cache, stale: Coalescer, topic: string, data: unknown): void {
  const effect = table[topic]
  if (!effect || !data || typeof data !== 'object') return
  const d = data as Data
  if (effect.patch) {
    const { key, next } = effect.patch(d)
    const old = cache.getQueryData(key)
    const value = next(old)
    if (value !== undefined) cache.setQueryData(key, value)
    if (topic === 'desk' && hasNewCall(d as unknown as DeskView, old as DeskView | undefined)) stale.add([key])
  }
  stale.add(effect.stale(d))
}

/** A call not seen before: its number in full is worth a read. */
function hasNewCall(d: DeskView, old?: DeskView): boolean {
  return d.calls.some((c) => !old?.calls.some((o) => o.id === c.id))
}
