// Whoever books without a telephone: by letter, fax, at the window, as a VIP.
// Who may do what with it; and what the desk does about templates, swaps and
// the door.
import { barriers } from '../support/axe.js'
import { Sitter } from '../support/browser.js'
import { day, Office } from '../support/office.js'
import type { Session } from '../support/session.js'
import { expect, test } from '../support/test.js'

/* eslint-disable @typescript-eslint/no-explicit-any */
let o: Office
let boss: Session
let s: Sitter

test.describe.configure({ mode: 'serial' })

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
