// The one table that says which screens an event of the live stream concerns.
// Screens hold server state in queries; an event marks those queries stale, or
// puts the new value in place when the event carries all of it.
import type { QueryClient, QueryKey } from '@tanstack/vue-query'

type Data = Record<string, unknown>

interface Effect {
  /** Queries to fetch again when somebody looks at them. */
  stale(d: Data): QueryKey[]
  /** Value that replaces a query's data at once. */
  patch?(d: Data): { key: QueryKey; value: unknown } | null
}

const id = (d: Data): string => String(d.id ?? d.call_id ?? d.call ?? '')

export const table: Record<string, Effect> = {
  desk: {
    stale: (d) => ('agent' in d && 'calls' in d ? [['desk', 'history']] : [['desk']]),
    patch: (d) => ('agent' in d && 'calls' in d && 'queues' in d ? { key: ['desk', 'view'], value: d } : null),
  },
  call: {
    stale: (d) => (isOver(d) ? [['live-calls'], ['wallboard'], ['calls'], ['call', id(d)], ['desk', 'history']] : [['live-calls'], ['wallboard']]),
  },
  agent: { stale: () => [['wallboard'], ['desk', 'targets'], ['admin', 'agents']] },
  queue: { stale: () => [['wallboard'], ['desk', 'view']] },
  pop: { stale: (d) => [['pop', String(d.call_id ?? '')], ['desk', 'view']] },
  patient: { stale: (d) => [['patients'], ['patient', id(d)], ['pop']] },
  switchboard: { stale: () => [['admin'], ['directory'], ['desk', 'targets'], ['wallboard']] },
  alarm: { stale: () => [['admin', 'system'], ['wallboard']] },
}

function isOver(d: Data): boolean {
  return d.stage === 'ended' || d.state === 'ended' || Boolean(d.ended_at)
}

/** Collects stale keys and hands each of them on once per interval, so that a busy hour does not refetch a hundred times a second. */
export class Coalescer {
  private readonly waiting = new Map<string, QueryKey>()
  private timer?: ReturnType<typeof setTimeout>
  private readonly flushTo: (keys: QueryKey[]) => void
  private readonly every: number

  constructor(flushTo: (keys: QueryKey[]) => void, every = 300) {
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
    const keys = [...this.waiting.values()]
    this.waiting.clear()
    if (keys.length) this.flushTo(keys)
  }
}

export function apply(client: QueryClient, stale: Coalescer, topic: string, data: unknown): void {
  const effect = table[topic]
  if (!effect) return
  const d = (data && typeof data === 'object' ? data : {}) as Data
  const patch = effect.patch?.(d)
  if (patch) client.setQueryData(patch.key, patch.value)
  stale.add(effect.stale(d))
}
