import { describe, expect, it } from 'vitest'
import zh from '@/locales/zh-CN.json'
import type { CallEvent } from '@/api/types'
import { callQuery } from './queries'
import { exclusion, receiptOf, stepOf } from './trail'
import { wavePath } from './wave'

const event = (kind: string, data: Record<string, unknown> = {}): CallEvent => ({ id: '1', at: '', kind, version: 1, agent: '', agent_name: '苏晓雯', queue: '', queue_name: '预约', data })
const kinds = [
  'call.started', 'call.identified', 'leg.started', 'leg.ringing', 'leg.answered', 'leg.ended', 'media.up', 'media.lost', 'media.quality', 'ivr.entered', 'ivr.node', 'ivr.input', 'ivr.dip', 'ivr.left',
  'queue.entered', 'queue.announced', 'queue.offered', 'queue.refused', 'queue.answered', 'queue.left', 'call.held', 'call.resumed', 'call.muted', 'call.transferred', 'call.conferenced',
  'call.parked', 'call.unparked', 'monitor.started', 'monitor.ended', 'recording.started', 'recording.paused', 'recording.resumed', 'recording.stopped', 'recording.failed', 'dtmf.received',
  'call.disposed', 'call.noted', 'call.ended', 'agent.signed_in', 'agent.state', 'agent.signed_out',
]

describe('the trail in plain words', () => {
  it.each(kinds)('has a sentence for %s, even with no data', (kind) => {
    const s = stepOf(event(kind))
    expect(s.key).not.toBe('event.other')
    expect(Object.keys(zh)).toContain(s.key)
  })
  it('gives every parameter that its sentence asks for', () => {
    for (const kind of kinds) {
      const s = stepOf(event(kind, { kind: 'digit' }))
      const wanted = [...((zh as Record<string, string>)[s.key] ?? '').matchAll(/\{(\w+)\}/g)].map((m) => m[1]!)
      expect(Object.keys(s.params)).toEqual(expect.arrayContaining(wanted))
    }
  })
  it('tells one, many and no customers apart', () => {
    expect(stepOf(event('call.identified', { patients: ['a'] })).key).toBe('event.call.identified.one')
    expect(stepOf(event('call.identified', { patients: ['a', 'b'] })).key).toBe('event.call.identified.many')
    expect(stepOf(event('call.identified', { patients: null })).key).toBe('event.call.identified.none')
  })
  it('says that a recording was not kept', () => {
    expect(stepOf(event('recording.stopped', { duration_ms: 700, discarded: true })).key).toBe('event.recording.discarded')
    expect(stepOf(event('recording.stopped', { duration_ms: 7000 })).key).toBe('event.recording.stopped')
  })
  it('shows a kind of the future by its name', () => {
    expect(stepOf(event('fax.received'))).toMatchObject({ key: 'event.other', params: { kind: 'fax.received' } })
  })
  it('finds receipts and only receipts', () => {
    expect(receiptOf(event('queue.offered', { receipt: { candidates: [] } }))).not.toBeNull()
    expect(receiptOf(event('queue.offered', { receipt: 'x' }))).toBeNull()
    expect(receiptOf(event('call.ended'))).toBeNull()
  })
  it('splits the reason of an exclusion', () => {
    expect(exclusion('not_ready:meal')).toEqual(['not_ready', 'meal'])
    expect(exclusion('talking')).toEqual(['talking', ''])
  })
})

it('asks for whole days of the hospital and leaves empty filters out', () => {
  const q = callQuery({ from: '2026-11-20', to: '2026-11-22', queue: '', agent: '', outcome: '', direction: '', q: '  ', patient: '' })
  expect(q).toEqual({ from: '2026-11-19T16:00:00.000Z', to: '2026-11-22T16:00:00.000Z', queue: undefined, agent: undefined, outcome: undefined, direction: undefined, q: undefined, patient: undefined })
})

it('draws peaks as a closed shape inside its lane', () => {
  expect(wavePath([], 30)).toBe('')
  const ys = [...wavePath([0, 1, 7, -3], 30).matchAll(/ (-?[\d.]+)/g)].map((m) => Number(m[1]))
  expect(Math.min(...ys)).toBeGreaterThanOrEqual(3)
  expect(Math.max(...ys)).toBeLessThanOrEqual(57)
})
