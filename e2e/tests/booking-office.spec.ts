// Booking around the desk, by people: an appointment that moves or is given
// back, the door, those who did not come, the sessions and the rules of the
// house. Every test prepares its own session and walks the step in question.
import { barriers } from '../support/axe.js'
import { Sitter } from '../support/browser.js'
import { day, inZone, longDay, Office } from '../support/office.js'
import type { Session } from '../support/session.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

/* eslint-disable @typescript-eslint/no-explicit-any */
let o: Office
let boss: Session
let s: Sitter
let department: { id: string; name: string }
let others: { id: string }[] // clinical departments
let doctors: { id: string; name: string }[]

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  o = await Office.open('supervisor')
  ;({ boss, s, department, others, doctors } = o)
})

test.afterAll(() => o?.close())

test('an appointment moves to another session, and the old number is free again', async () => {
  const who = await o.person('改约甲')
  const [from, to] = [await o.session(day(4)), await o.session(day(5))]
  const old = await o.book(who.id, from.id)
  await s.visit(`/customers/${who.id}?tab=appointments`)
  await o.button('booking.act.change').click()
  await expect(o.panel()).toContainText(s.words('booking.change_title'))
  await o.panel().locator(`[data-session="${to.id}"]`).click()
  await o.panel().locator('.numbers li').nth(2).click()
  await o.panel().locator('.foot .el-button--primary').click()
  await expect(o.panel()).toContainText(s.words('booking.moved'))
  expect(await barriers(s)).toEqual([])
  expect(await o.appointment(old.id)).toMatchObject({ state: 'cancelled', cancel_reason: 'moved' })
  const [now] = await boss.items(`/api/booking/appointments?patient=${who.id}&state=scheduled`)
  expect(now).toMatchObject({ session_id: to.id, seq: 3, moved_from: old.id })
  expect((await boss.get(`/api/booking/sessions/${from.id}`)).free).toBe(6)
})

test('before an appointment is given back it is said what that means', async () => {
  const who = await o.person('退号乙')
  await boss.send('POST', `/api/ledger/accounts/${who.id}/top-up`, { key: 'e2e-office-top-up', amount_cents: 5000, method: 'cash' })
  const a = await o.book(who.id, (await o.session(day(6))).id, { use_card: true })
  const terms = await boss.get(`/api/booking/appointments/${a.id}/terms`)
  expect(terms).toMatchObject({ allowed: true, refund_cents: 800, count: 1 })
  await o.openAppointment(a)
  await o.button('booking.act.cancel', o.drawer()).click()
  const box = o.drawer().getByRole('group', { name: s.words('booking.cancel_sure') })
  await expect(box).toContainText(o.fill('booking.cancel_refund', { x: '¥8' }))
  await expect(box).toContainText(o.fill('booking.cancel_nth', { n: 1, of: terms.limit }))
  expect((await boss.get(`/api/ledger/accounts/${who.id}`)).available_cents).toBe(4200)
  await o.button('booking.cancel_patient', box).click()
  await expect(o.drawer()).toContainText(s.words('apptstate.cancelled'))
  expect(await o.appointment(a.id)).toMatchObject({ state: 'cancelled', cancel_reason: 'patient' })
  expect((await boss.get(`/api/ledger/accounts/${who.id}`)).available_cents).toBe(5000)
})

test('a code at the door checks in and gives a place in the queue', async () => {
  const who = await o.person('签到丙')
  const a = await o.book(who.id, (await o.running(department.id)).id, { channel: 'onsite' })
  await s.visit('/check-in')
  const field = s.page.getByRole('textbox', { name: s.words('checkin.field') })
  await expect(field).toBeFocused()
  await s.page.keyboard.type('00000000')
  await s.page.keyboard.press('Enter')
  await expect(s.page.getByText(s.words('checkin.none'))).toBeVisible()
  await s.page.keyboard.type(a.code)
  await s.page.keyboard.press('Enter')
  const good = s.page.getByRole('status').filter({ hasText: s.words('checkin.done') })
  await expect(good).toContainText(who.name)
  expect(await barriers(s)).toEqual([])
  const now = await o.appointment(a.id)
  expect(now).toMatchObject({ state: 'checked_in', queue_number: 1 })
  await expect(good.locator('.no')).toHaveText('1')
  await o.openAppointment(a)
  await expect(o.drawer()).toContainText(s.words('apptstate.checked_in'))
  await expect(o.drawer().locator('dl', { hasText: s.words('booking.queue_number') })).toContainText('1')
})

test('who does not come three times may not book, until an appeal is granted', async () => {
  const who = await o.person('爽约丁')
  const visits = []
  for (const d of others.slice(0, 3)) visits.push(await o.book(who.id, (await o.running(d.id)).id, { channel: 'onsite' }))
  for (const v of visits.slice(0, 2)) await boss.send('POST', `/api/booking/appointments/${v.id}/miss`)
  const wanted = await o.session(day(3))
  expect((await o.may(who.id, wanted.id)).allowed, 'two are no penalty').toBe(true)
  await o.openAppointment(visits[2])
  await o.button('booking.act.miss', o.drawer()).click()
  await o.confirm()
  await expect(o.drawer()).toContainText(s.words('apptstate.missed'))
  const no = await o.may(who.id, wanted.id)
  expect(no.allowed).toBe(false)
  expect(no.reasons.map((r: any) => r.key)).toContain('booking.penalty')

  await s.visit('/penalties')
  const row = s.page.getByRole('row').filter({ hasText: who.name })
  await expect(row).toContainText(`${s.words('penaltyevent.no_show')} × 3`)
  const [ban] = await boss.items(`/api/booking/penalties?patient=${who.id}`)
  await expect(row).toContainText(inZone({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'zh-CN').format(new Date(ban.until))) // in another year, half of the time
  await row.getByRole('button', { name: s.words('penalty.do_appeal') }).click()
  await o.dialog().getByRole('textbox').fill('住院期间无法到诊')
  await o.primary(o.dialog()).click()
  await expect(row).toContainText(s.words('penaltystate.appealed'))
  expect((await o.may(who.id, wanted.id)).allowed, 'it binds until it is decided').toBe(false)
  await row.getByRole('button', { name: s.words('penalty.do_decide') }).click()
  await expect(o.dialog()).toContainText('住院期间无法到诊')
  await o.dialog().getByRole('textbox').fill('有住院证明')
  await o.button('penalty.lift', o.dialog()).click()
  await expect(row).toContainText(s.words('penaltystate.lifted'))
  expect(await barriers(s)).toEqual([])
  const [penalty] = await boss.items(`/api/booking/penalties?patient=${who.id}`)
  expect(penalty).toMatchObject({ status: 'lifted', count: 3, in_force: false, decision: '有住院证明' })
  expect((await o.may(who.id, wanted.id)).allowed).toBe(true)
})

test('two doctors swap their sessions, then a third stands in; the patient follows', async () => {
  const [one, two, third] = doctors
  const who = await o.person('换诊戊')
  const [a, b] = [await o.session(day(8), { doctor_id: one.id }), await o.session(day(9), { doctor_id: two.id })]
  const visit = await o.book(who.id, a.id)
  await o.openSession(a)
  await o.button('schedule.swap', o.drawer()).click()
  await o.choose(o.dialog(), 'schedule.swap_with', `${longDay(b.date)} ${s.words('period.evening')} · ${two.name}`)
  await o.primary(o.dialog()).click()
  await expect(o.drawer()).toContainText(two.name)
  expect(await boss.get(`/api/booking/sessions/${a.id}`)).toMatchObject({ doctor_id: two.id, substitute_of: one.id })
  expect(await boss.get(`/api/booking/sessions/${b.id}`)).toMatchObject({ doctor_id: one.id, substitute_of: two.id })
  expect(await o.appointment(visit.id)).toMatchObject({ doctor_id: two.id, start_at: visit.start_at, state: 'scheduled' })

  await o.button('schedule.substitute', o.drawer()).click()
  await o.choose(o.dialog(), 'schedule.doctor', third.name)
  await o.primary(o.dialog()).click()
  await expect(o.drawer()).toContainText(third.name)
  await expect(o.drawer().locator('.changes')).toContainText(s.words('sessionchange.swap'))
  await expect(o.drawer().locator('.changes')).toContainText(s.words('sessionchange.substitute'))
  expect(await barriers(s)).toEqual([])
  expect(await o.appointment(visit.id)).toMatchObject({ doctor_id: third.id, state: 'scheduled' })
  const told = await eventually('the notices', async () => {
    const all = await boss.items(`/api/messages?patient=${who.id}&template=booking.changed`)
    return all.length === 2 ? all : undefined
  })
  expect(told.every((m: any) => m.direction === 'out')).toBe(true)
})

test('a full session takes one more with the consent of the doctor', async () => {
  const full = await o.session(day(10), { capacity: 1, doctor_id: doctors[0].id })
  await o.book((await o.person('先到己')).id, full.id)
  const who = await o.person('加号庚')
  await o.openSession(full)
  await o.button('schedule.added', o.drawer()).click()
  await expect(o.dialog().getByRole('textbox', { name: s.words('schedule.consent_by') })).toHaveValue(doctors[0].name)
  await expect(o.primary(o.dialog())).toBeDisabled() // without evidence
  await o.dialog().getByRole('textbox', { name: s.words('schedule.evidence') }).fill('10:20 电话同意')
  await o.primary(o.dialog()).click()
  await expect(o.drawer().locator('.numbers li')).toHaveCount(2)
  await expect(o.drawer().locator('.changes')).toContainText('10:20 电话同意')
  await o.button('booking.book_somebody', o.drawer()).click()
  await s.page.getByRole('combobox', { name: s.words('find.title') }).fill(who.name)
  await o.dialog().getByRole('option').filter({ hasText: who.name }).click()
  await expect(o.panel()).toContainText(s.words('booking.all_gone')) // by the ordinary way
  await o.panel().getByRole('combobox', { name: s.words('booking.via') }).selectOption('added')
  await expect(o.panel().locator('.numbers li')).toHaveCount(1)
  await o.panel().locator('.foot .el-button--primary').click()
  await expect(o.panel()).toContainText(s.words('booking.done'))
  const [a] = await boss.items(`/api/booking/appointments?patient=${who.id}`)
  expect(a).toMatchObject({ session_id: full.id, state: 'scheduled', lane: 'added', seq: 2, channel: 'desk' })
})

test('who is referred draws from the numbers kept for referrals', async () => {
  const kept = await o.session(day(5), { start: '20:00', end: '21:00', capacity: 2, lanes: { referral: 1 }, room: '10诊室' })
  const who = await o.person('转诊辛')
  await o.openPanel(who.id)
  await s.page.keyboard.type('gk')
  await o.panel().locator(`[data-session="${kept.id}"]`).click()
  await expect(o.panel().locator('.numbers li')).toHaveCount(1)
  await o.panel().getByRole('combobox', { name: s.words('booking.via') }).selectOption('referral')
  await expect(o.panel().locator('.numbers li')).toHaveCount(2)
  await o.panel().locator('.foot .el-button--primary').click()
  await expect(o.panel()).toContainText(s.words('booking.done'))
  const [a] = await boss.items(`/api/booking/appointments?patient=${who.id}`)
  expect(a).toMatchObject({ session_id: kept.id, channel: 'referral', lane: 'referral' })
  expect((await boss.items(`/api/booking/sessions/${kept.id}/numbers`)).find((n) => n.id === a.number_id)).toMatchObject({ lane: 'referral', state: 'taken' })
  await o.openAppointment(a)
  await expect(o.drawer()).toContainText(s.words('lane.referral'))
})

test('the timetable is searched by department and doctor, and for what is free', async () => {
  const doctor = doctors[1]
  const date = day(12)
  const full = await o.session(date, { doctor_id: doctor.id, start: '18:00', end: '19:00', capacity: 1, type: 'expert' })
  const open = await o.session(date, { doctor_id: doctor.id, start: '19:00', end: '20:00', capacity: 2, type: 'expert' })
  await o.book((await o.person('占号壬')).id, full.id)
  await s.visit(`/timetable?from=${date}`)
  const toolbar = s.page.locator('.toolbar')
  await o.choose(toolbar, 'directory.department', department.name, 'gk')
  await expect(toolbar).toContainText(s.words('booking.all_doctors'))
  await o.choose(toolbar, 'schedule.doctor', doctor.name, doctor.name)
  const cells = s.page.locator('[data-session]')
  const week = async (more = '') => {
    const monday = new Date(`${date}T00:00:00Z`)
    monday.setUTCDate(monday.getUTCDate() - ((monday.getUTCDay() + 6) % 7))
    const iso = (n: number) => new Date(monday.getTime() + n * 86_400_000).toISOString().slice(0, 10)
    return (await boss.items(`/api/booking/timetable?department=${department.id}&doctor=${doctor.id}&channel=desk&from=${iso(0)}&to=${iso(6)}${more}`)).map((x) => x.id).sort()
  }
  const shown = async () => (await cells.evaluateAll((all) => all.map((x) => (x as HTMLElement).dataset.session ?? ''))).sort()
  await expect.poll(shown).toEqual(await week())
  expect(await shown()).toContain(full.id)
  await toolbar.getByRole('switch', { name: s.words('timetable.only_free') }).press('Space')
  await expect(s.page.locator(`[data-session="${full.id}"]`)).toHaveCount(0)
  await expect.poll(shown).toEqual(await week('&only_free=true'))
  expect(await shown()).toContain(open.id)
  expect(new URL(s.page.url()).searchParams.get('doctor')).toBe(doctor.id)
  expect(await barriers(s)).toEqual([])
})

test('a weekly template becomes the sessions of a week', async () => {
  // A day on which the department works: no holiday.
  const working = await boss.items(`/api/booking/timetable?department=${department.id}&from=${day(7)}&to=${day(20)}`)
  const date = working.filter((x) => x.template_id && x.state === 'open').map((x) => x.date as string).sort()[0]
  const until = new Date(Date.parse(`${date}T00:00:00Z`) + 6 * 86_400_000).toISOString().slice(0, 10)
  await s.visit(`/schedule?tab=templates&department=${department.id}`)
  await o.button('schedule.new_template').click()
  const weekday = new Intl.DateTimeFormat('zh-CN', { timeZone: 'UTC', weekday: 'short' }).format(new Date(`${date}T00:00:00Z`))
  await o.choose(o.drawer(), 'schedule.weekday', weekday)
  await o.choose(o.drawer(), 'booking.period', s.words('period.evening'))
  await o.drawer().getByRole('textbox', { name: s.words('schedule.room') }).fill('夜诊9室')
  await o.primary(o.drawer()).click()
  await expect(o.drawer()).toHaveCount(0)
  const made = (await boss.items(`/api/booking/templates?department=${department.id}`)).find((x) => x.room === '夜诊9室')
  expect(made).toMatchObject({ period: 'evening', start: '18:00', end: '20:30', capacity: 24 })

  await s.page.getByRole('tab', { name: s.words('schedule.tab.generate') }).click()
  const dates = s.page.locator('.range input')
  await dates.nth(0).fill(date)
  await dates.nth(1).fill(until)
  await dates.nth(1).press('Enter')
  await o.button('schedule.dry_run').click()
  const sums = s.page.locator('.sums')
  await expect(sums).toContainText(s.words('schedule.would_sessions'))
  await expect(sums.locator('dd').first()).toHaveText('1')
  expect(await barriers(s)).toEqual([])
  const of = async () => (await boss.items(`/api/booking/timetable?department=${department.id}&from=${date}&to=${until}`)).filter((x) => x.template_id === made.id)
  expect(await of(), 'trying makes nothing').toHaveLength(0)
  await o.button('schedule.generate').click()
  await expect(sums).toContainText(s.words('schedule.made_sessions'))
  const sessions = await of()
  expect(sessions).toHaveLength(1)
  expect(sessions[0]).toMatchObject({ date, total: 24, free: 24, room: '夜诊9室' })
  await s.visit(`/timetable?department=${department.id}&from=${date}`)
  await expect(s.page.locator(`[data-session="${sessions[0].id}"]`)).toBeVisible()
})

test('whose clinic is closed reads why, and the house reads what was sent', async () => {
  const who = await o.person('停诊癸')
  const closing = await o.session(day(4), { start: '20:00', end: '21:00', doctor_id: doctors[0].id })
  await o.book(who.id, closing.id)
  const report = await boss.send('POST', `/api/booking/sessions/${closing.id}/close`, { reason: '医生参加抢救', offer_replacements: true })
  expect(report).toMatchObject({ notified: 1, replaced: 1 })
  const [sent] = await eventually('the notice', async () => {
    const all = await boss.items(`/api/messages?patient=${who.id}&template=booking.session_closed`)
    return all.length ? all : undefined
  })
  await s.visit('/messages')
  await s.page.getByRole('row').filter({ hasText: who.name }).filter({ hasText: s.words('message.template.booking.session_closed') }).getByRole('button').click()
  const bubble = o.drawer().locator('.bubble')
  for (const part of [who.name, doctors[0].name, '医生参加抢救', longDay(report.affected[0].replacement.date).split('周')[0]]) await expect(bubble).toContainText(part)
  expect(await barriers(s)).toEqual([])
  expect((await boss.get(`/api/messages/${sent.id}`)).text).toBe((await bubble.innerText()).trim())
})

test('rules are taken over from a preset, read in words, and hold at once', async () => {
  const who = await o.person('守规子')
  const late = await o.session(day(9), { start: '20:00', end: '21:00', room: '12诊室' })
  expect((await o.may(who.id, late.id)).allowed).toBe(true)
  const presets = await boss.items('/api/booking/policies/presets')
  expect(presets).toHaveLength(5)
  const preset = presets.find((p) => p.code === 'one-week-monthly')
  await s.visit('/booking-rules')
  await o.button('policy.from_preset').click()
  await expect(s.page.getByRole('menuitem').filter({ visible: true })).toHaveCount(5)
  await s.page.getByRole('menuitem').filter({ hasText: preset.name }).click()
  const words = s.page.locator('aside.words')
  await expect(words).toContainText(o.fill('policy.window_today', { to: 7 }))
  await expect(words).toContainText(o.fill('policy.cancel', { deadline: o.fill('policy.until.previous_day', { t: '17:00' }) }))
  expect(await barriers(s)).toEqual([])
  await s.page.getByRole('button', { name: s.words('common.save'), exact: true }).click()
  await o.button('policy.activate').click()
  expect((await o.may(who.id, late.id)).allowed, 'saving alone changes nothing').toBe(true)
  await o.confirm()
  await expect(s.page.getByRole('navigation', { name: s.words('menu.booking-rules') }).getByRole('button').filter({ hasText: preset.name })).toContainText(s.words('policy.active'))
  expect((await boss.items('/api/booking/policies')).find((p) => p.active).policy.window).toEqual({ from: 0, to: 7 })

  await o.openPanel(who.id)
  await s.page.keyboard.type('gk')
  await s.page.keyboard.press('PageDown')
  await o.panel().locator(`[data-session="${late.id}"]`).click()
  await expect(o.panel().getByRole('alert')).toContainText(o.fill('error.booking.window', { from: 0, to: 7 }))
  await o.panel().locator('.foot .el-button--primary').click() // whoever insists is told again
  await expect(o.panel().getByRole('alert').filter({ hasText: o.fill('error.booking.window', { from: 0, to: 7 }) })).toHaveCount(2)
  expect(await boss.items(`/api/booking/appointments?patient=${who.id}`)).toHaveLength(0)
})
