// Photographs of every page, with a call in every state at the desk.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { Agent } from '../support/agent.js'
import { Baresip } from '../support/baresip.js'
import { Sitter } from '../support/browser.js'
import { Kiosk, visitor } from '../support/kiosk.js'
import { Hospital, prompt, root } from '../support/hospital.js'
import { pages } from '../support/pages.js'
import { readWav, toTelephone, wav } from '../support/sound.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

const folder = path.join(root, 'docs/screenshots')
const small = { width: 390, height: 844 }

let hospital: Hospital

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  hospital = await Hospital.open()
})

test.afterAll(async () => {
  await hospital?.close()
})

/** Somebody who speaks in sentences, with silence between them. */
function speech(offset: number, ...prompts: string[]): Buffer {
  const parts: Float32Array[] = [new Float32Array(offset * 8000)]
  for (let round = 0; round < 8; round++) for (const p of prompts) parts.push(toTelephone(readWav(prompt(p))), new Float32Array(9600))
  const all = new Float32Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    all.set(p, at)
    at += p.length
  }
  return wav(all, 8000)
}

async function shoot(s: Sitter, name: string) {
  await s.page.mouse.move(0, 0)
  await s.page.screenshot({ path: path.join(folder, `${name}.png`), animations: 'disabled' })
}

test('the desk while it rings, talks and wraps up, and the wallboard beside it', async () => {
  const caller = await hospital.person('vip')
  const [agent, boss, phone, waiting] = await Promise.all([
    Agent.ready(hospital, 'agent1', 0, { voice: speech(0, 'enter_phone', 'booking_confirmed') }),
    Sitter.open(hospital),
    Baresip.outside(hospital, caller.number, 0, speech(1, 'please_wait_query', 'extension_advice')),
    Baresip.outside(hospital, (await hospital.person('shared')).number, 600),
  ])
  try {
    await boss.as('supervisor')
    phone.dial('96166')
    await eventually('the menu', () => phone.heard().length > 8 * 8000, 20_000)
    phone.press('1')
    await agent.rings()
    await expect(agent.record).toHaveText(caller.name)
    await agent.settled()
    await shoot(agent, 'desk-ringing')
    await agent.answer()
    waiting.dial('02786960000')
    await eventually('some talk', () => phone.heard().length > 24 * 8000, 30_000)
    await agent.settled()
    await shoot(agent, 'desk-talking')
    await boss.visit('/wallboard')
    await expect(boss.page.getByRole('row').filter({ hasText: caller.name })).toBeVisible()
    await shoot(boss, 'wallboard')
    waiting.hangup()
    phone.hangup()
    await agent.inState('wrap_up')
    await agent.page.locator('textarea[id^=notes-]').fill('约周三上午心血管内科林致远主任，已提醒带医保卡。')
    await agent.page.getByRole('button', { name: '预约成功', exact: true }).click()
    await shoot(agent, 'desk-wrap-up')
    await agent.button('wrap.finish').click()
    await agent.inState('ready')
    await agent.page.keyboard.press('Shift+?')
    await expect(agent.page.getByRole('dialog', { name: agent.words('keys.title') })).toBeVisible()
    await shoot(agent, 'desk-keys')
  } finally {
    await Promise.all([agent.close(), boss.close(), phone.close(), waiting.close()])
  }
})

test('every page', async () => {
  const list = await pages(hospital)
  const s = await Sitter.open(hospital)
  try {
    for (const { name, path, who } of list) {
      if (name === 'wallboard' || name === 'missing') continue
      await s.as(who)
      await s.visit(path)
      await shoot(s, name)
    }
  } finally {
    await s.close()
  }
})

test('some pages in English', async () => {
  const list = await pages(hospital)
  const s = await Sitter.open(hospital, { locale: 'en' })
  try {
    for (const { name, path, who } of list.filter((p) => ['call', 'customer', 'reports', 'admin-flow'].includes(p.name))) {
      await s.as(who)
      await s.visit(path)
      await shoot(s, `${name}-en`)
    }
  } finally {
    await s.close()
  }
})

test('the pages for a telephone’s screen', async () => {
  const s = await Sitter.open(hospital, { size: small })
  try {
    for (const [name, path] of [['try-mobile', '/try'], ['sign-in-mobile', '/sign-in']]) {
      await s.visit(path)
      await shoot(s, name)
    }
  } finally {
    await s.close()
  }
})

test('the kiosk, from the home screen to the slip', async () => {
  const who = await visitor(hospital)
  for (const locale of ['zh-CN', 'en'] as const) {
    const k = await Kiosk.open(hospital, who.token, locale)
    const name = (n: string): string => (locale === 'en' ? `kiosk-${n}-en` : `kiosk-${n}`)
    try {
      await shoot(k.sitter, name('home'))
      await k.tile('home.check_in').click()
      await k.press(who.code.slice(0, 6))
      await shoot(k.sitter, name('identify'))
      await k.press(who.code.slice(6))
      await k.confirm()
      await expect(k.heading('visits.title')).toBeVisible()
      if (locale === 'zh-CN') {
        await shoot(k.sitter, name('visits'))
        await k.button('visits.check_in').click()
      } else await k.page.getByRole('button', { name: k.say('visits.slip') }).first().click()
      await expect(k.page.locator('.steps li').first()).toBeVisible()
      await shoot(k.sitter, name('slip'))
      await k.leave()
      await k.withAccount(who.number, who.pin)
      await shoot(k.sitter, name('menu'))
      await k.tile('home.book').click()
      await k.page.locator('.tile').first().click()
      await expect(k.page.locator('.day').first()).toBeVisible()
      await shoot(k.sitter, name('book'))
      await k.button('back').click()
      await k.tile('menu.card').click()
      await expect(k.page.getByTestId('balance')).toBeVisible()
      await shoot(k.sitter, name('card'))
      await k.button('back').click()
      await k.tile('home.guide').click()
      await k.page.locator('.tile').nth(3).click()
      await expect(k.page.locator('.house')).toBeVisible()
      await shoot(k.sitter, name('guide'))
    } finally {
      await k.close()
    }
  }
})
