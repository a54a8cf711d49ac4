// The self-service machine in the hall, at its own size, in both languages.
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { barriers } from '../support/axe.js'
import { Sitter } from '../support/browser.js'
import { Hospital } from '../support/hospital.js'
import { Kiosk, visitor } from '../support/kiosk.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

let hospital: Hospital

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
})

test.afterAll(async () => {
  await hospital?.close()
})

/** What is wrong with a screen for those who use it. */
async function faults(k: Kiosk, where: string): Promise<string[]> {
  const wide = await k.page.evaluate(() => document.documentElement.scrollWidth)
  const small = await k.page.locator('button:visible').evaluateAll((all) => all.map((b) => [b.textContent, b.getBoundingClientRect()] as const).filter(([, r]) => r.height < 60 || r.width < 60).map(([t]) => t))
  const raw = k.sitter.rawKeys(await k.page.locator('body').innerText())
  return [...(await barriers(k.sitter)), ...(wide > 1080 ? [`${wide} px wide`] : []), ...small.map((t) => `small: ${t}`), ...raw.map((r) => `no words for ${r}`)].map((f) => `${where}: ${f}`)
}

for (const locale of ['zh-CN', 'en'] as const) {
  test(`somebody checks in by code, gets a number and a slip, and finds the way (${locale})`, async () => {
    const who = await visitor(hospital)
    expect(who.code).toMatch(/^\d{8}$/)
    const k = await Kiosk.open(hospital, who.token, locale)
    try {
      const wrong = await faults(k, 'home')
      await k.tile('home.check_in').click()
      await k.press('00000000')
      await k.confirm()
      await expect(k.page.getByRole('alert')).toHaveText(k.say('error.kiosk.not_found'))
      wrong.push(...(await faults(k, 'identify')))
      await k.press(who.code)
      await k.confirm()
      await expect(k.heading('visits.title')).toBeVisible()
      wrong.push(...(await faults(k, 'visits')))
      await k.button('visits.check_in').click()
      await expect(k.heading('slip.checked_in')).toBeVisible()
      await expect(k.page.getByTestId('queue')).toHaveText(/^\d{3}$/)
      const number = await k.page.getByTestId('queue').innerText()
      await expect(k.page.locator('.steps li')).not.toHaveCount(0)
      wrong.push(...(await faults(k, 'slip')))

      const [visit] = ((await (await k.page.request.get('/api/kiosk/appointments')).json()) as { items: { id: string; code: string; queue_number: number }[] }).items.filter((v) => v.code === who.code)
      expect(String(visit.queue_number).padStart(3, '0')).toBe(number)
      const pdf = await (await k.page.request.get(`/api/kiosk/slips/${visit.id}/slip.pdf?lang=${locale}`)).body()
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
      const strip = new TextDecoder('gb18030').decode(await (await k.page.request.get(`/api/kiosk/slips/${visit.id}/slip.escpos?lang=${locale}`)).body())
      for (const text of [number, who.code, `${who.name[0]}*`]) expect(strip).toContain(text)
      expect(strip).not.toContain(who.name)

      await k.button('back').click()
      await expect(k.page.getByRole('heading', { level: 1 })).toContainText(`${who.name[0]}*`)
      wrong.push(...(await faults(k, 'menu')))
      await k.tile('home.guide').click()
      await k.page.locator('.tile').nth(3).click()
      await expect(k.page.locator('.floor.goal')).toHaveCount(1)
      await expect(k.page.locator('.floor.here')).toContainText(k.say('guide.you'))
      wrong.push(...(await faults(k, 'guide')))
      expect(wrong).toEqual([])
    } finally {
      await k.close()
    }
  })

  test(`somebody identifies by document, books a visit and pays by card with the PIN (${locale})`, async () => {
    const who = await visitor(hospital)
    const k = await Kiosk.open(hospital, who.token, locale)
    try {
      await k.tile('home.book').click()
      await k.press(who.id_number)
      await expect(k.page.locator('output')).not.toContainText(who.id_number.slice(6, 14)) // nobody reads a birth date over a shoulder
      await k.confirm()
      await expect(k.heading('book.title')).toBeVisible()
      const wrong = await faults(k, 'departments')
      await k.page.locator('.tile').nth(locale === 'en' ? 4 : 0).click()
      await expect(k.page.locator('.day').first()).toBeVisible()
      wrong.push(...(await faults(k, 'clinics')))
      await k.page.locator('.day .tile').last().click()
      await expect(k.heading('book.confirm')).toBeVisible()
      await k.page.getByRole('button', { name: new RegExp(k.say('book.by_card', { money: '.*' })) }).click()
      await k.press('000001')
      await k.confirm()
      await expect(k.page.getByRole('alert')).toHaveText(k.say('error.kiosk.pin_wrong'))
      wrong.push(...(await faults(k, 'pin')))
      await k.press(who.pin)
      await k.confirm()
      await expect(k.heading('slip.booked')).toBeVisible()
      await expect(k.page.locator('.paper').first()).toContainText(k.say('paid'))
      await k.button('back').click()
      await k.tile('menu.card').click()
      await expect(k.page.getByTestId('balance')).toHaveText(/^¥\d+\.\d\d$/) // proved by the PIN of the payment
      await expect(k.page.locator('.list li').first()).toContainText(k.say('kind.hold'))
      wrong.push(...(await faults(k, 'card')))
      expect(wrong).toEqual([])
    } finally {
      await k.close()
    }
  })
}

test('a scanner begins at home, and an account opens with its PIN', async () => {
  const who = await visitor(hospital)
  const k = await Kiosk.open(hospital, who.token)
  try {
    await k.page.keyboard.type(who.code)
    await k.page.keyboard.press('Enter')
    await expect(k.heading('visits.title')).toBeVisible()
    await k.button('back').click()
    await k.tile('menu.card').click()
    await expect(k.page.getByTestId('balance')).toHaveCount(0) // a code shows no money
    await k.leave()
    await k.withAccount(who.number, who.pin)
    await k.tile('menu.card').click()
    await expect(k.page.getByTestId('balance')).toBeVisible()
  } finally {
    await k.close()
  }
})

test('guessing PINs pauses the account, and the right one must wait too', async () => {
  const who = await visitor(hospital)
  const k = await Kiosk.open(hospital, who.token)
  try {
    await k.tile('home.account').click()
    await k.press('13971000004')
    await k.confirm()
    for (let n = 0; n < 5; n++) {
      await k.press('111222')
      await k.confirm()
      await expect(k.page.getByRole('alert')).toHaveText(k.say('error.kiosk.account_wrong'))
    }
    await k.press(who.pin)
    await k.confirm()
    await expect(k.page.getByRole('alert')).toContainText(k.say('error.kiosk.paused').split('{')[0])
    await expect(k.page.locator('.identify')).toBeVisible()
  } finally {
    await k.close()
  }
})

test('time runs out: a warning, then home, and nobody is remembered here or at the server', async () => {
  const who = await visitor(hospital)
  const k = await Kiosk.open(hospital, who.token, 'en')
  try {
    await k.withAccount(who.number, who.pin)
    await expect(k.heading('menu.hello', { name: `${who.name[0]}${'*'.repeat(who.name.length - 1)}` })).toBeVisible()
    await k.page.clock.fastForward(45_000)
    const warning = k.page.getByRole('alertdialog')
    await expect(warning).toBeVisible()
    expect(await barriers(k.sitter)).toEqual([])
    await k.button('go_on').click()
    await expect(warning).toBeHidden()
    await expect(k.page.locator('.bottom .left')).toContainText(/5[0-9]/)
    await k.page.clock.fastForward(58_000)
    await expect(k.page.getByRole('status')).toBeVisible()
    await expect(k.page.locator('html')).toHaveAttribute('lang', 'zh-CN') // the next person starts anew
    expect(await k.page.locator('main').innerText()).not.toContain(`${who.name[0]}*`)
    await eventually('the server forgets', async () => (await k.page.request.get('/api/kiosk/appointments')).status() === 409)
  } finally {
    await k.close()
  }
})

test('a machine without its server says so, and comes back by itself', async () => {
  const who = await visitor(hospital)
  const k = await Kiosk.open(hospital, who.token)
  try {
    await k.page.context().setOffline(true)
    await k.page.clock.fastForward(31_000)
    await expect(k.page.getByText(k.say('offline.title'))).toBeVisible()
    await k.page.context().setOffline(false)
    await k.page.clock.fastForward(31_000)
    await expect(k.page.getByText(k.say('offline.title'))).toBeHidden()
    await expect(k.heading('home.welcome')).toBeVisible()
  } finally {
    await k.close()
  }
})

test('staff set a machine up: the token is shown once, slips go to its printer, a new token signs it out', async () => {
  const strips: Buffer[] = []
  const printer: Server = createServer((socket) => socket.on('data', (d: Buffer) => strips.push(d)))
  await new Promise<void>((up) => printer.listen(0, '127.0.0.1', up))
  const boss = await Sitter.open(hospital)
  let k: Kiosk | undefined
  try {
    await boss.as('admin')
    await boss.visit('/admin/kiosks')
    await expect(boss.page.getByRole('row').filter({ hasText: '门诊大厅 1 号机' })).toBeVisible()
    await boss.page.getByRole('button', { name: boss.words('common.add') }).click()
    const drawer = boss.page.getByRole('dialog')
    await drawer.getByLabel(boss.words('field.name')).fill('急诊 2 号机')
    await drawer.getByLabel(boss.words('field.kiosks.place')).fill('急诊楼 1 层')
    await drawer.getByLabel(boss.words('field.kiosks.printer')).fill('not an address')
    await drawer.getByRole('button', { name: boss.words('common.save') }).click()
    await expect(drawer).toContainText(boss.words('error.kiosk.printer_invalid'))
    await drawer.getByLabel(boss.words('field.kiosks.printer')).fill(`127.0.0.1:${(printer.address() as AddressInfo).port}`)
    await drawer.getByRole('button', { name: boss.words('common.save') }).click()
    const token = await boss.page.getByTestId('kiosk-token').innerText()
    expect(token.length).toBeGreaterThan(20)
    expect(await barriers(boss)).toEqual([])
    await boss.page.getByRole('button', { name: boss.words('kiosks.done') }).click()
    await expect(boss.page.locator('body')).not.toContainText(token)

    const who = await visitor(hospital)
    k = await Kiosk.open(hospital, token)
    await k.withCode(who.code)
    await k.button('visits.check_in').click()
    await expect(k.page.getByRole('status')).toHaveText(k.say('slip.printed'))
    const number = await k.page.getByTestId('queue').innerText()
    await eventually('the strip', async () => Buffer.concat(strips).includes(Buffer.from([0x1d, 0x56, 66])))
    const strip = new TextDecoder('gb18030').decode(Buffer.concat(strips))
    for (const text of [number, who.code, '急诊']) expect(strip).toContain(text)
    await k.leave()

    await boss.visit('/admin/kiosks')
    const row = boss.page.getByRole('row').filter({ hasText: '急诊 2 号机' })
    await expect(row).toContainText(boss.words('kiosks.online'))
    await row.getByRole('button', { name: boss.words('kiosks.token_x').replace('{x}', '急诊 2 号机') }).click()
    await boss.page.locator('.el-popconfirm:visible').getByRole('button').last().click()
    await expect(boss.page.getByTestId('kiosk-token')).not.toHaveText(token)
    await boss.page.getByRole('button', { name: boss.words('kiosks.done') }).click()
    await k.page.clock.fastForward(31_000)
    await expect(k.heading('setup.title')).toBeVisible()
    const old = await k.page.request.post('/api/kiosk/session', { data: { kiosk_token: token }, headers: { 'x-heartline': '1' } })
    expect(old.status()).toBe(401)

    await row.getByRole('button', { name: boss.words('kiosks.disable_x').replace('{x}', '急诊 2 号机') }).click()
    await boss.page.locator('.el-popconfirm:visible').getByRole('button').last().click()
    await expect(row).toContainText(boss.words('kiosks.off'))
  } finally {
    await Promise.all([boss.close(), k?.close()])
    printer.close()
  }
})
