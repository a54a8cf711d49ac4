// The steps of a call as sentences. Pure: event in, message key and parameters out.
import type { CallEvent } from '@/api/types'
import { clock, phone } from '@/lib/format'

export type Lane = 'caller' | 'menu' | 'queue' | 'agent' | 'record' | 'end' | 'trouble'

export interface Step {
  key: string
  params: Record<string, unknown>
  lane: Lane
  /** Codes inside the parameters that the screen still has to translate: parameter → group. */
  codes: Record<string, string>
}

export interface Receipt {
  rule_version: string
  at: string
  queue: string
  trigger?: string
  waited_ms: number
  priority: number
  front?: boolean
  position: number
  skills?: { skill: string; level: number }[]
  candidates: { agent: string; idle_ms: number; skill_level: number; score: number; chosen?: boolean }[]
  candidates_total: number
  excluded?: { agent: string; reason: string }[]
  excluded_counts?: Record<string, number>
}

type Data = Record<string, unknown>
type Rule = (d: Data, e: CallEvent) => Omit<Step, 'key' | 'codes'> & { key?: string; codes?: Record<string, string> }

const str = (v: unknown): string => (v === undefined || v === null ? '' : String(v))
const seconds = (v: unknown): string => clock(Number(v) || 0)

/** Endings that need no explanation. */
const ordinary = new Set(['', 'normal', 'hangup', 'completed'])

const rules: Record<string, Rule> = {
  'call.started': (d) => ({ lane: 'caller', key: `call.started.${str(d.direction) || 'inbound'}`, params: { from: phone(str(d.from_masked)), to: phone(str(d.did) || str(d.to)), trunk: str(d.trunk) || str(d.extension) } }),
  'call.identified': (d) => {
    const n = Array.isArray(d.patients) ? d.patients.length : 0
    return { lane: 'caller', key: n > 1 ? 'call.identified.many' : n === 1 ? 'call.identified.one' : 'call.identified.none', params: { n } }
  },
  'leg.started': (d) => ({ lane: 'agent', params: { party: str(d.party) }, codes: { party: 'party' } }),
  'leg.ringing': () => ({ lane: 'agent', params: {} }),
  'leg.answered': () => ({ lane: 'agent', params: {} }),
  'leg.ended': (d) => ({ lane: 'agent', params: { cause: str(d.cause) }, codes: { cause: 'cause' } }),
  'media.up': () => ({ lane: 'record', params: {} }),
  'media.lost': () => ({ lane: 'trouble', params: {} }),
  'media.quality': (d) => ({ lane: 'record', params: { mos: Number(d.mos ?? 0).toFixed(1), loss: Number(d.loss ?? d.loss_pct ?? 0).toFixed(1), jitter: Math.round(Number(d.jitter_ms ?? 0)) } }),
  'ivr.entered': (d) => ({ lane: 'menu', params: { version: str(d.version) } }),
  'ivr.node': (d) => ({ lane: 'menu', params: { node: str(d.node), type: str(d.type) }, codes: { type: 'nodetype' } }),
  'ivr.input': (d) => ({ lane: 'menu', key: `ivr.input.${str(d.kind) || 'digit'}`, params: { digit: str(d.digit) } }),
  'ivr.dip': (d) => ({ lane: d.outcome === 'error' || d.outcome === 'timeout' ? 'trouble' : 'menu', params: { dip: str(d.dip), outcome: str(d.outcome), took: Number(d.ms ?? 0) }, codes: { dip: 'dip', outcome: 'flowexit' } }),
  'ivr.left': (d) => ({ lane: 'menu', params: { result: str(d.result) }, codes: { result: 'ivrresult' } }),
  'queue.entered': (d, e) => ({ lane: 'queue', params: { queue: e.queue_name || str(d.queue), position: Number(d.position) || 1 } }),
  'queue.announced': (d) => ({ lane: 'queue', params: { position: Number(d.position) || 1, low: seconds(Number(d.estimate_low_s) * 1000), high: seconds(Number(d.estimate_high_s) * 1000) } }),
  'queue.offered': (_d, e) => ({ lane: 'queue', params: { agent: e.agent_name } }),
  'queue.refused': (d, e) => ({ lane: 'trouble', params: { agent: e.agent_name, reason: str(d.reason) }, codes: { reason: 'refusal' } }),
  'queue.answered': (d, e) => ({ lane: 'agent', params: { agent: e.agent_name, waited: seconds(d.waited_ms) } }),
  'queue.left': (d) => ({ lane: 'queue', params: { reason: str(d.reason), waited: seconds(d.waited_ms) }, codes: { reason: 'queueleft' } }),
  'call.held': (_d, e) => ({ lane: 'agent', params: { agent: e.agent_name } }),
  'call.resumed': (_d, e) => ({ lane: 'agent', params: { agent: e.agent_name } }),
  'call.muted': (d, e) => ({ lane: 'agent', key: d.on ? 'call.muted.on' : 'call.muted.off', params: { agent: e.agent_name } }),
  'call.transferred': (d, e) => ({ lane: 'agent', params: { agent: e.agent_name, kind: str(d.target_kind), target: str(d.target), result: str(d.result) || 'ok' }, codes: { kind: 'targetkind', result: 'transferresult' } }),
  'call.conferenced': (d, e) => ({ lane: 'agent', params: { agent: e.agent_name, target: str(d.target) } }),
  'call.parked': (d) => ({ lane: 'trouble', params: { reason: str(d.reason) }, codes: { reason: 'parkreason' } }),
  'call.unparked': () => ({ lane: 'agent', params: {} }),
  'monitor.started': (d) => ({ lane: 'agent', params: { mode: str(d.mode) }, codes: { mode: 'mode' } }),
  'monitor.ended': () => ({ lane: 'agent', params: {} }),
  'recording.started': () => ({ lane: 'record', params: {} }),
  'recording.paused': () => ({ lane: 'record', params: {} }),
  'recording.resumed': () => ({ lane: 'record', params: {} }),
  'recording.stopped': (d) => ({ lane: 'record', key: d.discarded ? 'recording.discarded' : undefined, params: { duration: seconds(d.duration_ms) } }),
  'recording.failed': () => ({ lane: 'trouble', params: {} }),
  'dtmf.received': (d) => ({ lane: 'menu', params: { n: Number(d.count) || 1 } }),
  'agent.state': (d, e) => ({ lane: 'agent', params: { agent: e.agent_name, state: str(d.state) }, codes: { state: 'state' } }),
  'agent.signed_in': (_d, e) => ({ lane: 'agent', params: { agent: e.agent_name } }),
  'agent.signed_out': (_d, e) => ({ lane: 'agent', params: { agent: e.agent_name } }),
  'call.disposed': (d) => ({ lane: 'end', params: { disposition: str(d.disposition) }, codes: { disposition: 'disposition' } }),
  'call.noted': () => ({ lane: 'end', params: {} }),
  'call.ended': (d) => ({ lane: 'end', key: ordinary.has(str(d.cause)) ? 'call.ended.plain' : undefined, params: { by: str(d.by), cause: str(d.cause) }, codes: { by: 'endedby', cause: 'cause' } }),
}

/** What happened, for people. An unknown kind shows its name rather than nothing. */
export function stepOf(e: CallEvent): Step {
  const rule = rules[e.kind]
  if (!rule) return { key: 'event.other', params: { kind: e.kind }, lane: 'record', codes: {} }
  const r = rule(e.data ?? {}, e)
  return { key: `event.${r.key ?? e.kind}`, params: r.params, lane: r.lane, codes: r.codes ?? {} }
}

const technical = new Set(['leg.started', 'leg.ringing', 'leg.answered', 'leg.ended', 'media.up', 'media.quality', 'ivr.node', 'dtmf.received', 'ivr.entered', 'call.muted', 'agent.state', 'agent.signed_in', 'agent.signed_out'])

/** Steps that only technicians want: shown on request. */
export function isTechnical(e: CallEvent): boolean {
  return technical.has(e.kind) || (e.kind === 'queue.left' && e.data?.reason === 'answered')
}

export function receiptOf(e: CallEvent): Receipt | null {
  const r = e.data?.receipt as Receipt | undefined
  return r && Array.isArray(r.candidates) ? r : null
}

/** "not_ready:meal" → ["not_ready", "meal"]. */
export function exclusion(reason: string): [string, string] {
  const i = reason.indexOf(':')
  return i < 0 ? [reason, ''] : [reason.slice(0, i), reason.slice(i + 1)]
}
