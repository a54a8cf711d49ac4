// Whoever books without a telephone: by letter, fax, at the window, as a VIP.
// What the house does about swaps, closed clinics, appeals, templates and the
// door; and who may do what.
import { barriers } from '../support/axe.js'
import { day, longDay, Office } from '../support/office.js'
import type { Session } from '../support/session.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

/* eslint-disable @typescript-eslint/no-explicit-any */
let o: Office
let boss: Session
let s: Office['s']

test.describe.configure({ mode: 'default' })

test.beforeAll(async () => {
  o = await Office.open('supervisor')
  ;({ boss, s } = o)
})

test.afterAll(() => o?.close())

/** Opens the panel at a session of its own, by a channel. */
async function begin(patient: string, se: { id: string; date: string }, via: string) {
  await o.openPanel(patient)
  await s.page.keyboard.type('gk')
  await o.panel().locator(`[data-session="${se.id}"]`).click()
  await o.panel().getByRole('combobox', { name: s.words('booking.via') }).selectOption(via)
}
const take = () => o.panel().locator('.foot .el-button--primary').click()
const only = async (patient: string) => {
  const list = await boss.items(`/api/booking/appointments?patient=${patient}`)
  expect(list).toHaveLength(1)
  return list[0]
}

for (const [via, reference] of [['mail', '市三医院 来函 M-118'], ['fax', '造船厂医务室 传真 F-7']])
  test(`a request by ${via} is booked with the paper it came on`, async () => {
    const who = await o.person(via === 'mail' ? '来函甲' : '传真乙')
    const se = await o.session(day(4), { room: via })
    await begin(who.id, se, via)
    const paper = o.panel().getByRole('group', { name: s.words('booking.paper_title') })
    const field = paper.getByRole('textbox', { name: s.words('booking.reference') })
    await expect(field).toBeFocused()
    await take()
    await expect(paper.getByRole('alert')).toHaveText(s.words('booking.reference_needed'))
    await expect(field).toBeFocused()
    expect(await boss.items(`/api/booking/appointments?patient=${who.id}`)).toHaveLength(0)
    await s.page.keyboard.type(reference)
    await expect(paper.getByRole('alert')).toHaveCount(0)
    await s.page.keyboard.press('Enter') // back to the numbers
    expect(await barriers(s)).toEqual([])
    await s.page.keyboard.press('Enter')
    await expect(o.panel()).toContainText(s.words('booking.done'))
    const a = await only(who.id)
    expect(a).toMatchObject({ session_id: se.id, channel: via, reference, received_on: day(0), state: 'scheduled' })

    await s.visit('/appointments')
    await o.choose(s.page.locator('.toolbar'), 'booking.channel', s.words(`bookchannel.${via}`))
    await expect.poll(() => new URL(s.page.url()).searchParams.get('channel')).toBe(via)
    const row = s.page.getByRole('row').filter({ hasText: a.code })
    await expect(row).toContainText(reference)
    await expect(s.page.locator('table.grid tbody tr').filter({ hasNotText: s.words(`bookchannel.${via}`) })).toHaveCount(0)
    await row.getByRole('button').click()
    await expect(o.drawer().locator('.history')).toContainText(reference)
    await expect(o.drawer().locator('dl', { hasText: s.words('booking.paper') })).toContainText(reference)
    await s.page.reload() // the filter is in the address
    await expect(s.page.getByRole('row').filter({ hasText: a.code })).toContainText(reference)
    expect(await barriers(s)).toEqual([])
  })

test('at the window a number may still be given that has begun', async () => {
  const who = await o.person('窗口丙')
  const se = await o.running(o.department.id)
  await begin(who.id, se, 'onsite')
  await expect(o.panel().getByRole('group', { name: s.words('booking.paper_title') })).toHaveCount(0)
  await take()
  await expect(o.panel()).toContainText(s.words('booking.done'))
  expect(await only(who.id)).toMatchObject({ session_id: se.id, channel: 'onsite', reference: '', seq: 1 })
})

test('only a VIP draws from the numbers kept for VIPs', async () => {
  const se = await o.session(day(5), { capacity: 1, lanes: { vip: 1 }, start: '20:00', end: '21:00' })
  const plain = await o.person('普通丁')
  await begin(plain.id, se, 'desk')
  await expect(o.panel()).toContainText(s.words('booking.all_gone'))
  await expect(o.panel().getByRole('combobox', { name: s.words('booking.via') }).locator('option[value=vip]')).toHaveCount(0)
  const answer = await boss.call('POST', '/api/booking/appointments', { key: 'e2e-vip-refused', patient_id: plain.id, session_id: se.id, lane: 'vip' })
  expect([answer.status, (await answer.json()).key]).toEqual([409, 'booking.wrong_lane'])

  const vip = await o.person('贵宾戊', { vip: true })
  await begin(vip.id, se, 'vip')
  await expect(o.panel().locator('.numbers li')).toHaveCount(1)
  await take()
  await expect(o.panel()).toContainText(s.words('booking.done'))
  const a = await only(vip.id)
  expect(a).toMatchObject({ session_id: se.id, lane: 'vip', channel: 'desk' })
  await s.visit('/appointments?lane=vip')
  await expect(s.page.getByRole('row').filter({ hasText: a.code })).toContainText(s.words('lane.vip'))
  await expect(s.page.locator('table.grid tbody tr').filter({ hasNotText: s.words('lane.vip') })).toHaveCount(0)
})

test('two sessions swap their times: each patient stays with the doctor and comes at the other time', async () => {
  const [one, two] = o.doctors
  const who = await o.person('换时己')
  const [a, b] = [await o.session(day(8), { doctor_id: one.id }), await o.session(day(9), { doctor_id: two.id, start: '19:00', end: '21:00' })]
  const visit = await o.book(who.id, a.id)
  await o.openSession(a)
  await o.button('schedule.swap', o.drawer()).click()
  await o.choose(o.dialog(), 'schedule.swap_with', `${longDay(b.date)} ${s.words('period.evening')} · ${two.name}`)
  await o.dialog().getByText(s.words('schedule.swap_times')).click()
  await o.primary(o.dialog()).click()
  await expect(o.drawer().locator('.when')).toContainText(longDay(b.date))
  expect(await boss.get(`/api/booking/sessions/${a.id}`)).toMatchObject({ date: b.date, start_at: b.start_at, doctor_id: one.id, substitute_of: '' })
  expect(await boss.get(`/api/booking/sessions/${b.id}`)).toMatchObject({ date: a.date, start_at: a.start_at, doctor_id: two.id })
  expect(await o.appointment(visit.id)).toMatchObject({ date: b.date, start_at: b.start_at, doctor_id: one.id, state: 'scheduled' })
  await eventually('the notice', async () => (await boss.items(`/api/messages?patient=${who.id}&template=booking.time_moved`)).length === 1 || undefined)
})

test('a closed session opens again; who was told stays told, and may book anew', async () => {
  const who = await o.person('复诊庚')
  const se = await o.session(day(6), { room: '复诊室' })
  const was = await o.book(who.id, se.id)
  await boss.send('POST', `/api/booking/sessions/${se.id}/close`, { reason: '医生外出', offer_replacements: false })
  await o.openSession(se)
  await expect(o.drawer()).toContainText('医生外出')
  await o.button('schedule.reopen', o.drawer()).click()
  await o.confirm()
  await expect(o.button('schedule.close', o.drawer())).toBeVisible()
  await expect(o.drawer().locator('.changes')).toContainText(s.words('sessionchange.reopen'))
  expect(await barriers(s)).toEqual([])
  expect(await boss.get(`/api/booking/sessions/${se.id}`)).toMatchObject({ state: 'open', close_reason: '', free: 6 })
  expect(await o.appointment(was.id)).toMatchObject({ state: 'cancelled', cancel_reason: 'session_closed' })
  await begin(who.id, se, 'desk')
  await take()
  await expect(o.panel()).toContainText(s.words('booking.done'))
  expect(await boss.items(`/api/booking/appointments?patient=${who.id}&state=scheduled`)).toMatchObject([{ session_id: se.id }])
})

test('a ban stays when the appeal against it is refused', async () => {
  const who = await o.person('申诉辛')
  for (const d of o.others.slice(3, 6)) {
    const a = await o.book(who.id, (await o.running(d.id)).id, { channel: 'onsite' })
    await boss.send('POST', `/api/booking/appointments/${a.id}/miss`)
  }
  const [ban] = await boss.items(`/api/booking/penalties?patient=${who.id}`)
  await boss.send('POST', `/api/booking/penalties/${ban.id}/appeal`, { text: '忘记了' })
  await s.visit('/penalties')
  const row = s.page.getByRole('row').filter({ hasText: who.name })
  await row.getByRole('button', { name: s.words('penalty.do_decide') }).click()
  await expect(o.button('penalty.uphold', o.dialog())).toBeDisabled() // without a reason
  await o.dialog().getByRole('textbox').fill('三次均未来电')
  await o.button('penalty.uphold', o.dialog()).click()
  await expect(row).toContainText(s.words('penaltystate.upheld'))
  await expect(row).toContainText('三次均未来电')
  await expect(row.getByRole('button')).toHaveCount(0) // decided is decided
  expect((await boss.items(`/api/booking/penalties?patient=${who.id}`))[0]).toMatchObject({ status: 'upheld', in_force: true, decision: '三次均未来电' })
  expect((await o.may(who.id, (await o.session(day(3), { start: '20:00', end: '21:00' })).id)).allowed).toBe(false)
})

test('a weekly template is changed, and removed', async () => {
  const made = await boss.send('POST', '/api/booking/templates', { weekday: 3, period: 'evening', start: '18:00', end: '20:00', slot_minutes: 10, capacity: 12, lanes: {}, type: 'ordinary', fee_cents: 800, department_id: o.department.id, room: '夜诊甲', active: true })
  const mine = async () => (await boss.items(`/api/booking/templates?department=${o.department.id}`)).find((x) => x.id === made.id)
  await s.visit(`/schedule?tab=templates&department=${o.department.id}`)
  const cell = s.page.locator('button.s').filter({ hasText: '18:00–20:00' })
  await cell.click()
  const number = o.drawer().getByRole('spinbutton', { name: s.words('schedule.capacity') })
  await number.fill('18')
  await number.press('Tab')
  await o.drawer().getByRole('textbox', { name: s.words('schedule.room') }).fill('夜诊乙')
  await o.drawer().getByRole('switch', { name: s.words('schedule.active') }).press('Space')
  expect(await barriers(s)).toEqual([])
  await o.primary(o.drawer()).click()
  await expect(o.drawer()).toHaveCount(0)
  expect(await mine()).toMatchObject({ capacity: 18, room: '夜诊乙', active: false, version: made.version + 1 })
  await expect(cell).toContainText(s.words('schedule.inactive'))
  await cell.click()
  await o.button('common.remove', o.drawer()).click()
  await o.confirm()
  await expect(o.drawer()).toHaveCount(0)
  await expect(cell).toHaveCount(0)
  expect(await mine()).toBeUndefined()
})

test('who has no code checks in by name, by document or by telephone', async () => {
  const se = await o.running(o.department.id)
  const people = [await o.person('壬大川'), await o.person('葵小荷'), await o.person('梓长山')]
  const visits = []
  for (const p of people) visits.push(await o.book(p.id, se.id, { channel: 'onsite' }))
  await s.visit('/check-in')
  for (const [i, text] of [people[0].name, people[1].document, people[2].phone].entries()) {
    await expect(s.page.getByRole('textbox', { name: s.words('checkin.field') })).toBeFocused()
    await s.page.keyboard.type(text)
    await s.page.keyboard.press('Enter')
    const found = s.page.getByRole('listbox', { name: s.words('checkin.found') })
    await expect(found.getByRole('option')).toHaveCount(1) // nobody is let in unseen
    await expect(found).toContainText(people[i].name)
    expect((await o.appointment(visits[i].id)).state).toBe('scheduled')
    await s.page.keyboard.press('Enter')
    await expect(s.page.getByRole('status').filter({ hasText: s.words('checkin.done') })).toContainText(people[i].name)
    expect(await o.appointment(visits[i].id)).toMatchObject({ state: 'checked_in', queue_number: i + 1 })
  }
})

test('a series and its end are one short message each', async () => {
  const who = await o.person('疗程丑')
  const body = { key: 'e2e-course-0001', patient_id: who.id, department_id: o.department.id, from: day(10), every_days: 7, times: 3, tolerance: 3, reason: '换药', channel: 'desk' }
  const course = await boss.send('POST', '/api/booking/series', body)
  const booked = course.visits.filter((v: any) => v.appointment)
  expect(booked.length).toBeGreaterThan(1)
  const all = () => boss.items(`/api/messages?patient=${who.id}`)
  const [told] = await eventually('the message', async () => ((await all()).length ? all() : undefined))
  await boss.send('POST', `/api/booking/series/${course.id}/cancel`, { reason: 'patient' })
  await eventually('the second message', async () => (await all()).length === 2 || undefined)
  expect((await all()).map((m) => m.template).sort()).toEqual(['booking.series', 'booking.series_cancelled'])
  await s.visit(`/messages?patient=${who.id}`)
  await s.page.getByRole('row').filter({ hasText: s.words('message.template.booking.series') }).filter({ hasNotText: s.words('message.template.booking.series_cancelled') }).getByRole('button').click()
  const bubble = o.drawer().locator('.bubble')
  for (const v of booked) await expect(bubble).toContainText(`${Number(v.date.slice(5, 7))}月${Number(v.date.slice(8))}日`)
  expect((await boss.get(`/api/messages/${told.id}`)).segments).toBeLessThanOrEqual(3)
})

test('messages about an examination say which one, in both languages', async () => {
  const exam = (await boss.items('/api/booking/exams')).find((x) => x.active && !x.fasting && x.name_en)
  const place = { type: 'exam', exam_id: exam.id, department_id: exam.department_id, room: 'CT 1', start: '20:00', end: '21:00' }
  const [se, next] = [await o.session(day(6), place), await o.session(day(7), place)]
  for (const [language, name, named] of [['zh-CN', '检查卯', exam.name], ['en', 'Mary Allen', exam.name_en]]) {
    const who = await o.person(name, { language })
    const a = await o.book(who.id, se.id)
    const b = await boss.send('POST', `/api/booking/appointments/${a.id}/change`, { key: `e2e-exam-${language}`, session_id: next.id, channel: 'desk' })
    await boss.send('POST', `/api/booking/appointments/${b.id}/cancel`, { reason: 'patient', channel: 'desk' })
    const all = await eventually('three messages', async () => {
      const list = await boss.items(`/api/messages?patient=${who.id}`)
      return list.length === 3 ? list : undefined
    })
    expect(all.map((m) => m.template).sort()).toEqual(['booking.booked', 'booking.cancelled', 'booking.changed'])
    for (const m of all) {
      const { segments, text } = await boss.get(`/api/messages/${m.id}`)
      expect(segments, text).toBeLessThanOrEqual(2)
    }
    await s.visit(`/messages?patient=${who.id}`)
    for (const m of all) {
      await s.page.getByRole('row').filter({ hasText: s.words(`message.template.${m.template}`) }).getByRole('button').click()
      await expect(o.drawer().locator('.bubble')).toContainText(named)
      await s.page.keyboard.press('Escape')
      await expect(o.drawer()).toHaveCount(0)
    }
  }
})

test('nobody is let in on another day: the desk does not offer it and says why', async () => {
  const who = await o.person('改日辰')
  const later = await o.book(who.id, (await o.session(day(5), { start: '20:00', end: '21:00' })).id)
  await o.openAppointment(later)
  await expect(o.button('booking.act.change', o.drawer())).toBeVisible()
  for (const act of ['check_in', 'arrive', 'miss']) await expect(o.button(`booking.act.${act}`, o.drawer())).toHaveCount(0)
  await s.visit('/check-in')
  await s.page.keyboard.type(later.code)
  await s.page.keyboard.press('Enter')
  const found = s.page.getByRole('listbox', { name: s.words('checkin.found') })
  await expect(found.getByRole('option')).toContainText(o.fill('error.booking.not_today', { date: later.date }))
  await expect(o.button('booking.act.check_in', found)).toHaveCount(0)
  await s.page.keyboard.press('Enter')
  expect((await o.appointment(later.id)).state).toBe('scheduled')
  expect(await barriers(s)).toEqual([])

  const now = await o.book(who.id, (await o.running(o.others[6].id)).id, { channel: 'onsite' })
  await o.openAppointment(now)
  await o.button('booking.act.check_in', o.drawer()).click()
  await expect(o.button('booking.act.complete', o.drawer())).toBeVisible()
  expect((await o.appointment(now.id)).state).toBe('checked_in')
})

test('what comes by letter or fax later keeps its paper too: a change, a cancellation, a wish, a course', async () => {
  const who = await o.person('来函午')
  const [se, next] = [await o.session(day(11), { room: '甲' }), await o.session(day(12), { room: '乙' })]
  const a = await o.book(who.id, se.id)
  const via = (at = s.page.locator('body')) => at.getByRole('combobox', { name: s.words('booking.via') })
  const reference = (at = s.page.locator('body')) => at.getByRole('textbox', { name: s.words('booking.reference') })
  const missing = (at = s.page.locator('body')) => at.getByRole('group', { name: s.words('booking.paper_title') }).getByRole('alert')
  const entry = async (id: string, kind: string) => (await boss.items(`/api/booking/appointments/${id}/history`)).find((e) => e.kind === kind)

  await o.openAppointment(a)
  await o.button('booking.act.change', o.drawer()).click()
  await via(o.panel()).selectOption('mail')
  await reference(o.panel()).fill('市三医院 来函 M-7')
  await o.panel().locator(`[data-session="${next.id}"]`).click()
  await take()
  await expect(o.panel()).toContainText(s.words('booking.moved'))
  expect(await entry(a.id, 'moved')).toMatchObject({ channel: 'mail', detail: { reference: '市三医院 来函 M-7', received_on: day(0) } })

  const [b] = await boss.items(`/api/booking/appointments?patient=${who.id}&state=scheduled`)
  await o.openAppointment(b)
  await o.button('booking.act.cancel', o.drawer()).click()
  const box = o.drawer().getByRole('group', { name: s.words('booking.cancel_sure') })
  await via(box).selectOption('fax')
  await o.button('booking.cancel_patient', box).click()
  await expect(missing(box)).toHaveText(s.words('booking.reference_needed'))
  await expect(reference(box)).toBeFocused()
  expect((await o.appointment(b.id)).state).toBe('scheduled')
  await s.page.keyboard.type('本人传真 F-8')
  expect(await barriers(s)).toEqual([])
  await o.button('booking.cancel_patient', box).click()
  await expect(o.drawer().locator('.history')).toContainText(`本人传真 F-8 · ${o.fill('booking.received', { d: longDay(day(0)) })}`)
  expect(await entry(b.id, 'cancelled')).toMatchObject({ channel: 'fax', detail: { reason: 'patient', reference: '本人传真 F-8' } })

  const full = await o.session(day(3), { capacity: 1 })
  await o.book((await o.person('先来未')).id, full.id)
  await begin(who.id, full, 'fax')
  await o.panel().getByRole('button', { name: s.words('booking.wait') }).click()
  await expect(missing(o.panel())).toHaveText(s.words('booking.reference_needed'))
  await s.page.keyboard.type('候补传真 F-9')
  await o.panel().getByRole('button', { name: s.words('booking.wait') }).click()
  await expect(o.panel()).toContainText(s.words('booking.waiting_now'))
  expect(await boss.items(`/api/booking/waitlist?patient=${who.id}`)).toMatchObject([{ channel: 'fax', reference: '候补传真 F-9', received_on: day(0) }])
  await s.visit('/waitlist')
  await expect(s.page.getByRole('row').filter({ hasText: who.name })).toContainText('候补传真 F-9')

  await s.visit(`/series?new=1&patient=${who.id}`)
  const dialog = s.page.getByRole('dialog', { name: s.words('series.new') })
  await o.choose(dialog, 'directory.department', o.department.name)
  await via(dialog).selectOption('mail')
  await dialog.getByRole('button', { name: s.words('series.make_plan') }).click()
  await expect(missing(dialog)).toHaveText(s.words('booking.reference_needed'))
  await s.page.keyboard.type('厂医务室 来函 M-10')
  await dialog.getByRole('button', { name: s.words('series.make_plan') }).click()
  await expect(dialog.getByRole('status')).toBeVisible()
  expect(await barriers(s)).toEqual([])
  await o.primary(dialog).click()
  const drawer = s.page.getByRole('dialog', { name: s.words('series.one') })
  await expect(drawer).toContainText('厂医务室 来函 M-10')
  const [course] = await boss.items(`/api/booking/series?patient=${who.id}`)
  expect(course).toMatchObject({ channel: 'mail', reference: '厂医务室 来函 M-10' })
  await via(drawer).selectOption('fax')
  await reference(drawer).fill('止疗传真 F-11')
  await drawer.getByRole('button', { name: s.words('series.cancel_rest') }).click()
  await o.confirm()
  await expect(drawer).toContainText(s.words('seriesstate.cancelled'))
  const { visits } = await boss.get(`/api/booking/series/${course.id}`)
  const gone = visits.find((v: any) => v.appointment?.state === 'cancelled').appointment
  expect(gone).toMatchObject({ channel: 'mail', reference: '厂医务室 来函 M-10' })
  expect(await entry(gone.id, 'cancelled')).toMatchObject({ channel: 'fax', detail: { reference: '止疗传真 F-11' } })
})

test('whoever has fewer rights sees fewer buttons, and the service refuses the rest', async () => {
  const who = await o.person('权限寅')
  const se = await o.session(day(7), { room: '权限室' })
  const a = await o.book(who.id, se.id)
  const refused = async (as: Session, calls: [string, string, object?][]) => {
    for (const [method, path, body] of calls) {
      const answer = await as.call(method, path, body)
      expect([path, answer.status, (await answer.json()).key]).toEqual([path, 403, 'auth.denied'])
    }
  }
  const absent = async (...pages: string[]) => {
    for (const p of pages) await expect(s.page.locator(`aside a[href$="/${p}"], nav a[href$="/${p}"]`)).toHaveCount(0)
  }
  const schedule: [string, string, object?][] = [
    ['POST', `/api/booking/sessions/${se.id}/close`, { reason: '试一试' }],
    ['POST', `/api/booking/sessions/${se.id}/substitute`, { doctor_id: o.doctors[0].id }],
    ['POST', `/api/booking/sessions/${se.id}/added`, { count: 1, consent_by: '某', evidence: '某' }],
    ['POST', '/api/booking/templates', { weekday: 3, period: 'evening', start: '18:00', end: '20:00', slot_minutes: 10, capacity: 12, type: 'ordinary', fee_cents: 800, department_id: o.department.id, active: true }],
  ]

  await s.as('agent1') // books and lets in, but does not plan
  await s.visit('/appointments')
  await expect(s.page.locator('nav a[href$="/timetable"]')).toHaveCount(1)
  await absent('schedule', 'exams', 'booking-rules')
  await o.openSession(se)
  await expect(o.button('booking.book_somebody', o.drawer())).toBeVisible()
  await expect(o.drawer().getByRole('group', { name: s.words('schedule.tools') })).toHaveCount(0)
  await s.visit('/schedule')
  await expect(s.page.locator('main')).toContainText(s.words('missing.denied'))
  await refused(await o.hospital.as('agent1'), schedule)

  await s.as('doctor') // only reads
  await o.openAppointment(a)
  await expect(o.drawer()).toContainText(who.name)
  for (const act of ['check_in', 'arrive', 'change', 'cancel', 'miss', 'acknowledge']) await expect(o.button(`booking.act.${act}`, o.drawer())).toHaveCount(0)
  await absent('check-in', 'schedule', 'booking-rules')
  await o.openSession(se)
  await expect(o.button('booking.book_somebody', o.drawer())).toHaveCount(0)
  await s.visit(`/customers/${who.id}?tab=appointments`)
  await expect(s.page.locator('main')).toContainText(longDay(se.date))
  await expect(o.button('booking.new')).toHaveCount(0)
  await expect(o.button('booking.act.cancel')).toHaveCount(0)
  expect(await barriers(s)).toEqual([])
  const one = `/api/booking/appointments/${a.id}`
  await refused(await o.hospital.as('doctor'), [
    ...schedule,
    ['POST', '/api/booking/appointments', { key: 'e2e-doctor-1', patient_id: who.id, session_id: se.id }],
    ['POST', `${one}/change`, { key: 'e2e-doctor-2', session_id: se.id }],
    ['POST', `${one}/cancel`, { reason: 'staff' }],
    ['POST', `${one}/check-in`],
    ['POST', `${one}/miss`],
    ['POST', '/api/booking/waitlist', { patient_id: who.id, department_id: o.department.id, from: day(7), to: day(8) }],
  ])
  expect(await o.appointment(a.id)).toMatchObject({ state: 'scheduled', version: a.version })
})
