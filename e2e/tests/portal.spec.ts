// The patients' portal on a telephone's screen, with the codes and messages
// that really arrive.
import { AxeBuilder } from '@axe-core/playwright'
import { Hospital } from '../support/hospital.js'
import { identityOf, idNumber, newestCode, Patient, phoneScreen } from '../support/patient.js'
import type { Session } from '../support/session.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const own = '13971000001'
const stranger = '13900001111'

/* eslint-disable @typescript-eslint/no-explicit-any */
let hospital: Hospital
let admin: Session
let patient: Patient
let self: { id: string; name: string; document: string }
let cash = 0 // yuan on the card
let first = { id: '', code: '', day: '', session: '' } // the appointment that the tests make

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  ;[admin, self, patient] = await Promise.all([hospital.as('admin'), identityOf(hospital, own), Patient.at(hospital)])
})

test.afterAll(async () => {
  await patient?.close()
  await hospital?.close()
})

const open = async (path: string): Promise<any> => (await fetch(`${hospital.url}/api/portal${path}`)).json()

const daysOf = (sessions: { date: string }[]): string[] => [...new Set(sessions.map((s) => s.date))].sort()

/** Expert clinics of one doctor on two different days, some days ahead. */
async function twoClinics(): Promise<[any, any]> {
  const { items } = await open('/timetable')
  const days = daysOf(items)
  const good = items.filter((s: any) => s.date >= days[2] && s.type === 'expert' && s.free > 3 && s.fee_cents > 0)
  for (const a of good) {
    const b = good.find((s: any) => s.doctor_id === a.doctor_id && s.date > a.date)
    if (b) return [a, b]
  }
  throw new Error('the demo has no doctor with two clinics')
}

/** The free slots of a clinic. */
const free = async (session: string): Promise<any[]> => (await open(`/sessions/${session}/numbers`)).items

/** Yuan that the card can pay with, as the server tells its owner. */
const available = (): Promise<number> =>
  patient.page.evaluate(async () => {
    const { members } = await (await fetch('/api/portal/me')).json()
    const mine = members.find((m: { relation: string }) => m.relation === 'self')
    return (await (await fetch(`/api/portal/card?member=${mine.id}`)).json()).available_cents / 100
  })

async function messages(number: string): Promise<string[]> {
  const { items } = (await (await fetch(`${hospital.url}/api/try/messages?number=${number}`)).json()) as { items: { text: string; mine: boolean }[] }
  return items.filter((m) => !m.mine).map((m) => m.text)
}

/** Asks the server as the page could, with the cookie of the page. */
function ask(p: Patient, method: string, path: string, body?: unknown): Promise<{ status: number; key: string }> {
  return p.page.evaluate(
    async ([m, url, b]) => {
      const r = await fetch(url as string, {
        method: m as string,
        headers: { 'X-Heartline': '1', ...(b ? { 'Content-Type': 'application/json' } : {}) },
        ...(b ? { body: JSON.stringify(b) } : {}),
      })
      const answer = (await r.json().catch(() => ({}))) as { key?: string }
      return { status: r.status, key: answer.key ?? '' }
    },
    [method, path, body],
  )
}

test('departments and doctors are found by name, pinyin and initials, and a department tells its place and its clinics', async () => {
  const { page, t } = patient
  await page.goto('/portal/')
  await page.getByRole('searchbox', { name: t('find.label') }).fill('guke')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('link', { name: '骨科' })).toBeVisible()
  const box = page.getByRole('searchbox', { name: t('find.label') })
  for (const [text, found] of [['xxgnk', '心血管内科'], ['林致远', '林致远'], ['linzhiyuan', '林致远']]) {
    await box.fill(text)
    await expect(page.getByRole('link', { name: found }).first()).toBeVisible()
  }
  await box.fill('qqqqq')
  await expect(page.getByText(t('find.nothing', { q: 'qqqqq' }))).toBeVisible()
  await box.fill('xxgnk')
  await page.getByRole('link', { name: '心血管内科' }).click()
  await expect(page.getByRole('heading', { level: 1, name: '心血管内科' })).toBeVisible()
  const { items } = await open('/departments?q=xxgnk')
  for (const text of [items[0].intro, items[0].how_to_get_there]) await expect(page.getByText(text)).toBeVisible()
  await expect(page.getByRole('link', { name: '林致远' })).toBeVisible()
  await expect(page.getByRole('tab')).toHaveCount(14)
  await expect(page.getByRole('tabpanel').getByRole('link').first()).toBeVisible()
  // By the keyboard alone: the next day.
  const chosen = page.getByRole('tab', { selected: true })
  const before = await chosen.innerText()
  await chosen.press('ArrowRight')
  await expect(chosen).not.toHaveText(before)
  await expect(chosen).toBeFocused()
})

test('booking asks to sign in; a wrong number and a wrong code are refused in words; the code that arrives opens', async () => {
  const { page, t } = patient
  const [clinic] = await twoClinics()
  await page.goto(`/portal/sessions/${clinic.id}`)
  await page.getByRole('radio').first().check({ force: true })
  await patient.link('slots.next').click()
  await expect(page.getByRole('heading', { level: 1, name: t('signin.title') })).toBeVisible()
  await expect(page.getByText(t('signin.for'))).toBeVisible()
  await page.getByLabel(t('signin.phone')).fill('123')
  await patient.button('signin.send').click()
  await expect(page.getByRole('alert')).toHaveText(t('error.portal.phone_invalid'))
  await page.getByLabel(t('signin.phone')).fill(own)
  await patient.button('signin.send').click()
  const code = await newestCode(hospital, own)
  await page.getByLabel(t('signin.code')).fill(code === '000000' ? '111111' : '000000')
  await expect(page.getByRole('alert')).toHaveText(t('error.portal.code_wrong'))
  await page.getByLabel(t('signin.code')).fill(code)
  await expect(page.getByText(t('confirm.nobody'))).toBeVisible() // back where one wanted to be
  await patient.link('member.add').first().click()
})

test('one adds oneself, verified by what the hospital knows, and a child who is not verified yet; wrong digits are refused', async () => {
  const { page, t } = patient
  const right = self.document
  await patient.fillMember(self.name, right.slice(0, 17) + (right.endsWith('1') ? '2' : '1'), 'self')
  await patient.button('member.save').click()
  await expect(page.getByRole('alert')).toHaveText(t('error.patient.id_invalid'))
  await expect(page.getByLabel(t('member.number'))).toBeFocused()
  await page.getByLabel(t('member.number')).fill(right)
  await patient.button('member.save').click()
  await expect(page.getByText(t('confirm.terms'))).toBeVisible() // and on with the booking
  await patient.addMember('曾小宝', idNumber('2018-03-05', 121), 'child')
  await page.goto('/portal/me')
  const people = page.getByRole('listitem')
  await expect(people.filter({ hasText: self.name })).toContainText(t('member.verified'))
  await expect(people.filter({ hasText: '曾小宝' })).toContainText(t('member.unverified'))
  await expect(people.filter({ hasText: self.name }), 'the number is not shown').not.toContainText(right)
  await page.goto('/portal/me/add')
  await patient.fillMember(self.name, right, 'other')
  await patient.button('member.save').click()
  await expect(page.getByRole('alert')).toHaveText(t('error.portal.member_twice'))
})

test('one books a time with the terms in sight, and gets a code, a QR picture, a calendar entry and a message', async () => {
  const { page, t } = patient
  const [clinic] = await twoClinics()
  const slots = await free(clinic.id)
  await page.goto(`/portal/doctors/${clinic.doctor_id}`)
  await page.locator(`#day-${clinic.date}`).click()
  await page.locator(`a[href*="/sessions/${clinic.id}"]`).click()
  await page.getByRole('radio').first().check({ force: true })
  await patient.link('slots.next').click()
  await expect(page.getByText(t('confirm.bring'))).toBeVisible()
  await expect(page.getByRole('listitem').filter({ hasText: t('confirm.cancel_until', { at: '' }) })).toBeVisible()
  cash = await available()
  expect(cash, 'the demo gave the card some money').toBeGreaterThanOrEqual(clinic.fee_cents / 100)
  await page.getByRole('radio', { name: t('confirm.by_card', { yuan: cash }) }).check({ force: true })
  await expect(page.getByText(t('confirm.fee_card', { yuan: clinic.fee_cents / 100 }))).toBeVisible()
  await patient.button('confirm.yes').click()
  await expect(page.getByRole('status')).toContainText(t('done.booked'))
  await patient.settled()
  await expect(page.getByText(t('appointment.on_card'))).toBeVisible()
  const code = (await page.locator('.code').innerText()).replace(/\D/g, '')
  expect(code).toHaveLength(8)
  const qr = page.getByRole('img', { name: t('appointment.qr') })
  expect(await qr.evaluate((i: HTMLImageElement) => i.naturalWidth)).toBeGreaterThan(0)
  first = { id: new URL(page.url()).pathname.split('/').pop()!, code, day: clinic.date, session: clinic.id }
  expect((await free(clinic.id)).map((n) => n.id)).not.toContain(slots[0].id)
  const coming = page.waitForEvent('download')
  await patient.link('appointment.calendar').click()
  const chunks: Buffer[] = []
  for await (const c of await (await coming).createReadStream()) chunks.push(c as Buffer)
  const ics = Buffer.concat(chunks).toString('utf8')
  expect(ics).toContain(`DTSTART:${slots[0].start_at.replace(/[-:]|\.\d+/g, '')}`)
  expect(ics).not.toContain(self.name)
  await eventually('the message with the code', async () => (await messages(own)).some((m) => m.includes(code)), 20_000)
  const a = await admin.get(`/api/booking/appointments/${first.id}`)
  expect(a).toMatchObject({ patient_id: self.id, state: 'scheduled', code })
})

test('the card shows what is held for the visit', async () => {
  const { page, t } = patient
  await page.goto('/portal/card')
  const held = (await open(`/sessions/${first.session}`)).fee_cents / 100
  await expect(page.getByText(t('card.held', { yuan: held }))).toBeVisible()
  await expect(page.getByText(t('money', { yuan: cash - held }), { exact: true })).toBeVisible()
  await expect(page.getByRole('listitem').filter({ hasText: t('kind.hold') })).toBeVisible()
  await page.getByRole('radio', { name: /曾小宝/ }).check({ force: true })
  await expect(page.getByText(t('error.portal.unverified'))).toBeVisible()
})

test('a second appointment in the department on that day is refused before it is tried', async () => {
  const { page, t } = patient
  const { items } = await open(`/timetable?department=${(await open(`/sessions/${first.session}`)).department_id}&from=${first.day}&to=${first.day}`)
  const other = items.find((s: any) => s.id !== first.session && s.free > 0)
  await page.goto(`/portal/sessions/${other.id}`)
  await page.getByRole('radio').first().check({ force: true })
  await patient.link('slots.next').click()
  await expect(page.getByRole('alert')).toHaveText(t('error.booking.double'))
  await expect(patient.button('confirm.yes')).toBeDisabled()
  await page.getByRole('radio', { name: /曾小宝/ }).check({ force: true })
  await expect(page.getByRole('alert')).toHaveCount(0)
  await expect(patient.button('confirm.yes')).toBeEnabled()
})

test('a time that goes while one hesitates is told, and another can be chosen', async () => {
  const { page, t } = patient
  const [, clinic] = await twoClinics()
  await page.goto(`/portal/sessions/${clinic.id}`)
  await page.getByRole('radio').first().check({ force: true })
  await patient.link('slots.next').click()
  await expect(patient.button('confirm.yes')).toBeEnabled()
  const [slot] = await free(clinic.id)
  const rival = await identityOf(hospital, '13971000004')
  const a = await admin.send('POST', '/api/booking/appointments', { key: 'e2e-portal-rival', patient_id: rival.id, session_id: clinic.id, number_id: slot.id })
  await patient.button('confirm.yes').click()
  await expect(page.getByRole('alert')).toContainText(t('error.booking.slot_taken'))
  await patient.link('confirm.other_time').click()
  await expect(page.getByText(t('slots.pick'))).toBeVisible()
  await admin.send('POST', `/api/booking/appointments/${a.id}/cancel`, { reason: 'staff' })
})

test('the appointment is moved to another day, and its old time is free again', async () => {
  const { page, t } = patient
  const before = await admin.get(`/api/booking/appointments/${first.id}`)
  const [, later] = await twoClinics()
  await page.goto('/portal/appointments')
  await page.locator(`a[href$="${first.id}"]`).click()
  await patient.button('change.title').click()
  await expect(page.getByText(t('change.stop'))).toBeVisible()
  await page.locator(`#day-${later.date}`).click()
  await page.locator(`a[href*="/sessions/${later.id}"]`).click()
  await page.getByRole('radio').nth(1).check({ force: true })
  await patient.link('slots.next').click()
  await patient.button('change.yes').click()
  await expect(page.getByRole('status')).toContainText(t('done.changed'))
  expect((await free(first.session)).map((n) => n.id)).toContain(before.number_id)
  first = { ...first, id: new URL(page.url()).pathname.split('/').pop()!, day: later.date, session: later.id }
  const now = await admin.get(`/api/booking/appointments/${first.id}`)
  expect(now).toMatchObject({ session_id: later.id, state: 'scheduled', patient_id: self.id })
})

test('other people’s appointments, people and cards, and forged tokens, are refused, noted, and change nothing', async () => {
  const other = await Patient.at(hospital)
  try {
    await other.page.goto(`/portal/appointments/${first.id}`)
    await expect(other.page.getByRole('heading', { level: 1, name: other.t('signin.title') })).toBeVisible()
    await other.signInWith(stranger)
    await other.page.goto(`/portal/appointments/${first.id}`)
    await expect(other.page.getByRole('alert')).toContainText(other.t('error.booking.not_yours'))
    const { members } = await patient.page.evaluate(async () => (await fetch('/api/portal/me')).json())
    const someone = members[0].id
    const key = 'e2e-portal-forged'
    for (const [method, path, body] of [
      ['GET', `/api/portal/appointments/${first.id}`],
      ['GET', `/api/portal/appointments/${first.id}/qr.svg`],
      ['GET', `/api/portal/appointments/${first.id}/calendar.ics`],
      ['POST', `/api/portal/appointments/${first.id}/cancel`],
      ['POST', `/api/portal/appointments/${first.id}/confirm`],
      ['POST', `/api/portal/appointments/${first.id}/change`, { key, session_id: first.session }],
      ['GET', '/api/portal/appointments/no-such-appointment'],
      ['GET', `/api/portal/card?member=${someone}`],
      ['DELETE', `/api/portal/members/${someone}`],
      ['POST', '/api/portal/appointments', { key, member_id: someone, session_id: first.session }],
      ['GET', `/api/portal/sessions/${first.session}/terms?member=${someone}`],
    ] as [string, string, unknown?][]) {
      expect(await ask(other, method, path, body), `${method} ${path}`).toEqual({ status: 403, key: 'booking.not_yours' })
    }
    expect(await admin.get(`/api/booking/appointments/${first.id}`)).toMatchObject({ state: 'scheduled', session_id: first.session })
    const log = await admin.items('/api/admin/audit?limit=100')
    expect(log.filter((e) => ['portal.refused', 'booking.refused'].includes(e.action)).length).toBe(12)
    // A token that nobody gave out, and one of the desk.
    const [cookie] = await other.page.context().cookies(`${hospital.url}/api/portal/me`)
    await other.page.context().addCookies([{ ...cookie, value: cookie.value.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')) }])
    expect((await ask(other, 'GET', '/api/portal/me')).status).toBe(401)
    await other.page.goto('/portal/me')
    await expect(other.page.getByRole('heading', { level: 1, name: other.t('signin.title') })).toBeVisible()
  } finally {
    await other.close()
  }
})

test('cancelling says what it means before, and gives the number and the money back', async () => {
  const { page, t } = patient
  const before = await admin.get(`/api/booking/appointments/${first.id}`)
  await page.goto(`/portal/appointments/${first.id}`)
  await patient.button('cancel.title').click()
  const dialog = page.getByRole('dialog', { name: t('cancel.ask') })
  await expect(dialog).toContainText(t('cancel.refund', { yuan: before.fee_cents / 100 }))
  await expect(dialog).toContainText(t('cancel.gone'))
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  expect((await admin.get(`/api/booking/appointments/${first.id}`)).state).toBe('scheduled')
  await patient.button('cancel.title').click()
  await dialog.getByRole('button', { name: t('cancel.yes') }).click()
  await expect(page.getByRole('status')).toHaveText(t('appointment.cancelled'))
  await expect(patient.button('cancel.title')).toHaveCount(0)
  expect((await free(first.session)).map((n) => n.id)).toContain(before.number_id)
  await page.goto('/portal/card')
  await expect(page.getByText(t('money', { yuan: cash }), { exact: true }).first()).toBeVisible()
  await page.goto('/portal/appointments?past=1')
  await expect(page.locator(`a[href$="${first.id}"]`)).toContainText(t('state.cancelled'))
})

test('the waitlist: join what is full, be offered what comes free, take it or let it go', async () => {
  const { page, t } = patient
  const rival = await identityOf(hospital, '13971000004')
  const { items } = await open('/timetable')
  const day = daysOf(items)[4]
  const department = (await open('/departments')).items.find((d: any) => !items.some((s: any) => s.department_id === d.id && s.date === day && s.period === 'evening'))
  const evening = await admin.send('POST', '/api/booking/sessions', { date: day, period: 'evening', start: '18:00', end: '19:00', department_id: department.id, room: '1诊室', type: 'ordinary', fee_cents: 0, slot_minutes: 60, capacity: 1 })
  const take = (n: number) => admin.send('POST', '/api/booking/appointments', { key: `e2e-portal-full-${n}`, patient_id: rival.id, session_id: evening.id })
  const giveBack = (id: string) => admin.send('POST', `/api/booking/appointments/${id}/cancel`, { reason: 'staff' })
  const join = async () => {
    await page.goto(`/portal/sessions/${evening.id}`)
    await expect(page.getByText(t('slots.none'))).toBeVisible()
    await patient.link('wait.join').click()
    await page.getByLabel(t('wait.from'), { exact: true }).fill(day)
    await page.getByLabel(t('wait.to'), { exact: true }).fill(day)
    await page.getByRole('radio', { name: t('period.evening') }).check({ force: true })
    await patient.button('wait.yes').click()
    await expect(page.getByText(t('wait.place', { n: 1 }))).toBeVisible()
  }
  const offered = () =>
    eventually('the offer', async () => {
      await page.goto('/portal/appointments')
      await patient.settled()
      return patient.button('wait.accept').isVisible()
    }, 20_000)

  const leave = async () => {
    await patient.button('wait.leave').click()
    await page.getByRole('dialog').getByRole('button', { name: t('wait.leave'), exact: true }).click()
    await expect(page.getByText(t('wait.place', { n: 1 }))).toHaveCount(0)
  }

  let held = await take(1)
  await join()
  await leave()
  await join()
  await giveBack(held.id)
  await offered()
  await page.goto('/portal/')
  await expect(page.getByText(t('home.offers', { n: 1 }))).toBeVisible()
  await page.getByText(t('home.offers', { n: 1 })).click()
  await patient.button('wait.decline').click()
  await page.getByRole('dialog').getByRole('button', { name: t('wait.decline'), exact: true }).click()
  await expect(patient.button('wait.accept')).toHaveCount(0)
  await expect(page.getByText(t('wait.place', { n: 1 }))).toBeVisible() // for other numbers
  await eventually('the number to be free', async () => (await free(evening.id)).length === 1)
  await leave()
  held = await take(2)
  await join()
  await giveBack(held.id)
  await offered()
  await patient.button('wait.accept').click()
  await expect(page.getByRole('status')).toContainText(t('done.accepted'))
  const mine = new URL(page.url()).pathname.split('/').pop()!
  expect(await admin.get(`/api/booking/appointments/${mine}`)).toMatchObject({ state: 'scheduled', session_id: evening.id, patient_id: self.id })
})

for (const locale of ['zh-CN', 'en'] as const) {
  test(`every page fits the telephone, has words for everything and no barriers (${locale})`, async () => {
    test.setTimeout(180_000)
    const p = locale === 'en' ? await Patient.at(hospital, 'en') : patient
    try {
      const clinic = (await twoClinics())[0]
      const problems: string[] = []
      const look = async (name: string) => {
        await p.settled()
        const { violations } = await new AxeBuilder({ page: p.page }).setLegacyMode(true).analyze()
        problems.push(...violations.map((v) => `${name}: ${v.impact} ${v.id}: ${v.nodes.slice(0, 2).map((n) => n.target.join(' ')).join(' | ')}`))
        const width = await p.page.evaluate(() => document.documentElement.scrollWidth)
        if (width > phoneScreen.width) problems.push(`${name}: ${width} wide`)
        const raw = (await p.page.locator('body').innerText()).match(/\b(app|home|find|table|wait|confirm|member|error|fact|state|card|signin|slots|mine|me)\.[a-z_]+/g)
        if (raw) problems.push(`${name}: no words for ${raw.join(' ')}`)
        problems.push(...p.troubles.map((t) => `${name}: ${t}`))
        p.troubles.length = 0
      }
      p.troubles.length = 0
      const pages = ['', 'find', 'find?q=gk', `departments/${clinic.department_id}`, `doctors/${clinic.doctor_id}`, `sessions/${clinic.id}`, 'info', 'nowhere']
      const mine = ['appointments', 'appointments?past=1', 'me', 'me/add', 'card', `wait/new?department=${clinic.department_id}`, `sessions/${clinic.id}/confirm?number=${(await free(clinic.id))[0].id}`]
      if (locale === 'en') {
        await p.page.goto('/portal/sign-in')
        await look('sign-in')
        await p.signInWith('13971000003')
        const who = await identityOf(hospital, '13971000003')
        await p.addMember(who.name, who.document, 'self')
      } else mine.push(`appointments/${(await p.page.evaluate(async () => (await fetch('/api/portal/appointments')).json())).items[0].id}`)
      for (const path of [...pages, ...mine]) {
        await p.page.goto(`/portal/${path}`)
        await expect(p.page.locator('main h1')).toBeVisible()
        await look(path || 'home')
      }
      if (locale === 'zh-CN') {
        await p.page.goto(`/portal/${mine.at(-1)}`)
        await p.button('cancel.title').click()
        await look('cancel')
      }
      expect(problems).toEqual([])
    } finally {
      if (locale === 'en') await p.close()
    }
  })
}

test('the language is changed with one touch and stays', async () => {
  const p = await Patient.at(hospital)
  try {
    // Only the first page of a browser chooses for itself.
    await p.page.goto('/portal/info')
    await p.page.getByRole('button', { name: 'English' }).click()
    await expect(p.page.getByRole('heading', { level: 1 })).toHaveText('Hospital and directions')
    await expect(p.page.locator('html')).toHaveAttribute('lang', 'en')
    expect(await p.page.evaluate(() => localStorage.getItem('heartline.portal.lang'))).toBe('en')
    await expect(p.page).toHaveTitle(/Hospital and directions · Jiangcheng/)
  } finally {
    await p.close()
  }
})

test('a person is taken off the account, and signing out everywhere ends every session', async () => {
  const { page, t } = patient
  await page.goto('/portal/me')
  await page.getByRole('button', { name: `${t('member.remove')} 曾小宝` }).click()
  await page.getByRole('dialog').getByRole('button', { name: t('member.remove') }).click()
  await expect(page.getByText('曾小宝')).toHaveCount(0)
  const cookies = await page.context().cookies(`${hospital.url}/api/portal/me`)
  await patient.button('me.out_all').click()
  await page.getByRole('dialog').getByRole('button', { name: t('me.out_all') }).click()
  await expect(page.getByRole('heading', { level: 1, name: t('home.title') })).toBeVisible()
  await page.context().addCookies(cookies) // somebody kept the token
  expect((await ask(patient, 'GET', '/api/portal/me')).status).toBe(401)
})
