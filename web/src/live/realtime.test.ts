import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { DeskView, LiveCall, Wallboard } from '@/api/types'
import { apply, Coalescer, replaceCall, table, withNumbers } from './realtime'

function cacheOf(start: Record<string, unknown>) {
  const data = new Map(Object.entries(start))
  return {
    data,
    getQueryData: (k: readonly unknown[]) => data.get(JSON.stringify(k)) as never,
    setQueryData: (k: readonly unknown[], v: unknown) => void data.set(JSON.stringify(k), v) as never,
  }
}
const desk = (calls: unknown[]): DeskView => ({ agent: { id: 'a' }, queues: [], calls }) as unknown as DeskView

describe('events reach the screens', () => {
  let stale: string[]
  let box: Coalescer
  beforeEach(() => {
    vi.useFakeTimers()
    stale = []
    box = new Coalescer((keys) => stale.push(...keys.map((k) => JSON.stringify(k))), 100)
  })

  it('puts the desk in place and keeps numbers that were read before', () => {
    const cache = cacheOf({ '["desk","view"]': desk([{ id: 'c1', number: '13812345678' }]) })
    apply(cache, box, 'desk', desk([{ id: 'c1', state: 'talking' }]))
    const now = cache.data.get('["desk","view"]') as DeskView
    expect(now.calls[0]).toMatchObject({ id: 'c1', state: 'talking', number: '13812345678' })
    box.flush()
    expect(stale).toEqual(['["desk","history"]'])
  })
  it('reads the desk again when a new call rings, for its number', () => {
    const cache = cacheOf({ '["desk","view"]': desk([]) })
    apply(cache, box, 'desk', desk([{ id: 'c2' }]))
    box.flush()
    expect(stale).toContain('["desk","view"]')
  })
  it('replaces an agent and a queue on the wallboard, keeping the day\'s figures', () => {
    const wall = { agents: [{ id: 'u1', state: 'ready' }], queues: [{ id: 'q1', waiting: 0, longest_wait_s: 0, today: { offered: 9 } }], totals: { waiting: 0 } } as unknown as Wallboard
    const cache = cacheOf({ '["wallboard"]': wall })
    apply(cache, box, 'agent', { id: 'u1', state: 'talking' })
    apply(cache, box, 'queue', { id: 'q1', waiting: 3, longest_wait_s: 20, today: { offered: 0 } })
    const now = cache.data.get('["wallboard"]') as Wallboard
    expect(now.agents[0]!.state).toBe('talking')
    expect(now.queues[0]).toMatchObject({ waiting: 3, today: { offered: 9 } })
    expect(now.totals).toMatchObject({ waiting: 3, longest_wait_s: 20 })
  })
  it('reads the timetable again when numbers are given, but not a hundred times a second', () => {
    const cache = cacheOf({})
    apply(cache, box, 'booking', { kind: 'appointment', id: 'a1' })
    apply(cache, box, 'booking', { kind: 'session', id: 's1' })
    box.flush()
    expect(stale).toContain('["booking","appointment","a1"]')
    expect(stale).toContain('["booking","numbers","s1"]')
    const times = () => stale.filter((k) => k === '["booking","timetable"]').length
    expect(times()).toBe(1)
    for (let i = 0; i < 10; i++) {
      apply(cache, box, 'booking', { kind: 'session', id: 's1' })
      vi.advanceTimersByTime(100)
    }
    expect(times()).toBe(1)
    vi.advanceTimersByTime(2_000)
    expect(times()).toBe(2)
  })
  it('leaves screens alone that nobody has opened', () => {
    const cache = cacheOf({})
    apply(cache, box, 'agent', { id: 'u1' })
    apply(cache, box, 'call', { id: 'c1', stage: 'talking', started_at: '' })
    expect(cache.data.size).toBe(0)
  })
  it('survives unknown topics and rubbish', () => {
    const cache = cacheOf({})
    expect(() => {
      apply(cache, box, 'nonsense', {})
      apply(cache, box, 'call', null)
      apply(cache, box, 'call', 'text')
    }).not.toThrow()
  })
  it('asks once for what a hundred events made stale', () => {
    for (let i = 0; i < 100; i++) apply(cacheOf({}), box, 'patient', { kind: 'patient', id: 'p1' })
    vi.advanceTimersByTime(100)
    expect(stale).toHaveLength(3)
  })
  it('names something for every topic of the server', () => {
    for (const topic of ['call', 'agent', 'queue', 'desk', 'pop', 'alarm', 'patient', 'switchboard']) expect(table[topic], topic).toBeDefined()
  })
})

it('takes an ended call off the list and keeps the rest in order of arrival', () => {
  const call = (id: string, at: string, stage = 'talking') => ({ id, started_at: at, stage }) as LiveCall
  const old = { items: [call('b', '2'), call('c', '3')] }
  expect((replaceCall(old, call('a', '1')) as typeof old).items.map((x) => x.id)).toEqual(['a', 'b', 'c'])
  expect((replaceCall(old, call('b', '2', 'ended')) as typeof old).items.map((x) => x.id)).toEqual(['c'])
})

it('shows the first desk as it is', () => {
  const d = desk([{ id: 'c1' }])
  expect(withNumbers(d, undefined)).toBe(d)
})
