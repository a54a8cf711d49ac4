import { describe, expect, it } from 'vitest'
import { addDays, age, bytes, clock, dateTime, dayStart, dialable, isoDay, percent, party, phone, setZone, time } from './format'

describe('times are the hospital\'s', () => {
  it('shows an instant in the hospital zone wherever the browser is', () => {
    setZone('Asia/Shanghai')
    expect(time('2026-11-22T00:30:00Z')).toBe('08:30')
    expect(dateTime('2026-11-21T17:05:00Z')).toContain('11/22')
    expect(isoDay('2026-11-21T16:00:00Z')).toBe('2026-11-22')
  })
  it('finds where a day begins, also across a change of the clock', () => {
    setZone('Asia/Shanghai')
    expect(dayStart('2026-11-22').toISOString()).toBe('2026-11-21T16:00:00.000Z')
    setZone('America/New_York')
    expect(dayStart('2026-03-08').toISOString()).toBe('2026-03-08T05:00:00.000Z')
    expect(dayStart('2026-03-09').toISOString()).toBe('2026-03-09T04:00:00.000Z')
    setZone('Asia/Shanghai')
  })
  it('shows a dash for no time and for the zero time', () => {
    expect(time('')).toBe('–')
    expect(time(null)).toBe('–')
    expect(time('0001-01-01T00:00:00Z')).toBe('–')
    expect(time('rubbish')).toBe('–')
  })
  it('adds days over the end of a month and a leap day', () => {
    expect(addDays('2026-11-30', 1)).toBe('2026-12-01')
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29')
    expect(addDays('2026-01-01', -1)).toBe('2025-12-31')
  })
})

describe('figures', () => {
  it('writes durations as clocks', () => {
    expect(clock(7_900)).toBe('0:07')
    expect(clock(761_000)).toBe('12:41')
    expect(clock(3_729_000)).toBe('1:02:09')
    expect(clock(-5)).toBe('0:00')
    expect(clock(undefined)).toBe('–')
  })
  it('writes shares and sizes', () => {
    expect(percent(0.8125)).toBe('81.3%')
    expect(percent(undefined)).toBe('–')
    expect(bytes(1536)).toBe('1.5 KB')
    expect(bytes(900)).toBe('900 B')
  })
  it('counts full years only', () => {
    const at = new Date('2026-11-22T04:00:00Z')
    expect(age('1959-11-22', at)).toBe(67)
    expect(age('1959-11-23', at)).toBe(66)
    expect(age('1959', at)).toBeNull()
    expect(age('2030-01-01', at)).toBeNull()
  })
})

describe('numbers', () => {
  it('groups mainland mobiles, masked or not, and leaves others alone', () => {
    expect(phone('13812345678')).toBe('138 1234 5678')
    expect(phone('+8613812345678')).toBe('138 1234 5678')
    expect(phone('138****5678')).toBe('138 **** 5678')
    expect(phone('96166')).toBe('96166')
    expect(phone('')).toBe('–')
  })
  it('name the other side of a call, and both within the house', () => {
    const call = { from_masked: '138****5678', to: '96166' }
    expect(party({ ...call, direction: 'inbound' })).toBe('138 **** 5678')
    expect(party({ ...call, direction: 'outbound', to: '027-8696' })).toBe('027-8696')
    expect(party({ direction: 'internal', from_masked: '8002', to: '8001' })).toBe('8002 → 8001')
    expect(party({ direction: 'internal', from_masked: '', to: '8001' })).toBe('–')
  })
  it('makes what was pasted dialable, or refuses it', () => {
    expect(dialable(' (010) 6555-1234 ')).toBe('01065551234')
    expect(dialable('+86 138 1234 5678')).toBe('+8613812345678')
    expect(dialable('call me')).toBe('')
    expect(dialable('')).toBe('')
    expect(dialable('1'.repeat(33))).toBe('')
  })
})
