// What goes wrong on an ordinary day: windows reload, networks break, people
// hang up at any moment, two hands reach for one call.
import { Agent } from '../support/agent.js'
import { Baresip } from '../support/baresip.js'
import { Cable } from '../support/net.js'
import { Hospital, prompt, type Person } from '../support/hospital.js'
import type { Session } from '../support/session.js'
import { correlate, readWav, toTelephone } from '../support/sound.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const callerTone = 500
const firstTone = 850
const secondTone = 1250
const operators = '02786960000' // straight into the queue

let hospital: Hospital
let caller: Person
let phone: Baresip
let first: Agent
let second: Agent
let supervisor: Session
let cable: Cable // of the first agent

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  caller = await hospital.person('vip')
  cable = await Cable.to(hospital.httpPort)
  ;[phone, first, second, supervisor] = await Promise.all([
    Baresip.outside(hospital, caller.number, callerTone),
    Agent.seated(hospital, 'agent1', firstTone, { url: cable.url }),
    Agent.seated(hospital, 'agent2', secondTone),
    hospital.as('supervisor'),
  ])
})

test.afterAll(async () => {
  await Promise.all([first?.close(), second?.close(), phone?.close(), cable?.pull()])
  await hospital?.close()
})

/** The record of the newest call, once it says that it ended. */
function newest(id = '') {
  return eventually('the record of the ended call', async () => {
    const [c] = await supervisor.items('/api/calls?limit=1')
    return c.outcome && c.id !== id && c
  })
}

async function nothingLive() {
  await eventually('no call left', async () => (await supervisor.items('/api/live-calls')).length === 0)
}

test('a caller who hangs up in the menu, in the queue and while it rings leaves the truth behind', async () => {
  phone.dial('96166')
  await phone.event('CALL_ESTABLISHED')
  await eventually('the menu speaks', () => phone.heard().length > 16_000)
  phone.hangup()
  const menu = await newest()
  expect(menu).toMatchObject({ outcome: 'ivr', ended_by: 'caller' })
  const listened = await eventually('what the menu said', () => supervisor.bytes(`/api/recordings/${menu.recording}/audio`))
  expect(readWav(listened).channels[1].length).toBeGreaterThan(12_000)

  phone.dial(operators) // nobody is ready
  await phone.event('CALL_ESTABLISHED')
  await eventually('waiting', async () => (await supervisor.items('/api/live-calls'))[0]?.stage === 'queued')
  phone.hangup()
  const queued = await newest(menu.id)
  expect(queued.outcome).toMatch(/abandoned/)
  expect(queued.ended_by).toBe('caller')

  await first.goReady()
  phone.dial(operators)
  await first.rings()
  phone.hangup()
  await first.deskIsClean()
  await first.inState('ready')
  const rung = await newest(queued.id)
  expect(rung.outcome).toMatch(/abandoned/)
  expect(rung.agents).toHaveLength(0)
  await nothingLive()
})

test('a caller who hangs up in mid-talk, and an agent who does', async () => {
  phone.dial(operators)
  await first.rings()
  await first.answer()
  await phone.hearsTone(firstTone)
  phone.hangup()
  await first.inState('wrap_up')
  const one = await newest()
  expect(one).toMatchObject({ outcome: 'answered', ended_by: 'caller' })
  await first.goReady()

  phone.dial(operators)
  await first.rings()
  await first.answer()
  await phone.hearsTone(firstTone)
  await first.page.keyboard.press('Shift+X')
  await phone.event('CALL_CLOSED')
  expect(await newest(one.id)).toMatchObject({ outcome: 'answered', ended_by: 'agent' })
  await nothingLive()
})

test('after a reload in mid-call the voices come back by themselves', async () => {
  await first.inState('wrap_up')
  await first.goReady()
  phone.dial(operators)
  await first.rings()
  await first.answer()
  await phone.hearsTone(firstTone)
  const before = phone.heard().length
  await first.page.reload()
  await expect(first.call).toContainText(first.words('callstate.talking'))
  await phone.hearsTone(firstTone, 20_000)
  await first.hearsTone(callerTone)
  const [live] = await supervisor.items('/api/live-calls')
  expect(live.stage).toBe('talking')
  const kinds = (await supervisor.items(`/api/calls/${live.id}/events`)).map((e) => e.kind)
  expect(kinds).toEqual(expect.arrayContaining(['call.parked', 'call.unparked']))
  expect(phone.heard().length, 'the line stayed open').toBeGreaterThan(before)
})

test('a network cut that leaves the sound alone harms nobody', async () => {
  await cable.pull()
  const chip = first.page.getByText(first.words('live.reconnecting'))
  await expect(chip).toBeVisible()
  const at = phone.heard().length
  await eventually('two seconds without the network', () => phone.heard().length > at + 16_000)
  await phone.hearsTone(firstTone)
  await first.hearsTone(callerTone)
  await cable.plug()
  await expect(chip).toBeHidden()
  await first.page.keyboard.press('h')
  await expect(first.call).toContainText(first.words('callstate.held'))
  await first.page.keyboard.press('h')
  await phone.hearsTone(firstTone)
})

test('when the agent’s browser dies the caller is comforted, keeps the place, and another agent gets the call', async () => {
  const at = phone.heard().length
  const lost = Date.now()
  await first.crash()
  const comfort = toTelephone(readWav(prompt('comfort_resume')))
  await eventually('the comforting words', () => correlate(phone.heard().subarray(at), comfort).score > 0.7, 20_000)
  await eventually('parked', async () => (await supervisor.items('/api/live-calls'))[0]?.stage === 'parked')
  await second.goReady()
  await second.rings(45_000)
  const waited = (Date.now() - lost) / 1000
  expect(waited, 'the agent had half a minute to come back').toBeGreaterThan(25)
  await expect(second.record).toHaveText(caller.name)
  await second.answer()
  await second.hearsTone(callerTone)
  await phone.hearsTone(secondTone)
  phone.hangup()
  await second.inState('wrap_up')
  const call = await newest()
  expect(call.agents.map((a: { name: string }) => a.name)).toEqual(['agent1', 'agent2'].map((a) => hospital.login(a).name))
})

test('of two agents who reach for one call one gets it, and the desk of the other is clean', async () => {
  await second.goReady()
  first = await Agent.ready(hospital, 'agent1', firstTone)
  phone.dial(operators)
  const rung = await Promise.race([first.rings().then(() => first), second.rings().then(() => second)])
  const other = rung === first ? second : first
  // The other one knows the id and asks at the same moment as the one it rings for.
  const [{ id }] = await supervisor.items('/api/live-calls')
  const steal = (a: Agent) => a.page.evaluate((call) => fetch(`/api/desk/calls/${call}/answer`, { method: 'POST', headers: { 'x-heartline': '1' } }).then((r) => r.status), id)
  const [mine, theirs, again] = await Promise.all([steal(rung), steal(other), steal(rung)])
  expect(theirs).toBeGreaterThanOrEqual(400)
  expect([mine, again].filter((s) => s < 300), `${mine} ${again}`).not.toHaveLength(0)
  await expect(rung.call).toContainText(rung.words('callstate.talking'))
  await rung.hearsTone(callerTone)
  await other.deskIsClean()
  await other.inState('ready')
  expect((await supervisor.items('/api/live-calls'))[0].agents).toHaveLength(1)
  phone.hangup()
  await rung.inState('wrap_up')
})
