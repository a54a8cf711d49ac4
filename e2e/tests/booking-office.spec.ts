// Booking around the desk, by people: an appointment that moves or is given
// back, the door, those who did not come, the sessions and the rules of the
// house. Every test prepares its own session and walks the step in question.
import type { Locator } from '@playwright/test'
import { barriers } from '../support/axe.js'
import { Sitter } from '../support/browser.js'
import { Hospital } from '../support/hospital.js'
import type { Session } from '../support/session.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

/* eslint-disable @typescript-eslint/no-explicit-any */
let hospital: Hospital
let boss: Session
let s: Sitter
let department: { id: string; name: string }
let others: { id: string }[] // clinical departments
let doctors: { id: string; name: string }[]

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  boss = await hospital.as('supervisor')
  ;[department] = (await boss.items('/api/departments?q=gk')).filter((d) => d.clinical)
  others = (await boss.items('/api/departments')).filter((d) => d.clinical && d.id !== department.id)
  doctors = await boss.items(`/api/doctors?department=${department.id}`)
  s = await Sitter.open(hospital)
  await s.as('supervisor')
})

test.afterAll(async () => {
  await s?.close()
  await hospital?.close()
})

const inZone = (o: Intl.DateTimeFormatOptions, locale = 'en-CA') => new Intl.DateTimeFormat(locale, { timeZone: 'Asia/Shanghai', ...o })
/** A hospital day some days from now. */
const day = (n: number) => inZone({}).format(Date.now() + n * 86_400_000)
const longDay = (date: string) => new Intl.DateTimeFormat('zh-CN', { timeZone: 'UTC', month: 'long', day: 'numeric', weekday: 'short' }).format(new Date(`${date}T00:00:00Z`))
const fill = (key: string, values: Record<string, unknown>) => s.words(key).replace(/{(\w+)}/g, (_, k: string) => String(values[k]))

/** A session of its own, so that nothing else books into it. */
const session = (date: string, more: object = {}) =>
  boss.send('POST', '/api/booking/sessions', { date, period: 'evening', start: '18:00', end: '20:00', department_id: department.id, type: 'ordinary', fee_cents: 800, slot_minutes: 20, capacity: 6, lanes: {}, room: '9诊室', ...more })

/** A session that began a minute ago: its numbers can still be given at the window, and be missed. */
function running(departmentId: string) {
  const clock = (ms: number) => inZone({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, 'en-GB').format(Date.now() + ms)
  const start = clock(-60_000) > clock(0) ? '00:00' : clock(-60_000)
  const end = clock(4 * 3_600_000) < start ? '23:59' : clock(4 * 3_600_000)
  const minutes = (t: string) => Number(t.slice(0, 2)) * 60 + Number(t.slice(3))
  return session(day(0), { department_id: departmentId, start, end, slot_minutes: minutes(end) - minutes(start), capacity: 3 })
}

let born = 0
/** Somebody new, with a real name and no history. */
async function person(name: string): Promise<{ id: string; name: string; code: string }> {
  const body = `42010519850614${String(301 + 2 * ++born)}`
  const sum = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2].reduce((n, w, i) => n + w * Number(body[i]), 0)
  return boss.send('POST', '/api/patients', {
    name, sex: 'male', birth_date: '1985-06-14', identifiers: [{ type: 'id_card', value: body + '10X98765432'[sum % 11] }], phones: [{ number: `1390000${5500 + born}`, type: 'mobile', primary: true }],
  })
}
const book = (patient: string, sessionId: string, more: object = {}) =>
  boss.send('POST', '/api/booking/appointments', { key: `e2e-${patient.slice(-8)}-${sessionId.slice(-8)}`, patient_id: patient, session_id: sessionId, channel: 'desk', ...more })
const appointment = (id: string) => boss.get(`/api/booking/appointments/${id}`)
const may = (patient: string, sessionId: string) => boss.get(`/api/booking/eligibility?patient=${patient}&session=${sessionId}`)

const panel = () => s.page.getByRole('region', { name: s.words('booking.panel') })
const drawer = () => s.page.locator('.el-drawer:visible').last()
const dialog = () => s.page.locator('.el-dialog:visible').last()
const primary = (at: Locator) => at.locator('.el-dialog__footer .el-button--primary, .el-drawer__footer .el-button--primary').last()
const button = (key: string, at: Locator = s.page.locator('body')) => at.getByRole('button', { name: s.words(key), exact: true })
const confirm = () => s.page.locator('.el-popconfirm:visible .el-button--primary').click()

async function choose(at: Locator, key: string, option: string, typed = '') {
  await at.locator('.el-select').filter({ has: s.page.getByRole('combobox', { name: s.words(key) }) }).click()
  if (typed) await at.getByRole('combobox', { name: s.words(key) }).fill(typed)
  await s.page.getByRole('option', { name: option }).filter({ visible: true }).first().click()
}
async function openSession(se: { id: string; date: string }) {
  await s.visit(`/timetable?department=${department.id}&from=${se.date}`)
  await s.page.locator(`[data-session="${se.id}"]`).click()
  await expect(drawer()).toContainText(s.words('booking.numbers'))
}
async function openAppointment(a: { code: string }) {
  await s.visit(`/appointments?code=${a.code}`)
  await s.page.getByRole('row').filter({ hasText: a.code }).getByRole('button').click()
  await expect(drawer()).toContainText(s.words('booking.history'))
}
async function openPanel(patient: string) {
  await s.visit(`/customers/${patient}?tab=appointments`)
  await button('booking.new').click()
  await expect(panel().getByRole('combobox', { name: s.words('booking.find') })).toBeFocused()
}

test('an appointment moves to another session, and the old number is free again', async () => {
  const who = await person('改约甲')
  const [from, to] = [await session(day(4)), await session(day(5))]
  const old = await book(who.id, from.id)
  await s.visit(`/customers/${who.id}?tab=appointments`)
  await button('booking.act.change').click()
  await expect(panel()).toContainText(s.words('booking.change_title'))
  await panel().locator(`[data-session="${to.id}"]`).click()
  await panel().locator('.numbers li').nth(2).click()
  await panel().locator('.foot .el-button--primary').click()
  await expect(panel()).toContainText(s.words('booking.moved'))
  expect(await barriers(s)).toEqual([])
  expect(await appointment(old.id)).toMatchObject({ state: 'cancelled', cancel_reason: 'moved' })
  const [now] = await boss.items(`/api/booking/appointments?patient=${who.id}&state=scheduled`)
  expect(now).toMatchObject({ session_id: to.id, seq: 3, moved_from: old.id })
  expect((await boss.get(`/api/booking/sessions/${from.id}`)).free).toBe(6)
})

test('before an appointment is given back it is said what that means', async () => {
  const who = await person('退号乙')
  await boss.send('POST', `/api/ledger/accounts/${who.id}/top-up`, { key: 'e2e-office-top-up', amount_cents: 5000, method: 'cash' })
  const a = await book(who.id, (await session(day(6))).id, { use_card: true })
  const terms = await boss.get(`/api/booking/appointments/${a.id}/terms`)
  expect(terms).toMatchObject({ allowed: true, refund_cents: 800, count: 1 })
  await openAppointment(a)
  await button('booking.act.cancel', drawer()).click()
  const box = drawer().getByRole('group', { name: s.words('booking.cancel_sure') })
  await expect(box).toContainText(fill('booking.cancel_refund', { x: '¥8' }))
  await expect(box).toContainText(fill('booking.cancel_nth', { n: 1, of: terms.limit }))
  expect((await boss.get(`/api/ledger/accounts/${who.id}`)).available_cents).toBe(4200)
  await button('booking.cancel_patient', box).click()
  await expect(drawer()).toContainText(s.words('apptstate.cancelled'))
  expect(await appointment(a.id)).toMatchObject({ state: 'cancelled', cancel_reason: 'patient' })
  expect((await boss.get(`/api/ledger/accounts/${who.id}`)).available_cents).toBe(5000)
})

test('a code at the door checks in and gives a place in the queue', async () => {
  const who = await person('签到丙')
  const a = await book(who.id, (await running(department.id)).id, { channel: 'onsite' })
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
  const now = await appointment(a.id)
  expect(now).toMatchObject({ state: 'checked_in', queue_number: 1 })
  await expect(good.locator('.no')).toHaveText('1')
  await openAppointment(a)
  await expect(drawer()).toContainText(s.words('apptstate.checked_in'))
  await expect(drawer().locator('dl', { hasText: s.words('booking.queue_number') })).toContainText('1')
})

test('who does not come three times may not book, until an appeal is granted', async () => {
  const who = await person('爽约丁')
  const visits = []
  for (const d of others.slice(0, 3)) visits.push(await book(who.id, (await running(d.id)).id, { channel: 'onsite' }))
  for (const v of visits.slice(0, 2)) await boss.send('POST', `/api/booking/appointments/${v.id}/miss`)
  const wanted = await session(day(3))
  expect((await may(who.id, wanted.id)).allowed, 'two are no penalty').toBe(true)
  await openAppointment(visits[2])
  await button('booking.act.miss', drawer()).click()
  await confirm()
  await expect(drawer()).toContainText(s.words('apptstate.missed'))
  const no = await may(who.id, wanted.id)
  expect(no.allowed).toBe(false)
  expect(no.reasons.map((r: any) => r.key)).toContain('booking.penalty')

  await s.visit('/penalties')
  const row = s.page.getByRole('row').filter({ hasText: who.name })
  await expect(row).toContainText(`${s.words('penaltyevent.no_show')} × 3`)
  const [ban] = await boss.items(`/api/booking/penalties?patient=${who.id}`)
  await expect(row).toContainText(inZone({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'zh-CN').format(new Date(ban.until))) // in another year, half of the time
  await row.getByRole('button', { name: s.words('penalty.do_appeal') }).click()
  await dialog().getByRole('textbox').fill('住院期间无法到诊')
  await primary(dialog()).click()
  await expect(row).toContainText(s.words('penaltystate.appealed'))
  expect((await may(who.id, wanted.id)).allowed, 'it binds until it is decided').toBe(false)
  await row.getByRole('button', { name: s.words('penalty.do_decide') }).click()
  await expect(dialog()).toContainText('住院期间无法到诊')
  await dialog().getByRole('textbox').fill('有住院证明')
  await button('penalty.lift', dialog()).click()
  await expect(row).toContainText(s.words('penaltystate.lifted'))
  expect(await barriers(s)).toEqual([])
  const [penalty] = await boss.items(`/api/booking/penalties?patient=${who.id}`)
  expect(penalty).toMatchObject({ status: 'lifted', count: 3, in_force: false, decision: '有住院证明' })
  expect((await may(who.id, wanted.id)).allowed).toBe(true)
})

test('two doctors swap their sessions, then a third stands in; the patient follows', async () => {
  const [one, two, third] = doctors
  const who = await person('换诊戊')
  const [a, b] = [await session(day(8), { doctor_id: one.id }), await session(day(9), { doctor_id: two.id })]
  const visit = await book(who.id, a.id)
  await openSession(a)
  await button('schedule.swap', drawer()).click()
  await choose(dialog(), 'schedule.swap_with', `${longDay(b.date)} ${s.words('period.evening')} · ${two.name}`)
  await primary(dialog()).click()
  await expect(drawer()).toContainText(two.name)
  expect(await boss.get(`/api/booking/sessions/${a.id}`)).toMatchObject({ doctor_id: two.id, substitute_of: one.id })
  expect(await boss.get(`/api/booking/sessions/${b.id}`)).toMatchObject({ doctor_id: one.id, substitute_of: two.id })
  expect(await appointment(visit.id)).toMatchObject({ doctor_id: two.id, start_at: visit.start_at, state: 'scheduled' })

  await button('schedule.substitute', drawer()).click()
  await choose(dialog(), 'schedule.doctor', third.name)
  await primary(dialog()).click()
  await expect(drawer()).toContainText(third.name)
  await expect(drawer().locator('.changes')).toContainText(s.words('sessionchange.swap'))
  await expect(drawer().locator('.changes')).toContainText(s.words('sessionchange.substitute'))
  expect(await barriers(s)).toEqual([])
  expect(await appointment(visit.id)).toMatchObject({ doctor_id: third.id, state: 'scheduled' })
  const told = await eventually('the notices', async () => {
    const all = await boss.items(`/api/messages?patient=${who.id}&template=booking.changed`)
    return all.length === 2 ? all : undefined
  })
  expect(told.every((m: any) => m.direction === 'out')).toBe(true)
})

test('a full session takes one more with the consent of the doctor', async () => {
  const full = await session(day(10), { capacity: 1, doctor_id: doctors[0].id })
  await book((await person('先到己')).id, full.id)
  const who = await person('加号庚')
  await openSession(full)
  await button('schedule.added', drawer()).click()
  await expect(dialog().getByRole('textbox', { name: s.words('schedule.consent_by') })).toHaveValue(doctors[0].name)
  await expect(primary(dialog())).toBeDisabled() // without evidence
  await dialog().getByRole('textbox', { name: s.words('schedule.evidence') }).fill('10:20 电话同意')
  await primary(dialog()).click()
  await expect(drawer().locator('.numbers li')).toHaveCount(2)
  await expect(drawer().locator('.changes')).toContainText('10:20 电话同意')
  await button('booking.book_somebody', drawer()).click()
  await s.page.getByRole('combobox', { name: s.words('find.title') }).fill(who.name)
  await dialog().getByRole('option').filter({ hasText: who.name }).click()
  await expect(panel()).toContainText(s.words('booking.all_gone')) // by the ordinary way
  await panel().getByRole('combobox', { name: s.words('booking.via') }).selectOption('added')
  await expect(panel().locator('.numbers li')).toHaveCount(1)
  await panel().locator('.foot .el-button--primary').click()
  await expect(panel()).toContainText(s.words('booking.done'))
  const [a] = await boss.items(`/api/booking/appointments?patient=${who.id}`)
  expect(a).toMatchObject({ session_id: full.id, state: 'scheduled', lane: 'added', seq: 2, channel: 'desk' })
})

test('who is referred draws from the numbers kept for referrals', async () => {
  const kept = await session(day(5), { start: '20:00', end: '21:00', capacity: 2, lanes: { referral: 1 }, room: '10诊室' })
  const who = await person('转诊辛')
  await openPanel(who.id)
  await s.page.keyboard.type('gk')
  await panel().locator(`[data-session="${kept.id}"]`).click()
  await expect(panel().locator('.numbers li')).toHaveCount(1)
  await panel().getByRole('combobox', { name: s.words('booking.via') }).selectOption('referral')
  await expect(panel().locator('.numbers li')).toHaveCount(2)
  await panel().locator('.foot .el-button--primary').click()
  await expect(panel()).toContainText(s.words('booking.done'))
  const [a] = await boss.items(`/api/booking/appointments?patient=${who.id}`)
  expect(a).toMatchObject({ session_id: kept.id, channel: 'referral', lane: 'referral' })
  expect((await boss.items(`/api/booking/sessions/${kept.id}/numbers`)).find((n) => n.id === a.number_id)).toMatchObject({ lane: 'referral', state: 'taken' })
  await openAppointment(a)
  await expect(drawer()).toContainText(s.words('lane.referral'))
})

test('the timetable is searched by department and doctor, and for what is free', async () => {
  const doctor = doctors[1]
  const date = day(12)
  const full = await session(date, { doctor_id: doctor.id, start: '18:00', end: '19:00', capacity: 1, type: 'expert' })
  const open = await session(date, { doctor_id: doctor.id, start: '19:00', end: '20:00', capacity: 2, type: 'expert' })
  await book((await person('占号壬')).id, full.id)
  await s.visit(`/timetable?from=${date}`)
  const toolbar = s.page.locator('.toolbar')
  await choose(toolbar, 'directory.department', department.name, 'gk')
  await choose(toolbar, 'schedule.doctor', doctor.name, doctor.name)
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
  await button('schedule.new_template').click()
  const weekday = new Intl.DateTimeFormat('zh-CN', { timeZone: 'UTC', weekday: 'short' }).format(new Date(`${date}T00:00:00Z`))
  await choose(drawer(), 'schedule.weekday', weekday)
  await choose(drawer(), 'booking.period', s.words('period.evening'))
  await drawer().getByRole('textbox', { name: s.words('schedule.room') }).fill('夜诊9室')
  await primary(drawer()).click()
  await expect(drawer()).toHaveCount(0)
  const made = (await boss.items(`/api/booking/templates?department=${department.id}`)).find((x) => x.room === '夜诊9室')
  expect(made).toMatchObject({ period: 'evening', start: '18:00', end: '20:30', capacity: 24 })

  await s.page.getByRole('tab', { name: s.words('schedule.tab.generate') }).click()
  const dates = s.page.locator('.range input')
  await dates.nth(0).fill(date)
  await dates.nth(1).fill(until)
  await dates.nth(1).press('Enter')
  await button('schedule.dry_run').click()
  const sums = s.page.locator('.sums')
  await expect(sums).toContainText(s.words('schedule.would_sessions'))
  await expect(sums.locator('dd').first()).toHaveText('1')
  expect(await barriers(s)).toEqual([])
  const of = async () => (await boss.items(`/api/booking/timetable?department=${department.id}&from=${date}&to=${until}`)).filter((x) => x.template_id === made.id)
  expect(await of(), 'trying makes nothing').toHaveLength(0)
  await button('schedule.generate').click()
  await expect(sums).toContainText(s.words('schedule.made_sessions'))
  const sessions = await of()
  expect(sessions).toHaveLength(1)
  expect(sessions[0]).toMatchObject({ date, total: 24, free: 24, room: '夜诊9室' })
  await s.visit(`/timetable?department=${department.id}&from=${date}`)
  await expect(s.page.locator(`[data-session="${sessions[0].id}"]`)).toBeVisible()
})

test('whose clinic is closed reads why, and the house reads what was sent', async () => {
  const who = await person('停诊癸')
  const closing = await session(day(4), { start: '20:00', end: '21:00', doctor_id: doctors[0].id })
  await book(who.id, closing.id)
  const report = await boss.send('POST', `/api/booking/sessions/${closing.id}/close`, { reason: '医生参加抢救', offer_replacements: true })
  expect(report).toMatchObject({ notified: 1, replaced: 1 })
  const [sent] = await eventually('the notice', async () => {
    const all = await boss.items(`/api/messages?patient=${who.id}&template=booking.session_closed`)
    return all.length ? all : undefined
  })
  await s.visit('/messages')
  await s.page.getByRole('row').filter({ hasText: who.name }).filter({ hasText: s.words('message.template.booking.session_closed') }).getByRole('button').click()
  const bubble = drawer().locator('.bubble')
  for (const part of [who.name, doctors[0].name, '医生参加抢救', longDay(report.affected[0].replacement.date).split('周')[0]]) await expect(bubble).toContainText(part)
  expect(await barriers(s)).toEqual([])
  expect((await boss.get(`/api/messages/${sent.id}`)).text).toBe((await bubble.innerText()).trim())
})

test('rules are taken over from a preset, read in words, and hold at once', async () => {
  const who = await person('守规子')
  const late = await session(day(9), { start: '20:00', end: '21:00', room: '12诊室' })
  expect((await may(who.id, late.id)).allowed).toBe(true)
  const presets = await boss.items('/api/booking/policies/presets')
  expect(presets).toHaveLength(5)
  const preset = presets.find((p) => p.code === 'one-week-monthly')
  await s.visit('/booking-rules')
  await button('policy.from_preset').click()
  await expect(s.page.getByRole('menuitem').filter({ visible: true })).toHaveCount(5)
  await s.page.getByRole('menuitem').filter({ hasText: preset.name }).click()
  const words = s.page.locator('aside.words')
  await expect(words).toContainText(fill('policy.window_today', { to: 7 }))
  await expect(words).toContainText(fill('policy.cancel', { deadline: fill('policy.until.previous_day', { t: '17:00' }) }))
  expect(await barriers(s)).toEqual([])
  await s.page.getByRole('button', { name: s.words('common.save'), exact: true }).click()
  await button('policy.activate').click()
  expect((await may(who.id, late.id)).allowed, 'saving alone changes nothing').toBe(true)
  await confirm()
  await expect(s.page.getByRole('navigation', { name: s.words('menu.booking-rules') }).getByRole('button').filter({ hasText: preset.name })).toContainText(s.words('policy.active'))
  expect((await boss.items('/api/booking/policies')).find((p) => p.active).policy.window).toEqual({ from: 0, to: 7 })

  await openPanel(who.id)
  await s.page.keyboard.type('gk')
  await s.page.keyboard.press('PageDown')
  await panel().locator(`[data-session="${late.id}"]`).click()
  await expect(panel().getByRole('alert')).toContainText(fill('error.booking.window', { from: 0, to: 7 }))
  await panel().locator('.foot .el-button--primary').click() // whoever insists is told again
  await expect(panel().getByRole('alert').filter({ hasText: fill('error.booking.window', { from: 0, to: 7 }) })).toHaveCount(2)
  expect(await boss.items(`/api/booking/appointments?patient=${who.id}`)).toHaveLength(0)
})
