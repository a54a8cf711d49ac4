import { describe, expect, it } from 'vitest'
import { days, firstOf, instead, keyLabels, labels, layout, monday, move, moveSlot, whyNot, type Clinic } from './grid'

const now = Date.parse('2026-11-23T00:30:00Z') // Monday, 08:30 in the hospital
const week = days('2026-11-23', 7)
let n = 0
const clinic = (date: string, doctor: string, o: Partial<Clinic> = {}): Clinic => {
  const period = o.period ?? 'am'
  const hour = period === 'am' ? '00' : '06'
  return {
    id: o.id ?? `${doctor || 'open'}-${date.slice(8)}-${period}-${n++}`, date, period, start_at: `${date}T${hour}:00:00Z`, end_at: `${date}T${hour === '00' ? '04' : '09'}:00:00Z`,
    department_id: 'd1', department: '心血管内科', doctor_id: doctor, doctor, doctor_title: doctor ? 'chief' : '', exam_id: '', exam: '', type: doctor ? 'expert' : 'ordinary',
    state: 'open', released: true, total: 10, free: 3, ...o,
  }
}

describe('the week', () => {
  it('begins on Monday and has its days in order', () => {
    expect(monday('2026-11-22')).toBe('2026-11-16')
    expect(monday('2026-11-23')).toBe('2026-11-23')
    expect(days('2026-12-30', 3)).toEqual(['2026-12-30', '2026-12-31', '2027-01-01'])
  })
  it('has one row per doctor, the clinic without a name first, chiefs before residents', () => {
    const rows = layout([clinic('2026-11-24', '林', { doctor_title: 'resident' }), clinic('2026-11-24', '周'), clinic('2026-11-25', ''), clinic('2026-11-23', '周', { period: 'pm' }), clinic('2026-11-23', '周')], week)
    expect(rows.map((r) => r.name)).toEqual(['', '周', '林'])
    expect(rows[1]!.cells[0]!.map((s) => s.period)).toEqual(['am', 'pm'])
    expect(rows[1]!.cells.map((c) => c.length)).toEqual([2, 1, 0, 0, 0, 0, 0])
  })
  it('leaves out days that are not shown', () => {
    expect(layout([clinic('2026-12-24', '林')], week)).toEqual([])
  })
})

describe('whether numbers can be had', () => {
  it('says why not', () => {
    expect(whyNot(clinic('2026-11-24', '林'), now)).toBe('')
    expect(whyNot(clinic('2026-11-24', '林', { free: 0 }), now)).toBe('full')
    expect(whyNot(clinic('2026-11-24', '林', { state: 'closed' }), now)).toBe('closed')
    expect(whyNot(clinic('2026-11-24', '林', { released: false }), now)).toBe('not_released')
    expect(whyNot(clinic('2026-11-22', '林'), now)).toBe('over')
  })
})

describe('keys', () => {
  const rows = layout(
    [
      clinic('2026-11-25', '', { id: 'o3' }),
      clinic('2026-11-23', '周', { id: 'z1', free: 0 }), clinic('2026-11-24', '周', { id: 'z2' }), clinic('2026-11-24', '周', { id: 'z2p', period: 'pm' }),
      clinic('2026-11-26', '林', { id: 'l4', doctor_title: 'attending' }), clinic('2026-11-24', '林', { id: 'l2', doctor_title: 'attending' }),
    ],
    week,
  )
  it('are given by time, and only to what can be booked', () => {
    expect([...keyLabels(rows, now)]).toEqual([['z2', '1'], ['l2', '2'], ['z2p', '3'], ['o3', '4'], ['l4', '5']])
    expect(firstOf(rows, now)).toBe('z2')
  })
  it('never take a letter of the telephone', () => {
    for (const k of 'ABRHMTCKXNWDSPJUV') expect(labels).not.toContain(k)
    expect(new Set(labels).size).toBe(labels.length)
  })
  it('walk along a row and between the rows to what is nearest', () => {
    expect(move(rows, 'z1', 'right')).toBe('z2')
    expect(move(rows, 'z2p', 'left')).toBe('z2')
    expect(move(rows, 'z1', 'left')).toBe('')
    expect(move(rows, 'z2', 'down')).toBe('l2')
    expect(move(rows, 'l4', 'up')).toBe('z2')
    expect(move(rows, 'o3', 'up')).toBe('')
    expect(move(rows, 'gone', 'down')).toBe('o3')
    expect(move([], 'gone', 'down')).toBe('')
  })
  it('offer what is free instead', () => {
    expect(instead(rows, 'z2', now, 2).map((s) => s.id)).toEqual(['l2', 'z2p'])
    expect(firstOf(layout([clinic('2026-11-23', '周', { id: 'x', free: 0 })], week), now)).toBe('x')
    expect(firstOf([], now)).toBe('')
  })
})

it('walks over slots without leaving them', () => {
  expect(moveSlot(10, 0, 6, 'right')).toBe(1)
  expect(moveSlot(10, 0, 6, 'left')).toBe(0)
  expect(moveSlot(10, 2, 6, 'down')).toBe(8)
  expect(moveSlot(10, 7, 6, 'down')).toBe(7)
  expect(moveSlot(10, 8, 6, 'up')).toBe(2)
  expect(moveSlot(0, 0, 6, 'up')).toBe(-1)
})
