// The visit booked by telephone: by keypad alone, and by an agent while the
// caller is on the line. The messages go through a real message centre.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Agent } from '../support/agent.js'
import { Baresip } from '../support/baresip.js'
import { Caller } from '../support/caller.js'
import { Hospital, prompt } from '../support/hospital.js'
import type { Session } from '../support/session.js'
import { MessageCentre } from '../support/smsc.js'
import { correlate, keysIn, readWav, toneSeconds, toTelephone } from '../support/sound.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const callerTone = 500
const agentTone = 850

/* eslint-disable @typescript-eslint/no-explicit-any */
type Customer = { id: string; name: string; mobile: string; birth: string; document: string }

let hospital: Hospital
let centre: MessageCentre
let supervisor: Session
let admin: Session
let phone: Baresip // a telephone that nobody knows
let caller: Caller
let agent: Agent
let lu: Customer // has an identity card
let shao: Customer // knows mobile and birthday
let liang: Customer // calls from the own mobile
let department: any
let doctor: any
let clinic: any // tomorrow at seven, of that doctor
const visits: any[] = []
const calls: string[] = []

test.describe.configure({ mode: 'serial', timeout: 180_000 })

test.beforeAll(async () => {
  centre = await MessageCentre.start()
  hospital = await Hospital.open(centre.settings)
  ;[supervisor, admin] = await Promise.all([hospital.as('supervisor'), hospital.as('admin')])
  lu = await customer('陆文博', 'male', '1962-04-17', '13626070811', '42010519620417')
  shao = await customer('邵佳宁', 'female', '1987-11-09', '13626070822', '42010619871109')
  liang = await customer('梁晓燕', 'female', '1975-02-26', '13626070833', '42010719750226')
  phone = await Baresip.outside(hospital, '13100227755', callerTone)
  caller = new Caller(phone, supervisor)

  ;[department] = await offered()
  doctor = (await admin.items(`/api/doctors?department=${department.id}`))[0]
  clinic = await admin.send('POST', '/api/booking/sessions', {
    date: isoDate(1), period: 'am', start: '07:00', end: '08:00', department_id: department.id, doctor_id: doctor.id, campus_id: department.campus_id,
    type: 'ordinary', room: '晨间诊室', fee_cents: 1500, slot_minutes: 10, capacity: 6, release_at: new Date(Date.now() - 60_000).toISOString(),
  })
})

test.afterAll(async () => {
  await Promise.all([agent?.close(), phone?.close()])
  await hospital?.close()
  await centre?.close()
})

/** A date in the hospital's zone, so many days from today. */
function isoDate(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toLocaleDateString('sv-SE', { timeZone: 'Asia/Shanghai' })
}

/** An identity number with its check character. */
function withCheck(body: string): string {
  const sum = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2].reduce((n, w, i) => n + w * Number(body[i]), 0)
  return body + '10X98765432'[sum % 11]
}

/** Somebody on record whose identity number ends in X, which is hard to press. */
async function customer(name: string, sex: string, birth: string, mobile: string, place: string): Promise<Customer> {
  let document = ''
  for (let n = sex === 'male' ? 1 : 2; !document.endsWith('X'); n += 2) document = withCheck(place + String(n).padStart(3, '0'))
  const made = await admin.send('POST', '/api/patients', {
    name, sex, birth_date: birth, identifiers: [{ type: 'id_card', value: document }], phones: [{ number: mobile, type: 'mobile', primary: true }],
  })
  return { id: made.id, name, mobile, birth, document }
}

/** The departments as the telephone offers them. */
async function offered(): Promise<any[]> {
  const free = new Set((await admin.items(`/api/booking/timetable?from=${isoDate(0)}&to=${isoDate(14)}&channel=ivr&only_free=true`)).map((s) => s.department_id))
  return (await admin.items('/api/departments')).filter((d) => free.has(d.id))
}

/** The key of tomorrow among the days on offer: today may still have numbers. */
async function keyOfTomorrow(patient: string): Promise<string> {
  const today = await admin.items(`/api/booking/timetable?from=${isoDate(0)}&to=${isoDate(0)}&channel=ivr&only_free=true&department=${department.id}`)
  for (const s of today) {
    const { allowed, reasons } = await admin.get(`/api/booking/eligibility?patient=${patient}&session=${s.id}&channel=ivr`)
    if (s.released && (allowed || reasons.every((r: any) => ['booking.limit', 'booking.penalty'].includes(r.key)))) return '2'
  }
  return '1'
}

const spokenName = (kind: string, code: string) => `${kind}_${code.toLowerCase().replace(/[^a-z0-9]/g, '_')}`
const digits = (code: string) => [...code].map((d) => (d === '1' ? 'n1_phone' : `n${d}`))
const spokenDate = (iso: string) => {
  const [, month, day] = iso.split('-').map(Number)
  return [`month_${month}`, `dom_${day}`, `weekday_${new Date(`${iso}T00:00Z`).getUTCDay() || 7}`]
}
const spokenTime = (time: string) => ['morning', `hour_${Number(time.slice(0, 2))}`, ...(time.endsWith('00') ? [] : [`minute_${Number(time.slice(3))}`])]

/** From the main menu to the question how the caller is known. */
async function toIdentification(way: 'book' | 'mine') {
  await caller.dial('96166')
  calls.push(caller.id)
  await caller.at('menu')
  await caller.press('1')
  await caller.at('booking')
  await caller.press(way === 'book' ? '1' : '2')
  await caller.at(way === 'book' ? 'how' : 'my_how')
}

/** The numbers of the clinic that are taken. */
async function taken(): Promise<number[]> {
  return (await admin.items(`/api/booking/sessions/${clinic.id}/numbers`)).filter((n) => n.state === 'taken').map((n) => n.seq)
}

function appointment(c: Customer): Promise<any> {
  return eventually(`an appointment of ${c.name}`, async () => (await supervisor.items(`/api/booking/appointments?patient=${c.id}`))[0])
}

/** Both sides of a call's recording, once it is finished. */
async function recorded(call: string): Promise<Float32Array[]> {
  const { recording } = await eventually('the recording', async () => {
    const r = await supervisor.get(`/api/calls/${call}`)
    return r.outcome && (await supervisor.get(`/api/recordings/${r.recording}`)).state === 'ready' && r
  })
  return readWav(await supervisor.bytes(`/api/recordings/${recording}/audio`)).channels
}

/** The message about a visit: as the outbox has it, and as it came to the mobile. */
async function message(c: Customer, template: string, words: string) {
  const arrived = await centre.receives(c.mobile, words)
  const stored = await eventually(`${template} of ${c.name} delivered`, async () => {
    const m = (await supervisor.items(`/api/messages?patient=${c.id}&template=${template}`))[0]
    return m?.state === 'delivered' && supervisor.get(`/api/messages/${m.id}`)
  }, 30_000)
  expect(arrived.text).toBe(stored.text)
  // What the network charges for: 70 characters, or 67 where a header ties parts together.
  const units = arrived.text!.length
  const segments = units <= 70 ? 1 : Math.ceil(units / 67)
  expect([stored.encoding, stored.segments, arrived.parts], `${units} characters`).toEqual(['ucs2', segments, segments])
  const parts = centre.partsOf(c.mobile, arrived.text!)
  expect(parts.map((p) => [p.coding, p.from])).toEqual(parts.map(() => [8, '96166']))
  if (segments > 1) expect(parts.map((p) => p.place)).toEqual(parts.map((_, i) => ({ ref: parts[0].place!.ref, total: segments, seq: i + 1 })))
  expect(Math.max(...parts.map((p) => p.units!))).toBeLessThanOrEqual(segments === 1 ? 70 : 67)
  return stored
}

test('a caller whom nobody knows gives an identity number and hears departments, days, doctors and times', async () => {
  await toIdentification('book')
  await caller.press('1')
  await caller.listensAt('id')
  await caller.hears(['enter_id'])
  await caller.press(lu.document.replace('X', '*'))

  const dept = spokenName('dept', department.code)
  const doc = spokenName('doctor', doctor.code)
  await caller.listensAt('department')
  await caller.hears(['choose_department', dept, 'press_1'])
  await caller.press('1')
  const key = await keyOfTomorrow(lu.id)
  await caller.listensAt('day')
  await caller.hears(['choose_day'], [...spokenDate(isoDate(1)), `press_${key}`])
  await caller.press(key)
  await caller.listensAt('slot')
  await caller.hears(['choose_slot', ...spokenTime('07:00'), doc, 'ordinary', 'press_1'])
  await caller.press('1')
  await caller.listensAt('confirm')
  await caller.hears(['you_chose', dept, ...spokenDate(isoDate(1)), ...spokenTime('07:00'), doc, 'fee_is', 'n10', 'n5', 'yuan', 'confirm_booking'])
  expect(await supervisor.items(`/api/booking/appointments?patient=${lu.id}`), 'nothing is booked before the caller says so').toHaveLength(0)
  await caller.press('1')
})

test('the number is taken, and the caller hears its place in the line and the code, twice', async () => {
  await caller.listensAt('booked')
  const visit = await appointment(lu)
  expect(visit).toMatchObject({ state: 'scheduled', channel: 'ivr', session_id: clinic.id, date: isoDate(1), doctor: doctor.name, seq: 1, fee_cents: 1500 })
  expect(await taken()).toEqual([1])
  visits.push(visit)
  await caller.hears(['booking_confirmed', 'your_seq_is', 'n1', 'seq_suffix', 'your_code_is', ...digits(visit.code), 'code_again', ...digits(visit.code)])
  await caller.hears(['arrive_early'])
})

test('the details are on the mobile of the record, in Chinese, before the caller hangs up', async () => {
  const visit = visits[0]
  const [, month, day] = visit.date.split('-').map(Number)
  const sms = await message(lu, 'booking.booked', visit.code)
  for (const part of ['【', lu.name, `${month}月${day}日`, '07:00', visit.department, doctor.name, '晨间诊室', '96166']) expect(sms.text).toContain(part)
  expect(sms.segments).toBeGreaterThan(1)
  expect(phone.has('CALL_CLOSED'), 'the call is still up').toBe(false)
  expect(centre.inbox('13100227755'), 'nothing goes to the telephone that called').toHaveLength(0)
  phone.hangup()
  await caller.isHungUp()
})

test('the same by mobile number and birthday', async () => {
  await toIdentification('book')
  await caller.press('2')
  await caller.listensAt('phone')
  await caller.hears(['enter_phone'])
  await caller.press(shao.mobile)
  await caller.listensAt('birth')
  await caller.hears(['enter_birth'])
  await caller.press(shao.birth.replaceAll('-', ''))
  await caller.at('department')
  await caller.press('1')
  const key = await keyOfTomorrow(shao.id)
  await caller.at('day')
  await caller.press(key)
  await caller.listensAt('slot')
  await caller.hears(['choose_slot', ...spokenTime('07:10')]) // seven is gone
  await caller.press('1')
  await caller.at('confirm')
  await caller.press('1')
  await caller.listensAt('booked')
  await caller.hears(['booking_confirmed'])
  phone.hangup()
  await caller.isHungUp()
  const visit = await appointment(shao)
  expect(visit).toMatchObject({ state: 'scheduled', channel: 'ivr', session_id: clinic.id, seq: 2 })
  expect(await taken()).toEqual([1, 2])
  visits.push(visit)
  await message(shao, 'booking.booked', visit.code)
})

test('a wrong identity number is told and finds nobody', async () => {
  await toIdentification('mine')
  await caller.press('1')
  await caller.at('my_id')
  await caller.press(lu.document.slice(0, 17) + '3')
  await caller.listensAt('my_how')
  phone.hangup()
  await caller.isHungUp()
  const dips = (await caller.events()).filter((e) => e.kind === 'ivr.dip').map((e) => [e.data.dip, e.data.outcome])
  expect(dips).toEqual([['identify_by_phone', 'none'], ['identify_by_id', 'invalid']])
})

test('reminders go out; a reply of 2 cancels, a reply of 1 confirms', async () => {
  const presets = await admin.items('/api/booking/policies/presets')
  const { policy } = presets.find((p) => p.code === 'four-weeks')
  const clock = new Date(Date.now() - 60_000).toLocaleTimeString('sv-SE', { timeZone: 'Asia/Shanghai' }).slice(0, 5)
  const reminder_at = clock === '23:59' ? '00:00' : clock
  const own = await admin.send('POST', '/api/booking/policies', { name: '提醒提前', policy: { ...policy, reminder_at, quiet_from: '', quiet_to: '' } })
  await admin.send('POST', `/api/booking/policies/${own.id}/activate`)

  const [first, second] = [await message(lu, 'booking.reminder', '回复1确认'), await message(shao, 'booking.reminder', '回复1确认')]
  expect(first.text).toContain(visits[0].code)
  expect(second.text).toContain(visits[1].code)

  await centre.reply(lu.mobile, '2')
  await eventually('cancelled', async () => (await appointment(lu)).state === 'cancelled')
  await message(lu, 'booking.cancelled', '已取消')
  expect(await taken(), 'the number is free again').toEqual([2])
  const history = await supervisor.items(`/api/booking/appointments/${visits[0].id}/history`)
  expect(history.find((e) => e.kind === 'cancelled')).toMatchObject({ channel: 'sms', actor: `patient:${lu.id}` })

  await centre.reply(shao.mobile, '1')
  await eventually('confirmed', async () => (await appointment(shao)).confirmed)
  expect((await appointment(shao)).state).toBe('scheduled')
  const answers = await supervisor.items(`/api/messages?direction=in&patient=${shao.id}`)
  expect(answers.map((m) => m.handled)).toEqual([true])

  await centre.reply(lu.mobile, '2') // once more: there is nothing left to cancel
  await eventually('two answers', async () => (await supervisor.items(`/api/messages?direction=in&patient=${lu.id}`)).length === 2)
  expect(await taken()).toEqual([2])
})

test('the other visit is cancelled by keypad', async () => {
  await toIdentification('mine')
  await caller.press('2')
  await caller.at('my_phone')
  await caller.press(shao.mobile)
  await caller.at('my_birth')
  await caller.press(shao.birth.replaceAll('-', ''))
  await caller.listensAt('visit')
  const when = [...spokenDate(isoDate(1)).slice(0, 2), ...spokenTime('07:10')]
  await caller.hears(['your_appointments', ...when, spokenName('dept', department.code), spokenName('doctor', doctor.code), 'press_1'])
  await caller.press('1')
  await caller.listensAt('drop')
  await caller.hears(['cancel_chosen', ...when, spokenName('dept', department.code), 'confirm_cancel'])
  expect((await appointment(shao)).state).toBe('scheduled')
  await caller.press('1')
  await caller.hears(['cancelled', 'goodbye'])
  await caller.isHungUp()
  expect((await appointment(shao)).state).toBe('cancelled')
  expect(await taken()).toEqual([])
  await message(shao, 'booking.cancelled', '已取消')
  const call = await eventually('the record', async () => {
    const c = await supervisor.get(`/api/calls/${caller.id}`)
    return c.outcome && c
  })
  expect(call).toMatchObject({ outcome: 'ivr', ended_by: 'system' })
})

test('who has given a number by keypad and asks for a person is on the agent’s screen', async () => {
  agent = await Agent.ready(hospital, 'agent1', agentTone)
  await toIdentification('book')
  await caller.press('1')
  await caller.at('id')
  await caller.press(lu.document.replace('X', '*'))
  await caller.at('department')
  await caller.press('0')
  await agent.rings()
  await expect(agent.ringing, 'by identity number: the telephone is nobody’s').toContainText(lu.name)
  await expect(agent.record).toHaveText(lu.name)
  await agent.answer()
  await Promise.all([agent.hearsTone(callerTone), phone.hearsTone(agentTone)])
  await phone.type('4711') // a card number, say
  await agent.hearsTone(callerTone)
  phone.hangup()
  await agent.inState('wrap_up')
})

test('nothing that was entered is in events, call records, logs, recordings or files', async () => {
  const secrets = [lu.document, lu.document.slice(0, 17), shao.mobile]
  const short = [shao.birth.replaceAll('-', ''), lu.document.slice(6, 17)]
  const lengths: number[] = []
  for (const id of calls) {
    const [detail, events] = [await supervisor.get(`/api/calls/${id}`), await supervisor.items(`/api/calls/${id}/events`)]
    for (const s of [...secrets, ...short]) {
      expect(JSON.stringify(detail)).not.toContain(s)
      expect(JSON.stringify(events)).not.toContain(s)
    }
    const inputs: string[] = events.filter((e) => e.kind === 'ivr.input' && e.data.kind === 'input').map((e) => e.data.digit)
    expect(inputs, 'each input is there, as dots').toEqual(inputs.map((x) => '•'.repeat(x.length)))
    lengths.push(...inputs.map((x) => x.length))
  }
  expect(lengths).toEqual([18, 11, 8, 18, 11, 8, 18])

  const [left] = await recorded(calls.at(-1)!)
  expect(keysIn(left, 8000), 'keys pressed during the talk').toBe('')
  const talk = await supervisor.items(`/api/calls/${calls.at(-1)}/events`)
  const answered = talk.findIndex((e) => e.kind === 'queue.answered')
  expect(answered).toBeGreaterThan(0)
  expect(JSON.stringify(talk.slice(answered)), 'nor are they in the events').not.toMatch(/"(digit|key|keys|digits)":"?[0-9]/)

  for (const text of [lu.name, shao.name, visits[0].code, ...secrets, ...short]) expect(hospital.log).not.toContain(text)
  for (const file of readdirSync(hospital.data, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const bytes = readFileSync(path.join(file.parentPath, file.name))
    for (const s of secrets) expect(bytes.includes(s), `${s} in ${file.name}`).toBe(false)
  }
})

test('calls that only the menu answered are recorded from the first word, and hold no key', async () => {
  const [notice, greeting, confirmed] = ['recording_notice', 'greeting', 'booking_confirmed'].map((p) => toTelephone(readWav(prompt(p))))
  for (const [i, id] of calls.entries()) {
    const [left, right] = await recorded(id)
    const [call, events] = [await supervisor.get(`/api/calls/${id}`), await supervisor.items(`/api/calls/${id}/events`)]
    const begun = Date.parse(events.find((e) => e.kind === 'recording.started').at)
    expect(begun - Date.parse(call.started_at), 'recorded from the answer').toBeLessThan(1000)
    const length = (Date.parse(call.ended_at) - begun) / 1000
    expect(Math.abs(left.length / 8000 - length), `${left.length / 8000} s recorded of ${length} s`).toBeLessThan(1)
    const opening = right.subarray(0, 12 * 8000)
    const [first, second] = [correlate(opening, notice), correlate(opening, greeting)]
    expect(first.score, 'the notice is on the right').toBeGreaterThan(0.7) // as for what the telephone hears: a busy machine sends late
    expect(first.at, 'from its beginning').toBeLessThan(1)
    expect(second.score, 'so is the greeting').toBeGreaterThan(0.7)
    expect(second.at).toBeGreaterThan(first.at)
    expect(correlate(left.subarray(0, 12 * 8000), notice).score, 'and not on the left').toBeLessThan(0.3)
    expect(toneSeconds(left, 8000, callerTone), 'the caller is on the left').toBeGreaterThan(0.5 * length)
    expect(toneSeconds(right, 8000, callerTone), 'and not on the right').toBeLessThan(1)
    expect(keysIn(left, 8000), `keys in call ${i + 1}`).toBe('')
    if (i === 0) expect(correlate(right.subarray(right.length / 2), confirmed).score, 'the confirmation is kept').toBeGreaterThan(0.7)
  }
  const alone = await Promise.all(calls.slice(0, -1).map((id) => supervisor.get(`/api/calls/${id}`)))
  expect(alone.map((c) => c.outcome)).toEqual(alone.map(() => 'ivr'))
})

test('an agent books while the caller is on the line, by keyboard; the details arrive before they hang up', async () => {
  await phone.close()
  phone = await Baresip.outside(hospital, liang.mobile, callerTone)
  await agent.goReady()
  caller = new Caller(phone, supervisor)
  await caller.dial('96166')
  await caller.at('menu')
  await caller.press('1')
  await caller.at('booking')
  await caller.press('3') // by a person
  await agent.rings()
  await expect(agent.ringing).toContainText(liang.name)
  await expect(agent.record, 'the record is open while it rings').toHaveText(liang.name)
  await agent.answer()
  await Promise.all([agent.hearsTone(callerTone), phone.hearsTone(agentTone)])

  const { page } = agent
  const panel = page.getByRole('region', { name: agent.words('booking.panel') })
  await page.keyboard.press('b')
  await expect(panel).toContainText(liang.name)
  await page.keyboard.type(department.name)
  await expect(panel.locator('#booking-targets [aria-selected=true]')).toContainText(department.name)
  for (let strokes = 0; strokes < 3; strokes++) await page.keyboard.press('Enter') // the week, its first clinic, yes
  await expect(panel).toContainText(agent.words('booking.done'))
  const visit = await appointment(liang)
  expect(visit).toMatchObject({ state: 'scheduled', channel: 'desk', department_id: department.id })
  await expect(panel.locator('.code')).toHaveText(visit.code.replace(/(\d{4})(?=\d)/, '$1 '))
  await page.screenshot({ path: test.info().outputPath('booked.png') })

  const sms = await message(liang, 'booking.booked', visit.code)
  expect(sms.text).toContain(liang.name)
  expect(phone.has('CALL_CLOSED'), 'the call is still up').toBe(false)
  expect((await supervisor.items('/api/live-calls'))[0]).toMatchObject({ id: caller.id, stage: 'talking' })
  await Promise.all([agent.hearsTone(callerTone), phone.hearsTone(agentTone)])
  phone.hangup()
  await agent.inState('wrap_up')
  await eventually('visit, message and call on the timeline', async () => {
    const kinds = (await supervisor.items(`/api/patients/${liang.id}/timeline`)).map((r) => r.kind)
    return ['appointment', 'message', 'call'].every((k) => kinds.includes(k))
  })
})
