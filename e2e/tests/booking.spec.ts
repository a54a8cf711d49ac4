// Booking at the desk, by people: few keys for a visit, a clear no for who
// comes second, a course of visits, a clinic that does not take place.
import { barriers } from '../support/axe.js'
import { Sitter } from '../support/browser.js'
import { Hospital } from '../support/hospital.js'
import type { Session } from '../support/session.js'
import { expect, test } from '../support/test.js'

let hospital: Hospital
let boss: Session
let s: Sitter
let people: { id: string; name: string }[]
let department: { id: string; name: string }

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  boss = await hospital.as('supervisor')
  people = []
  for (const n of ['13971000001', '13971000004', '13971000005', '13971000006']) people.push((await boss.items(`/api/patients?q=${n}`))[0])
  ;[department] = (await boss.items('/api/departments?q=gk')).filter((d) => d.clinical)
  s = await Sitter.open(hospital)
  await s.as('agent1')
})

test.afterAll(async () => {
  await s?.close()
  await hospital?.close()
})

/** A hospital day some days from now. */
const day = (n: number) => new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Shanghai' }).format(Date.now() + n * 86_400_000)

/** A session of its own, so that nothing else books into it. */
const session = (date: string, capacity: number, more: object = {}) =>
  boss.send('POST', '/api/booking/sessions', { date, period: 'evening', start: '18:00', end: '20:00', department_id: department.id, type: 'ordinary', fee_cents: 800, slot_minutes: 20, capacity, lanes: {}, room: '9诊室', ...more })
const book = (patient: string, sessionId: string, more: object = {}) =>
  boss.send('POST', '/api/booking/appointments', { key: `e2e-${patient.slice(-8)}-${sessionId.slice(-8)}`, patient_id: patient, session_id: sessionId, channel: 'desk', ...more })
const panel = (x: Sitter) => x.page.getByRole('region', { name: x.words('booking.panel') })

async function openPanel(x: Sitter, patient: string) {
  await x.visit(`/customers/${patient}?tab=appointments`)
  await x.page.getByRole('button', { name: x.words('booking.new'), exact: true }).click()
  await expect(panel(x).getByRole('combobox', { name: x.words('booking.find') })).toBeFocused()
}

test('a visit is booked with at most six keys once the person is known', async () => {
  await openPanel(s, people[0].id)
  const keys = ['g', 'k', '1', 'Enter']
  expect(keys.length).toBeLessThanOrEqual(6)
  for (const k of keys) await s.page.keyboard.press(k)
  await expect(panel(s)).toContainText(s.words('booking.done'))
  expect(await barriers(s)).toEqual([])
  const coming = await boss.items(`/api/booking/appointments?patient=${people[0].id}&from=${day(0)}&state=scheduled`)
  const made = coming.find((a) => a.department_id === department.id)
  expect(made).toBeTruthy()
  expect(made.channel).toBe('desk')
  await s.visit(`/appointments?code=${made.code}`)
  await s.page.getByRole('row').filter({ hasText: made.code }).getByRole('button').click()
  const drawer = s.page.getByRole('dialog')
  await drawer.getByRole('button', { name: s.words('booking.act.acknowledge') }).click()
  await expect(drawer).toContainText(s.words('bookevent.acknowledged'))
  await drawer.getByRole('button', { name: s.words('booking.act.cancel'), exact: true }).click()
  await drawer.getByRole('button', { name: s.words('booking.cancel_staff') }).click()
  await expect(drawer).toContainText(s.words('apptstate.cancelled'))
})

test('a short name finds its department, and what finds nothing takes no keys', async () => {
  await openPanel(s, people[0].id)
  await s.page.keyboard.type('xnk')
  await expect(panel(s).getByRole('listbox').getByRole('option').first()).toContainText('心血管内科')
  await s.page.keyboard.type('zz')
  await expect(panel(s)).toContainText(s.words('directory.none'))
  for (const k of ['1', 'Enter']) await s.page.keyboard.press(k)
  await expect(panel(s).getByRole('combobox', { name: s.words('booking.find') })).toBeFocused()
  await expect(panel(s)).toContainText(s.words('directory.none'))
})

test('two agents want the last number: one has it, the other is told and offered others', async () => {
  const last = await session(day(2), 1)
  const other = await Sitter.open(hospital)
  try {
    await other.as('agent2')
    const pair: [Sitter, string][] = [[s, people[1].id], [other, people[2].id]]
    for (const [x, who] of pair) {
      await openPanel(x, who)
      await x.page.keyboard.type('gk')
      await panel(x).locator(`[data-session="${last.id}"]`).click()
      await expect(panel(x).locator('.numbers li')).toHaveCount(1)
    }
    await Promise.all(pair.map(([x]) => x.page.keyboard.press('Enter')))
    const won = async (x: Sitter) => (await panel(x).innerText()).includes(x.words('booking.done'))
    for (const [x] of pair) await expect(panel(x).locator('.done, .instead').first()).toBeVisible()
    const results = await Promise.all(pair.map(([x]) => won(x)))
    expect(results.filter(Boolean)).toHaveLength(1)
    const loser = pair[results.indexOf(false)][0]
    await expect(panel(loser).getByRole('alert').first()).toBeVisible()
    await expect(panel(loser).locator('.alt').first()).toBeVisible()
    expect(await boss.items(`/api/booking/appointments?session=${last.id}&state=scheduled`)).toHaveLength(1)
    await panel(loser).getByRole('button', { name: new RegExp(loser.words('booking.wait')) }).click()
    await expect(panel(loser)).toContainText(loser.words('booking.waiting_now'))
  } finally {
    await other.close()
  }
})

test('a series is planned with what stands in the way, booked, and the rest cancelled', async () => {
  await s.as('supervisor')
  await s.visit(`/series?new=1&patient=${people[3].id}`)
  const dialog = s.page.getByRole('dialog', { name: s.words('series.new') })
  await dialog.getByRole('combobox', { name: s.words('directory.department') }).fill('gk')
  await s.page.getByRole('option', { name: department.name }).click()
  await dialog.getByRole('button', { name: s.words('series.make_plan') }).click()
  await expect(dialog.getByRole('status')).toBeVisible()
  expect(await barriers(s)).toEqual([])
  expect(await boss.items(`/api/booking/series?patient=${people[3].id}`), 'a plan stores nothing').toHaveLength(0)
  await dialog.locator('.el-dialog__footer .el-button--primary').click()
  const drawer = s.page.getByRole('dialog', { name: s.words('series.one') })
  await expect(drawer.locator('.visits li')).toHaveCount(4)
  await drawer.getByRole('button', { name: s.words('series.cancel_rest') }).click()
  await s.page.locator('.el-popconfirm .el-button--primary').click()
  await expect(drawer).toContainText(s.words('seriesstate.cancelled'))
  const [sum] = await boss.items(`/api/booking/series?patient=${people[3].id}`)
  expect(sum).toMatchObject({ state: 'cancelled', coming: 0 })
})

test('a clinic that does not take place gives back, informs and offers others, without penalty', async () => {
  const closing = await session(day(3), 6)
  await session(day(4), 6)
  const a = await book(people[1].id, closing.id, { use_card: true })
  await s.visit(`/timetable?department=${department.id}&from=${closing.date}`)
  await s.page.locator(`[data-session="${closing.id}"]`).click()
  await s.page.getByRole('button', { name: s.words('schedule.close'), exact: true }).click()
  const dialog = s.page.locator('.el-dialog').last() // over the drawer of the session
  const why = dialog.getByRole('combobox', { name: s.words('schedule.why') })
  await why.fill(s.words('schedule.reason.ill'))
  await why.press('Enter')
  await dialog.locator('.el-button--danger').click()
  await expect(dialog.getByRole('status')).toBeVisible()
  await expect(dialog).toContainText('¥8')
  expect(await barriers(s)).toEqual([])
  const after = await boss.get(`/api/booking/appointments/${a.id}`)
  expect(after).toMatchObject({ state: 'cancelled', cancel_reason: 'session_closed' })
  expect(await boss.items(`/api/booking/penalties?patient=${people[1].id}`)).toHaveLength(0)
  expect((await boss.get(`/api/booking/sessions/${closing.id}`)).state).toBe('closed')
})
