// A power cut in mid-call, and a stop in good order.
import { Agent } from '../support/agent.js'
import { Baresip } from '../support/baresip.js'
import { Hospital, prompt, type Person } from '../support/hospital.js'
import { correlate, readWav, toneSeconds, toTelephone } from '../support/sound.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const callerTone = 500
const agentTone = 850
const operators = '02786960000'

let hospital: Hospital
let caller: Person
let phone: Baresip
let agent: Agent
let finished = '' // a call that was wrapped up before the power cut
let cut = '' // the call that was up when it came
let inMenu = '' // and one that was in the menu

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  caller = await hospital.person('vip')
  ;[phone, agent] = await Promise.all([Baresip.outside(hospital, caller.number, callerTone), Agent.ready(hospital, 'agent1', agentTone)])
})

test.afterAll(async () => {
  await Promise.all([agent?.close(), phone?.close()])
  await hospital?.close()
})

async function talk(): Promise<string> {
  phone.dial(operators)
  await agent.rings()
  await agent.answer()
  await phone.hearsTone(agentTone)
  const supervisor = await hospital.as('supervisor')
  return (await supervisor.items('/api/live-calls'))[0].id
}

test('a call is wrapped up, and a second one is up when the power fails', async () => {
  finished = await talk()
  phone.hangup()
  await agent.inState('wrap_up')
  await agent.wrapUp('承诺回电', '断电之前写下的')
  await agent.inState('ready')

  cut = await talk()
  const second = await Baresip.outside(hospital, '13900001234', 600)
  try {
    second.dial('96166')
    await second.event('CALL_ESTABLISHED')
    inMenu = (await (await hospital.as('supervisor')).items('/api/live-calls')).find((c) => c.id !== cut).id
    await eventually('some seconds of menu', () => second.heard().length > 4 * 8000)
    await eventually('some seconds of talk', () => toneSeconds(phone.heard(), 8000, agentTone) > 4)
    hospital.signal('SIGKILL')
    await hospital.ended()
  } finally {
    await second.close()
  }
  await agent.close()
})

test('after the restart the call is closed truthfully and what was spoken can be played', async () => {
  await hospital.start()
  const supervisor = await hospital.as('supervisor')
  const call = await supervisor.get(`/api/calls/${cut}`)
  expect(call).toMatchObject({ live: false, ended_by: 'restart', outcome: 'answered' })
  expect(call.talk_ms, 'not longer than it was').toBeLessThan(60_000)
  expect(call.talk_ms).toBeGreaterThan(2000)
  expect(call.recording).toBeTruthy()
  expect(await supervisor.get(`/api/recordings/${call.recording}`)).toMatchObject({ state: 'ready', truncated: true })
  const [left, right] = readWav(await supervisor.bytes(`/api/recordings/${call.recording}/audio`)).channels
  expect(toneSeconds(left, 8000, callerTone)).toBeGreaterThan(2)
  expect(toneSeconds(right, 8000, agentTone)).toBeGreaterThan(2)
  expect(await supervisor.items('/api/live-calls')).toHaveLength(0)
})

test('of the caller who was in the menu the part recorded can be played as well', async () => {
  const supervisor = await hospital.as('supervisor')
  const call = await supervisor.get(`/api/calls/${inMenu}`)
  expect(call).toMatchObject({ live: false, ended_by: 'restart', outcome: 'failed' })
  expect(await supervisor.get(`/api/recordings/${call.recording}`)).toMatchObject({ state: 'ready', truncated: true })
  const [left, right] = readWav(await supervisor.bytes(`/api/recordings/${call.recording}/audio`)).channels
  expect(left.length / 8000).toBeGreaterThan(3)
  expect(toneSeconds(left, 8000, 600)).toBeGreaterThan(2)
  expect(correlate(right, toTelephone(readWav(prompt('recording_notice')))).score).toBeGreaterThan(0.7)
})

test('nothing that was saved is lost', async () => {
  const supervisor = await hospital.as('supervisor')
  expect(await supervisor.get(`/api/calls/${finished}`)).toMatchObject({ disposition: 'callback_promised', notes: '断电之前写下的', ended_by: 'caller' })
  const admin = await hospital.as('admin')
  expect(await admin.send('POST', '/api/admin/audit/verify')).toMatchObject({ ok: true })
})

test('agents and queues work again, and a stop lets the call in progress end', async () => {
  const wall = await (await hospital.as('supervisor')).get('/api/wallboard')
  expect(JSON.stringify(wall)).not.toContain('"state":"talking"')
  agent = await Agent.ready(hospital, 'agent1', agentTone)
  phone.hangup()
  await talk()
  await agent.hearsTone(callerTone)

  const late = await Baresip.outside(hospital, '13900001234', 600)
  try {
    hospital.signal('SIGTERM')
    await eventually('stopping', () => hospital.log.includes('new calls are refused'))
    late.dial(operators)
    const closed = await late.event('CALL_CLOSED')
    expect(closed.param).toContain('503')
    await phone.hearsTone(agentTone)
    await agent.hearsTone(callerTone)
    expect(hospital.exitCode, 'still there for the call').toBeNull()
    phone.hangup()
    await hospital.ended(30_000)
    expect(hospital.exitCode).toBe(0)
  } finally {
    await late.close()
  }
})
