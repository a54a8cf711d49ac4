// Every page in both languages: it opens, nothing breaks, and it can be used
// by everybody.
import { Agent } from '../support/agent.js'
import { barriers } from '../support/axe.js'
import { Sitter } from '../support/browser.js'
import { Hospital } from '../support/hospital.js'
import { pages } from '../support/pages.js'
import { expect, test } from '../support/test.js'

let hospital: Hospital

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
})

test.afterAll(async () => {
  await hospital?.close()
})

for (const locale of ['zh-CN', 'en'] as const) {
  test(`every page opens without an error and without barriers (${locale})`, async () => {
    test.setTimeout(400_000)
    const boss = await Sitter.open(hospital, { locale })
    try {
      const problems: string[] = []
      for (const { path, who } of await pages(hospital)) {
        const began = Date.now()
        boss.troubles.length = 0
        const known = boss.who === who && boss.page.url().startsWith(hospital.url)
        await boss.as(who)
        // Loaded anew in one language, reached from within in the other.
        if (locale === 'zh-CN' || !known) await boss.visit(path)
        else await boss.go(path)
        const text = await boss.page.locator('body').innerText()
        problems.push(...boss.rawKeys(text).map((k) => `${path}: no words for ${k}`))
        problems.push(...boss.troubles.map((t) => `${path}: ${t}`))
        if (locale === 'zh-CN') problems.push(...(await barriers(boss)).map((t) => `${path}: ${t}`)) // the same page in both
        if (process.env.E2E_TIMES) console.log(path, Date.now() - began, problems.length)
      }
      expect(problems).toEqual([])
    } finally {
      await boss.close()
    }
  })
}

test('the language chosen in the menu is the person’s own', async () => {
  for (const who of ['agent1', 'supervisor', 'admin']) {
    const me = await hospital.as(who)
    const { settings } = await me.get('/api/session')
    expect(settings.locale).toBe('en')
    await me.send('PUT', '/api/session/settings', { ...settings, locale: 'zh-CN' })
  }
})

test('a wrong password is told in words, and in the same words for somebody unknown', async () => {
  const s = await Sitter.open(hospital)
  try {
    const said: string[] = []
    for (const login of ['agent1', 'nobody-here']) {
      await s.page.goto('/sign-in')
      await s.page.locator('#login').fill(login)
      await s.page.locator('#password').fill('not the password')
      await s.page.locator('button[type=submit]').click()
      const alert = s.page.getByRole('alert')
      await expect(alert).toBeVisible()
      said.push((await alert.innerText()).trim())
    }
    expect(said[0]).toMatch(/[\u4e00-\u9fff]/)
    expect(said[1]).toBe(said[0])
  } finally {
    await s.close()
  }
})

test('the desk explains its keys with ?, and works without a mouse', async () => {
  const agent = await Agent.ready(hospital, 'agent1', 800)
  try {
    await agent.page.keyboard.press('Shift+?')
    const help = agent.page.getByRole('dialog', { name: agent.words('keys.title') })
    for (const key of ['keys.answer', 'keys.hold', 'keys.transfer', 'keys.hangup', 'keys.find']) await expect(help).toContainText(agent.words(key))
    await agent.page.keyboard.press('Escape')
    await expect(help).toBeHidden()
    await agent.page.keyboard.press('Control+k')
    const finder = agent.page.getByRole('dialog', { name: agent.words('find.title') })
    await expect(finder.locator('input')).toBeFocused()
    await agent.page.keyboard.type('13971000001')
    await expect(finder).toContainText('曾丽华')
  } finally {
    await agent.close()
  }
})

test('calls are exported as CSV', async () => {
  const s = await Sitter.open(hospital)
  try {
    await s.as('supervisor')
    await s.visit('/calls')
    const coming = s.page.waitForEvent('download')
    await s.page.getByRole('button', { name: s.words('common.export') }).click()
    const file = await coming
    expect(file.suggestedFilename()).toMatch(/^calls-.*\.csv$/)
    const chunks: Buffer[] = []
    for await (const c of await file.createReadStream()) chunks.push(c as Buffer)
    const lines = Buffer.concat(chunks).toString('utf8').trim().split('\n')
    expect(lines.length).toBeGreaterThan(20)
    expect(lines[1].split(',').length).toBe(lines[0].split(',').length)
  } finally {
    await s.close()
  }
})
