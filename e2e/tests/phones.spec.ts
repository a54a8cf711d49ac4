// Telephones on the desk: registration, extensions, a seat at a desk phone,
// and a supervisor who listens, whispers and barges in.
import { Agent } from '../support/agent.js'
import { Baresip } from '../support/baresip.js'
import { Sitter } from '../support/browser.js'
import { Hospital, type Person } from '../support/hospital.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const callerTone = 500
const agentTone = 850
const supervisorTone = 1250
const secret = (extension: string) => `extension-demo-${extension}`

let hospital: Hospital
let caller: Person
let desk: Baresip // 8001, of agent1
let other: Baresip // 8002
let phone: Baresip // outside
let agent: Agent
let boss: Sitter

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  caller = await hospital.person('vip')
  ;[desk, other, phone, agent, boss] = await Promise.all([
    Baresip.start(hospital, { user: '8001', password: secret('8001'), tone: agentTone }),
    Baresip.start(hospital, { user: '8002', password: secret('8002'), tone: 700 }),
    Baresip.outside(hospital, caller.number, callerTone),
    Agent.at(hospital, 'agent1'),
    Sitter.open(hospital, { tone: supervisorTone }),
  ])
  await boss.signIn('supervisor')
})

test.afterAll(async () => {
  await Promise.all([agent?.close(), boss?.close(), desk?.close(), other?.close(), phone?.close()])
  await hospital?.close()
})

test('a desk phone registers and calls another extension', async () => {
  await Promise.all([desk.registered(), other.registered()])
  desk.dial('8002')
  await other.event('CALL_INCOMING')
  other.accept()
  await Promise.all([desk.hearsTone(700), other.hearsTone(agentTone)])
  desk.hangup()
  await other.event('CALL_CLOSED')
  const supervisor = await hospital.as('supervisor')
  const call = await eventually('the record', async () => (await supervisor.items('/api/calls?limit=1&direction=internal')).find((c) => c.outcome))
  expect(call).toMatchObject({ direction: 'internal', outcome: 'answered' })
})

test('a wrong password is refused, and so is a call without one', async () => {
  const liar = await Baresip.start(hospital, { user: '8003', password: 'guessed' })
  try {
    await liar.registered('ERR')
    liar.dial('8002')
    await liar.event('CALL_CLOSED')
    expect(liar.has('CALL_ESTABLISHED')).toBe(false)
  } finally {
    await liar.close()
  }
  const stranger = await Baresip.start(hospital, { user: '13800000000' })
  try {
    stranger.dial('96166')
    const closed = await stranger.event('CALL_CLOSED')
    expect(closed.param).toMatch(/40[137]/)
  } finally {
    await stranger.close()
  }
})

test('an agent sits at a desk phone: the record on the screen, the voice on the phone', async () => {
  desk.forget()
  await agent.takePhoneSeat('8001')
  await agent.goReady()
  phone.dial('02786960000')
  await agent.rings()
  await expect(agent.ringing).toContainText(agent.words('ring.lift'))
  await expect(agent.record).toHaveText(caller.name)
  expect(desk.has('CALL_ESTABLISHED')).toBe(false)
  await desk.event('CALL_INCOMING')
  desk.accept()
  await expect(agent.call).toContainText(agent.words('callstate.talking'))
  await Promise.all([phone.hearsTone(agentTone), desk.hearsTone(callerTone)])
})

test('a supervisor listens, whispers and barges in', async () => {
  await boss.page.goto('/wallboard')
  const row = boss.page.getByRole('row').filter({ hasText: caller.name })
  const step = (mode: string) => row.getByRole('button', { name: boss.words(`mode.${mode}`), exact: true }).click()

  await step('listen')
  await eventually('both voices at the supervisor', async () => (await boss.hasTone(callerTone)) && (await boss.hasTone(agentTone)))
  expect(phone.hasTone(supervisorTone), 'listening is silent for the caller').toBe(false)
  expect(desk.hasTone(supervisorTone), 'and for the agent').toBe(false)

  await step('whisper')
  await eventually('the whisper at the agent', () => desk.hasTone(supervisorTone) && desk.hasTone(callerTone))
  expect(phone.hasTone(supervisorTone), 'the caller hears no whisper').toBe(false)

  await step('barge')
  await eventually('all three together', () => phone.hasTone(supervisorTone) && phone.hasTone(agentTone) && desk.hasTone(supervisorTone))

  await boss.page.getByRole('button', { name: boss.words('wall.leave'), exact: true }).click()
  await eventually('the supervisor is gone', () => !phone.hasTone(supervisorTone) && phone.hasTone(agentTone))
  phone.hangup()
  await desk.event('CALL_CLOSED')
  await agent.inState('wrap_up')
  const supervisor = await hospital.as('supervisor')
  const [call] = await supervisor.items('/api/calls?limit=1')
  const modes = (await supervisor.items(`/api/calls/${call.id}/events`)).filter((e) => e.kind === 'monitor.started').map((e) => e.data.mode)
  expect(modes).toEqual(['listen', 'whisper', 'barge'])
})
