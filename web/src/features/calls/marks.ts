// Where a recording has what: menu and waiting, the conversation, hold, a
// hand-over. Pure: it comes from the call's events, whose times and the
// recording's are those of one clock; pauses are silence, so nothing shifts.
import type { CallEvent } from '@/api/types'

export type Phase = 'before' | 'hold' | 'park'

/** A stretch of the recording, in seconds. */
export interface Band {
  phase: Phase
  from: number
  to: number
}

export interface Mark {
  kind: 'talk' | 'hold' | 'park' | 'transfer'
  at: number
}

export interface Marks {
  bands: Band[]
  marks: Mark[]
}

/** The recordings of a call in their order: one, or more where one broke and another took over. */
export function recordingsOf(events: CallEvent[], latest: string): string[] {
  const of = (kind: string) => events.filter((e) => e.kind === kind && e.data.recording)
  const dropped = of('recording.stopped').filter((e) => e.data.discarded).map((e) => e.data.recording)
  const kept = of('recording.started').map((e) => String(e.data.recording)).filter((id) => !dropped.includes(id))
  return kept.includes(latest) ? kept : [latest]
}

/** A conversation that begins with the recording needs no mark. */
const notable = 1

export function marksOf(events: CallEvent[], recording: string, answeredAt: string | undefined, seconds: number): Marks {
  const started = events.find((e) => e.kind === 'recording.started' && e.data.recording === recording)
  const out: Marks = { bands: [], marks: [] }
  if (!started || seconds <= 0) return out
  const zero = Date.parse(started.at)
  const place = (at: string) => (Date.parse(at) - zero) / 1000
  const talk = answeredAt ? place(answeredAt) : NaN
  if (talk >= notable && talk < seconds) {
    out.bands.push({ phase: 'before', from: 0, to: talk })
    out.marks.push({ kind: 'talk', at: talk })
  }
  let open: Band | undefined
  const close = (at: number) => {
    if (open && Math.min(at, seconds) > open.from) out.bands.push({ ...open, to: Math.min(at, seconds) })
    open = undefined
  }
  for (const e of events) {
    const at = place(e.at)
    if (at < 0 || at >= seconds) continue
    const phase = e.kind === 'call.held' ? 'hold' : e.kind === 'call.parked' ? 'park' : undefined
    if (phase && open?.phase !== phase) {
      close(at)
      open = { phase, from: at, to: seconds }
      out.marks.push({ kind: phase, at })
    } else if (['call.resumed', 'call.unparked', 'queue.answered', 'call.ended'].includes(e.kind)) close(at)
    else if (e.kind === 'call.transferred' && (!e.data.result || e.data.result === 'ok')) {
      close(at)
      out.marks.push({ kind: 'transfer', at })
    }
  }
  close(seconds)
  return out
}

export function phaseAt(m: Marks, at: number): Phase | undefined {
  return m.bands.find((b) => at >= b.from && at < b.to)?.phase
}
