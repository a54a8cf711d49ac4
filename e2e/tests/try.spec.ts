// The caller's telephone in the browser, in the size of a real one.
import { Agent } from '../support/agent.js'
import { Sitter } from '../support/browser.js'
import { Hospital, type Person } from '../support/hospital.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const callerTone = 600
const agentTone = 900

let hospital: Hospital
let person: Person
let agent: Agent
let visitor: Sitter

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  person = await hospital.person('known')
  ;[agent, visitor] = await Promise.all([
    Agent.ready(hospital, 'agent1', agentTone),
    Sitter.open(hospital, { tone: callerTone, size: { width: 390, height: 844 } }),
  ])
})

test.afterAll(async () => {
  await Promise.all([agent?.close(), visitor?.close()])
  await hospital?.close()
})

test('a visitor calls the hotline from a page, presses 1 and 3 and talks with an agent', async () => {
  const { page } = visitor
  await page.goto('/try')
  await page.locator('#who').selectOption(person.number)
  await page.getByRole('button', { name: visitor.words('dial.call'), exact: true }).click()
  await expect(page.getByText(visitor.words('try.state.answered'))).toBeVisible()
  await eventually('the greeting in the ear', async () => (await visitor.hears()) > 0)
  const supervisor = await hospital.as('supervisor')
  await eventually('the notice and the greeting, which nobody may skip', async () => {
    const [{ id }] = await supervisor.items('/api/live-calls')
    return (await supervisor.items(`/api/calls/${id}/events`)).some((e) => e.kind === 'ivr.node' && e.data.node === 'menu')
  }, 25_000)
  await page.getByRole('button', { name: '1', exact: true }).click()
  await page.getByRole('button', { name: '3', exact: true }).click()
  await agent.rings()
  await expect(agent.record).toHaveText(person.name)
  await agent.answer()
  await agent.hearsTone(callerTone)
  await visitor.hearsTone(agentTone)
})

test('the page fits the telephone, and hanging up ends the call on both sides', async () => {
  const { page } = visitor
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  expect(width, 'no sideways scrolling').toBeLessThanOrEqual(390)
  const hang = page.getByRole('button', { name: visitor.words('desk.hangup'), exact: true })
  const box = (await hang.boundingBox())!
  expect(box.y + box.height, 'the red button is on the screen').toBeLessThanOrEqual(844)
  await hang.click()
  await expect(page.getByRole('button', { name: visitor.words('dial.call'), exact: true })).toBeVisible()
  await agent.inState('wrap_up')
  const supervisor = await hospital.as('supervisor')
  const call = await eventually('the record', async () => {
    const [c] = await supervisor.items('/api/calls?limit=1')
    return c.outcome && c
  })
  expect(call).toMatchObject({ outcome: 'answered', ended_by: 'caller', channel: 'browser' })
})

test('an unknown caller gets the form for somebody new', async () => {
  const { page } = visitor
  const stranger = await hospital.person('unknown')
  await agent.goReady()
  await page.locator('#who').selectOption(stranger.number)
  for (const digit of '02786960000') await page.keyboard.press(digit)
  await page.getByRole('button', { name: visitor.words('dial.call'), exact: true }).click()
  await agent.rings()
  await expect(agent.ringing).toContainText(agent.words('ring.new'))
  await expect(agent.page.getByText(agent.words('quick.title'))).toBeVisible()
  await agent.page.keyboard.press('Shift+R')
  await agent.deskIsClean()
  await page.getByRole('button', { name: visitor.words('desk.hangup'), exact: true }).click()
})

test('an agent calls a colleague: one sees a call going out, the other who calls, and both hear', async () => {
  const colleague = await Agent.ready(hospital, 'agent2', 1200)
  try {
    await agent.goReady()
    const name = async (who: string) => (await (await hospital.as(who)).get('/api/desk')).agent.name as string
    const [mine, theirs] = await Promise.all([name('agent1'), name('agent2')])
    await colleague.page.keyboard.press('d')
    await colleague.page.keyboard.type('8001')
    await colleague.page.keyboard.press('Enter')
    await expect(colleague.call).toContainText(colleague.words('callstate.dialing'))
    await expect(colleague.call).toContainText(mine)
    await expect(colleague.ringing, 'nothing rings at who dials').toHaveCount(0)
    await agent.rings()
    await expect(agent.ringing).toContainText(theirs)
    await expect(agent.ringing).toContainText(agent.words('ring.colleague'))
    await expect(agent.page.getByText(agent.words('quick.title')), 'no form for a new customer').toHaveCount(0)
    await agent.answer()
    await Promise.all([agent.hearsTone(1200), colleague.hearsTone(agentTone)])
    await expect(agent.call).toContainText('8002')
    await colleague.page.keyboard.press('Shift+X')
    await agent.deskIsClean()
    await colleague.deskIsClean()
  } finally {
    await colleague.close()
  }
})
