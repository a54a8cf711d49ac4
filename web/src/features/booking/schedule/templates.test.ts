import { expect, it } from 'vitest'
import { facts, templateGrid, type TemplateLike } from './templates'

const template = (o: Partial<TemplateLike>): TemplateLike => ({ weekday: 1, start: '08:00', end: '12:00', slot_minutes: 10, capacity: 24, lanes: {}, department: '心内科', doctor: '', exam: '', type: 'ordinary', doctor_id: '', exam_id: '', department_id: 'd', ...o })

it('templates stand under their weekday, Monday first, in the order of the day', () => {
  const rows = templateGrid([template({ weekday: 7 }), template({ weekday: 1, start: '14:00' }), template({ weekday: 1 }), template({ weekday: 3, doctor: '周', doctor_id: 'z' })])
  expect(rows.map((r) => r.name)).toEqual(['', '周'])
  expect(rows[0]!.cells.map((c) => c.map((x) => x.start))).toEqual([['08:00', '14:00'], [], [], [], [], [], ['08:00']])
})

it('says how the numbers are spread', () => {
  expect(facts(template({}))).toEqual({ times: 24, perTime: 1, shared: 24 })
  expect(facts(template({ capacity: 40, slot_minutes: 30, lanes: { phone: 10, web: 20 } }))).toEqual({ times: 8, perTime: 5, shared: 10 })
  expect(facts(template({ lanes: { web: 30 } })).shared).toBe(-6)
  expect(facts(template({ end: '07:00' }))).toEqual({ times: 0, perTime: 0, shared: 24 })
  expect(facts(template({ start: 'x' })).times).toBe(0)
})
