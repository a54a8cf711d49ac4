import { describe, expect, it } from 'vitest'
import type { Session, Slot } from './api'
import { byDay, dropKey, firstDay, groupCode, groupPhone, keyFor, nearness, newKey, offerOf, readable, safeNext, slotTimes, validID, validPhone, yuan } from './logic'

const clinic = (o: Partial<Session>): Session =>
  ({ id: 's', date: '2026-12-01', start_at: '2026-12-01T00:00:00Z', doctor: '', type: 'ordinary', state: 'open', released: true, free: 5, ...o }) as Session
const slot = (id: string, start: string, seq: number): Slot => ({ id, seq, start_at: start, end_at: start })

describe('days of a timetable', () => {
  it('has every day, in order of time, then of rank', () => {
    const days = byDay(
      [
        clinic({ id: 'pm', start_at: '2026-12-01T06:00:00Z' }),
        clinic({ id: 'plain' }),
        clinic({ id: 'expert', type: 'expert' }),
        clinic({ id: 'other', date: '2026-12-03' }),
        clinic({ id: 'outside', date: '2026-12-31' }),
      ],
      '2026-12-01', 3,
    )
    expect(days.map((d) => d.date)).toEqual(['2026-12-01', '2026-12-02', '2026-12-03'])
    expect(days.map((d) => d.sessions.map((s) => s.id))).toEqual([['expert', 'plain', 'pm'], [], ['other']])
    expect(days.map((d) => d.free)).toEqual([15, 0, 5])
  })
  it('counts only what can be taken', () => {
    const [day] = byDay([clinic({ state: 'closed' }), clinic({ released: false }), clinic({ free: 0 })], '2026-12-01', 1)
    expect(day?.free).toBe(0)
  })
  it('begins at the first day with something free, else with a clinic, else today', () => {
    const full = clinic({ date: '2026-12-02', free: 0 })
    expect(firstDay(byDay([full, clinic({ date: '2026-12-03' })], '2026-12-01'))).toBe('2026-12-03')
    expect(firstDay(byDay([full], '2026-12-01'))).toBe('2026-12-02')
    expect(firstDay(byDay([], '2026-12-01'))).toBe('2026-12-01')
  })
})

it.each([
  ['closed', { state: 'closed' }],
  ['later', { released: false }],
  ['full', { free: 0 }],
  ['few', { free: 3 }],
  ['free', { free: 4 }],
] as const)('a clinic is %s', (want, o) => expect(offerOf(clinic(o))).toBe(want))

it('slots of one time are one button, the lowest number first', () => {
  const groups = slotTimes([slot('c', '2026-12-01T01:00:00Z', 3), slot('b', '2026-12-01T00:00:00Z', 2), slot('a', '2026-12-01T00:00:00Z', 1)])
  expect(groups.map((g) => g.slots.map((s) => s.id))).toEqual([['a', 'b'], ['c']])
})

it.each([['2026-12-31', 'today'], ['2027-01-01', 'tomorrow'], ['2027-01-02', 'overmorrow'], ['2027-01-03', ''], ['2026-12-30', '']])('%s is %s', (date, want) =>
  expect(nearness(date, '2026-12-31')).toBe(want))

describe('the key of a wish', () => {
  const store = new Map<string, string>()
  const storage = { getItem: (k: string) => store.get(k) ?? null, setItem: (k: string, v: string) => void store.set(k, v), removeItem: (k: string) => void store.delete(k) }
  it('stays until the wish is over', () => {
    const key = keyFor('a:b', storage)
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(keyFor('a:b', storage)).toBe(key)
    expect(keyFor('a:c', storage)).not.toBe(key)
    dropKey('a:b', storage)
    expect(keyFor('a:b', storage)).not.toBe(key)
  })
  it('is never the same', () => expect(new Set(Array.from({ length: 100 }, newKey)).size).toBe(100))
})

it.each([['13800138000', '138 0013 8000'], ['+86 138-0013-8000', '138 0013 8000'], ['138001', '138 001'], ['138001380009999', '138 0013 8000'], ['', '']])('the telephone %s is shown as %s', (v, want) =>
  expect(groupPhone(v)).toBe(want))

it.each([['138 0013 8000', true], ['12800138000', false], ['1380013800', false]])('%s is a mobile number: %s', (v, want) => expect(validPhone(v)).toBe(want))

it.each([['11010519491231002X', true], ['11010519491231002x', true], ['110105194912310021', false], ['1101051949123100', false], ['', false]])('%s is an identity number: %s', (v, want) =>
  expect(validID(v)).toBe(want))

it.each([[1500, '15'], [1550, '15.50'], [0, '0'], [5, '0.05']])('%i cents are %s', (v, want) => expect(yuan(v)).toBe(want))

it('a code is read in fours', () => expect(groupCode('12345678')).toBe('1234 5678'))

// Nobody is led away from the portal after signing in.
it.each([['/me', '/me'], ['/sessions/1/confirm?number=2', '/sessions/1/confirm?number=2'], ['//evil.example', '/'], ['/\\evil.example', '/'], ['https://evil.example', '/'], ['javascript:alert(1)', '/'], [undefined, '/'], [['/me'], '/']])(
  'after sign-in %j leads to %s', (v, want) => expect(safeNext(v)).toBe(want))

it('parameters of messages are read as times and dates', () => {
  const p = { at: '2026-12-01T00:30:00Z', until: '2026-12-01', clock: '2026-12-01 06:30', hour: '16:00', count: 2, word: 'day' }
  expect(readable(p, (v) => `moment ${v}`, (v) => `date ${v}`)).toEqual({
    at: 'moment 2026-12-01T00:30:00Z', until: 'date 2026-12-01', clock: 'date 2026-12-01 06:30', hour: '16:00', count: 2, word: 'day',
  })
  expect(readable(undefined, String, String)).toEqual({})
})
