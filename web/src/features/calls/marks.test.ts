import { describe, expect, it } from 'vitest'
import type { CallEvent } from '@/api/types'
import { marksOf, phaseAt, recordingsOf } from './marks'

const zero = Date.parse('2026-11-20T01:00:00.400Z')
const at = (s: number) => new Date(zero + 1000 * s).toISOString()
const event = (s: number, kind: string, data: Record<string, unknown> = {}): CallEvent => ({ id: String(s), at: at(s), kind, version: 1, agent: '', agent_name: '', queue: '', queue_name: '', data })
const started = (s: number, recording = 'r1') => event(s, 'recording.started', { recording })

describe('places in a recording', () => {
  it('finds the conversation behind menu and music', () => {
    const m = marksOf([event(-0.2, 'call.started'), started(0), event(3, 'ivr.entered'), event(31.5, 'queue.answered')], 'r1', at(31.5), 90)
    expect(m.marks).toEqual([{ kind: 'talk', at: 31.5 }])
    expect(m.bands).toEqual([{ phase: 'before', from: 0, to: 31.5 }])
    expect([0, 31.4, 31.6].map((s) => phaseAt(m, s))).toEqual(['before', 'before', undefined])
  })
  it('marks nothing in a call that nobody talked to, or that is a conversation from the start', () => {
    expect(marksOf([started(0), event(9, 'ivr.node')], 'r1', undefined, 20)).toEqual({ bands: [], marks: [] })
    expect(marksOf([started(0)], 'r1', at(-0.01), 20)).toEqual({ bands: [], marks: [] })
    expect(marksOf([started(0)], 'r1', at(0.4), 20).marks).toEqual([])
  })
  it('counts from the start of this recording, not of one that broke before', () => {
    const events = [started(0), event(1, 'recording.failed', { recording: 'r1' }), started(20, 'r2')]
    expect(marksOf(events, 'r2', at(20), 40).marks).toEqual([])
    expect(marksOf(events, 'r1', at(20), 0.5).marks).toEqual([]) // its sound ends before
    expect(marksOf(events, 'r3', at(20), 40)).toEqual({ bands: [], marks: [] })
  })
  it('knows hold, parking and hand-over, to the end if need be', () => {
    const m = marksOf(
      [
        started(0), event(10, 'queue.answered'), event(20, 'call.held'), event(25, 'call.resumed'), event(30, 'call.held'), event(33, 'call.transferred', { result: 'ok' }),
        event(34, 'call.transferred', { result: 'busy' }), event(40, 'call.parked'), event(48, 'queue.answered'), event(55, 'call.held'), event(500, 'call.held'),
      ],
      'r1', at(10), 60,
    )
    expect(m.marks).toEqual([
      { kind: 'talk', at: 10 }, { kind: 'hold', at: 20 }, { kind: 'hold', at: 30 }, { kind: 'transfer', at: 33 }, { kind: 'park', at: 40 }, { kind: 'hold', at: 55 },
    ])
    expect(m.bands).toEqual([
      { phase: 'before', from: 0, to: 10 }, { phase: 'hold', from: 20, to: 25 }, { phase: 'hold', from: 30, to: 33 }, { phase: 'park', from: 40, to: 48 }, { phase: 'hold', from: 55, to: 60 },
    ])
  })
})

describe('recordings of a call', () => {
  it('are all that were kept, in their order', () => {
    const events = [started(0), event(1, 'recording.failed', { recording: 'r1' }), started(20, 'r2'), event(40, 'recording.stopped', { recording: 'r2' })]
    expect(recordingsOf(events, 'r2')).toEqual(['r1', 'r2'])
    expect(recordingsOf([started(0), event(1, 'recording.stopped', { recording: 'r1', discarded: true }), started(2, 'r2')], 'r2')).toEqual(['r2'])
  })
  it('are the one that the call names while its events load', () => {
    expect(recordingsOf([], 'r1')).toEqual(['r1'])
    expect(recordingsOf([started(0)], 'r2')).toEqual(['r2'])
  })
})
