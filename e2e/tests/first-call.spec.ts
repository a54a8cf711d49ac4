// The first call, whole: from the greeting to the timeline of the patient.
import { Agent } from '../support/agent.js'
import { barriers } from '../support/axe.js'
import { Baresip } from '../support/baresip.js'
import { Hospital, prompt, type Person } from '../support/hospital.js'
import type { Session } from '../support/session.js'
import { correlate, heardPitch, keysIn, readWav, toneSeconds, toTelephone } from '../support/sound.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const callerTone = 500
const firstTone = 850
const secondTone = 1250

let hospital: Hospital
let caller: Person
let phone: Baresip
let first: Agent
let second: Agent
let supervisor: Session
let callId = ''

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  caller = await hospital.person('known')
  ;[phone, first, second, supervisor] = await Promise.all([
    Baresip.outside(hospital, caller.number, callerTone),
    Agent.ready(hospital, 'agent1', firstTone),
    Agent.seated(hospital, 'agent2', secondTone),
    hospital.as('supervisor'),
  ])
})

test.afterAll(async () => {
  await first?.close()
  await second?.close()
  await phone?.close()
  await hospital?.close()
})

test('the caller hears the recording notice and the greeting, and presses 1', async () => {
  phone.dial('96166')
  await phone.event('CALL_ESTABLISHED')
  const [notice, greeting] = ['recording_notice', 'greeting'].map((p) => toTelephone(readWav(prompt(p))))
  await eventually('notice and greeting said', () => phone.heard().length > notice.length + greeting.length + 8000, 20_000)
  const said = phone.heard()
  const at = [notice, greeting].map((p) => correlate(said, p))
  expect(at[0].score, 'the notice as shipped').toBeGreaterThan(0.8)
  expect(at[1].score, 'the greeting as shipped').toBeGreaterThan(0.8)
  expect(at[1].at).toBeGreaterThan(at[0].at)
  phone.press('1')
})

test('the desk rings with the record of the caller open before anybody answers', async () => {
  await first.rings(40_000) // who presses 1 and then waits wants a person
  await expect(first.ringing).toContainText(caller.name)
  await expect(first.record).toHaveText(caller.name)
  await expect(first.call).toHaveCount(0)
  const [live] = await supervisor.items('/api/live-calls')
  expect(live.answered_at ?? '', 'still ringing while the record is open').toBe('')
  expect(live.stage).toBe('queued')
  callId = live.id
})

test('they hear each other', async () => {
  await first.answer()
  await first.hearsTone(callerTone)
  await phone.hearsTone(firstTone)
  await eventually('two seconds of the first agent', () => toneSeconds(phone.heard(), 8000, firstTone) > 2)
})

test('hold plays music, and resume brings the voices back', async () => {
  await first.page.keyboard.press('h')
  await expect(first.call).toContainText(first.words('callstate.held'))
  await eventually('music: sound that is not one tone', () => phone.loudness > 0.005 && Math.abs(heardPitch(phone.heard().slice(-3200), 8000) - firstTone) > 50)
  await eventually('the agent hears no caller', async () => Math.abs((await first.hears()) - callerTone) > 50)
  await first.page.keyboard.press('h')
  await phone.hearsTone(firstTone)
  await first.hearsTone(callerTone)
})

test('a transfer to a second agent keeps the call going', async () => {
  await second.goReady()
  await first.transferTo(hospital.login('agent2').name)
  await second.rings()
  await expect(second.record).toHaveText(caller.name)
  await second.answer()
  await phone.hearsTone(secondTone)
  await second.hearsTone(callerTone)
  await first.inState('wrap_up')
  await eventually('two seconds of the second agent', () => toneSeconds(phone.heard(), 8000, secondTone) > 2)
})

test('the second agent hangs up and writes down what it was about', async () => {
  const colleague = await hospital.as('agent2')
  await eventually('the call is also the second agent’s', () => colleague.get(`/api/calls/${callId}`), 5000)
  await second.page.keyboard.press('Shift+X')
  await phone.event('CALL_CLOSED')
  await second.inState('wrap_up')
  await second.wrapUp('预约成功', '约了周三上午的心内科')
  await second.inState('ready')
  await expect(second.call).toHaveCount(0)
})

test('the call detail tells every step, with the routing receipt', async () => {
  const call = await eventually('the record of the call', async () => {
    const c = await supervisor.get(`/api/calls/${callId}`)
    return !c.live && c.disposition && c.recording && c
  })
  expect(call).toMatchObject({ outcome: 'answered', ended_by: 'agent', transfers: 1, did: '96166', disposition: 'appointment_booked', notes: '约了周三上午的心内科' })
  expect(call.patient.name).toBe(caller.name)
  expect(call.agents.map((a: { name: string }) => a.name)).toEqual([hospital.login('agent1').name, hospital.login('agent2').name])
  expect(call.talk_ms).toBeGreaterThan(4000)
  expect(call.hold_ms).toBeGreaterThan(300)

  const events = await supervisor.items(`/api/calls/${callId}/events`)
  const kinds = events.map((e) => e.kind)
  let from = 0
  for (const kind of ['call.started', 'ivr.entered', 'ivr.input', 'queue.entered', 'queue.offered', 'leg.ringing', 'queue.answered', 'call.held', 'call.resumed', 'call.transferred', 'call.ended']) {
    const at = kinds.indexOf(kind, from)
    expect(at, `${kind} in ${kinds.slice(from).join(' ')}`).toBeGreaterThanOrEqual(0)
    from = at
  }
  expect(kinds.indexOf('call.identified'), 'identified before the desk rang').toBeLessThan(kinds.indexOf('queue.offered'))
  const { receipt } = events.find((e) => e.kind === 'queue.offered').data
  expect(receipt.rule_version).toBeTruthy()
  expect(receipt.candidates.filter((c: { chosen: boolean }) => c.chosen)).toHaveLength(1)

  await second.page.goto(`/calls/${callId}`)
  await expect(second.page.locator('main')).toContainText(caller.name)
  await expect(second.page.locator('main textarea')).toHaveValue('约了周三上午的心内科')
  await expect(second.page.locator('main')).toContainText(second.words('receipt.show'))
})

test('the recording is whole: caller on the left, menu, music and both agents on the right', async () => {
  const call = await supervisor.get(`/api/calls/${callId}`)
  const events = await supervisor.items(`/api/calls/${callId}/events`)
  const begun = Date.parse(events.find((e) => e.kind === 'recording.started').at)
  expect(begun - Date.parse(call.started_at), 'it begins with the answer').toBeLessThan(1000)
  const wav = readWav(await supervisor.bytes(`/api/recordings/${call.recording}/audio`))
  expect(wav.channels).toHaveLength(2)
  const [left, right] = wav.channels
  const length = (Date.parse(call.ended_at) - begun) / 1000
  expect(Math.abs(left.length / wav.rate - length), `${left.length / wav.rate} s recorded of ${length} s`).toBeLessThan(2)
  expect(toneSeconds(left, wav.rate, callerTone)).toBeGreaterThan(0.8 * length)
  expect(toneSeconds(right, wav.rate, callerTone)).toBeLessThan(1)
  expect(toneSeconds(right, wav.rate, firstTone)).toBeGreaterThan(1.5)
  expect(toneSeconds(right, wav.rate, secondTone)).toBeGreaterThan(1.5)
  const [notice, greeting] = ['recording_notice', 'greeting'].map((p) => correlate(right.subarray(0, 15 * wav.rate), toTelephone(readWav(prompt(p)))))
  expect(notice.score, 'the notice as it was said').toBeGreaterThan(0.8)
  expect(greeting.score).toBeGreaterThan(0.8)
  expect(greeting.at).toBeGreaterThan(notice.at)
  const talk = (Date.parse(call.answered_at) - begun) / 1000
  const behind = firstToneAt(right, wav.rate, firstTone) - talk
  expect(behind, `the first agent, who answered at ${talk.toFixed(1)} s`).toBeGreaterThan(-0.3)
  expect(behind, 'the agent’s number is said before').toBeLessThan(8)
  expect(keysIn(left, wav.rate), 'the key is silent').toBe('')
  expect(lastTone(right, wav.rate, firstTone), 'one after the other').toBeLessThan(firstToneAt(right, wav.rate, secondTone))
})

test('who listens jumps over menu and music to where the conversation began', async () => {
  const { page } = second
  await page.goto(`/calls/${callId}`)
  const call = await supervisor.get(`/api/calls/${callId}`)
  const begun = Date.parse((await supervisor.items(`/api/calls/${callId}/events`)).find((e) => e.kind === 'recording.started').at)
  const talk = (Date.parse(call.answered_at) - begun) / 1000
  const position = page.getByRole('slider', { name: second.words('player.position') })
  await expect(position).toHaveAttribute('aria-valuetext', new RegExp(second.words('player.phase.before')))
  await expect(position).toContainText(second.words('player.mark.talk'))
  const mark = (await position.locator('.mark.talk').boundingBox())!
  const wave = (await position.boundingBox())!
  const length = Number(await position.getAttribute('aria-valuemax'))
  expect(Math.abs((mark.x - wave.x) / wave.width - talk / length), 'the mark stands where the agent answered').toBeLessThan(0.02)
  await page.screenshot({ path: test.info().outputPath('call.png'), fullPage: true })
  expect(await barriers(second)).toEqual([])

  await page.getByRole('button', { name: second.words('player.play') }).focus()
  for (let n = 0; n < 20 && !(await page.evaluate(() => document.activeElement?.textContent))?.includes(second.words('player.to_talk')); n++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: second.words('player.pause') }), 'it plays').toBeVisible()
  await eventually('past the mark', async () => Number(await position.getAttribute('aria-valuenow')) >= Math.floor(talk))
  expect(Number(await position.getAttribute('aria-valuenow'))).toBeLessThan(talk + 5)
  await expect(position).not.toHaveAttribute('aria-valuetext', new RegExp(second.words('player.phase.before')))
  for (const kind of ['hold', 'transfer']) await expect(page.getByRole('group', { name: second.words('player.marks') })).toContainText(second.words(`player.mark.${kind}`))
  await page.getByRole('button', { name: second.words('player.pause') }).click()
  await page.screenshot({ path: test.info().outputPath('jumped.png') })
})

test('the timeline of the patient has the call, and listening was written down', async () => {
  const [found] = await supervisor.items(`/api/patients?q=${caller.number}`)
  const timeline = await eventually('the call in the timeline', async () => {
    const rows = await supervisor.items(`/api/patients/${found.id}/timeline`)
    return rows.find((r) => r.kind === 'call' && r.source_id === callId)
  })
  expect(timeline.title).toBeTruthy()
  const admin = await hospital.as('admin')
  const call = await supervisor.get(`/api/calls/${callId}`)
  const listened = (await admin.items('/api/admin/audit?action=recording.listen')).filter((e) => e.object_id === call.recording)
  expect(listened.map((e) => e.actor)).toContain(supervisor.user)
  expect(await admin.send('POST', '/api/admin/audit/verify')).toMatchObject({ ok: true })
})

function windowsOf(x: Float32Array, rate: number, hz: number): number[] {
  const n = rate / 10
  const out: number[] = []
  for (let at = 0; at + n <= x.length; at += n) if (toneSeconds(x.subarray(at, at + n), rate, hz) > 0) out.push(at / rate)
  return out
}
const lastTone = (x: Float32Array, rate: number, hz: number) => windowsOf(x, rate, hz).at(-1) ?? Infinity
const firstToneAt = (x: Float32Array, rate: number, hz: number) => windowsOf(x, rate, hz)[0] ?? -1
