// Lighthouse on the portal as a telephone sees it. Accessibility, good
// practice and findability have to be right on any machine; speed is printed,
// because it depends on what else the machine does.
import { chromium } from '@playwright/test'
import lighthouse from 'lighthouse'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { executablePath } from '../support/browser.js'
import { Hospital } from '../support/hospital.js'
import { freeTCP } from '../support/net.js'
import { identityOf, newestCode } from '../support/patient.js'
import { expect, test } from '../support/test.js'

const number = '13971000001'
const asserted = ['accessibility', 'best-practices', 'seo'] as const

test('the portal scores 90 and more', async () => {
  test.setTimeout(600_000) // a minute a page where others use the machine too
  const hospital = await Hospital.open()
  const profile = mkdtempSync(path.join(tmpdir(), 'heartline-lighthouse-'))
  const port = await freeTCP()
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath, locale: 'zh-CN', args: ['--no-sandbox', '--disable-gpu', `--remote-debugging-port=${port}`],
  })
  try {
    const { items } = (await (await fetch(`${hospital.url}/api/portal/timetable`)).json()) as { items: { id: string; department_id: string; doctor_id: string; free: number }[] }
    const clinic = items.find((s) => s.doctor_id && s.free > 3)!
    const page = await browser.newPage()
    await page.goto(`${hospital.url}/portal/`)
    const open = ['', `departments/${clinic.department_id}`, `sessions/${clinic.id}`, 'sign-in']
    const low: string[] = []
    let signedIn = false // then what the browser keeps has to stay; before, each page is a first visit
    const look = async (name: string) => {
      const result = await lighthouse(`${hospital.url}/portal/${name}`, { port, output: 'json', logLevel: 'error', disableStorageReset: signedIn, onlyCategories: ['performance', ...asserted] })
      const { categories, audits } = result!.lhr
      const score = (c: string) => Math.round((categories[c].score ?? 0) * 100)
      const shown = (a: string) => (audits[a].displayValue ?? '').replace(/\u00a0/g, ' ')
      console.log(`${(name || 'home').split('/')[0]}: performance ${score('performance')}, ${asserted.map((c) => `${c} ${score(c)}`).join(', ')}; first paint ${shown('first-contentful-paint')}, largest ${shown('largest-contentful-paint')}, blocked ${shown('total-blocking-time')}, shift ${shown('cumulative-layout-shift')}, ${shown('total-byte-weight')}`)
      for (const c of asserted) {
        const failed = categories[c].auditRefs.filter((r) => r.weight > 0 && (audits[r.id].score ?? 1) < 1).map((r) => r.id)
        if (score(c) < 90) low.push(`${name || 'home'}: ${c} ${score(c)} (${failed.join(', ')})`)
        else if (failed.length) console.log(`  ${c}: ${failed.join(', ')}`)
      }
    }
    for (const name of open) await look(name)
    await page.evaluate(async (phone) => {
      await fetch('/api/portal/code', { method: 'POST', headers: { 'X-Heartline': '1', 'Content-Type': 'application/json' }, body: JSON.stringify({ phone, lang: 'zh-CN' }) })
    }, number)
    const code = await newestCode(hospital, number)
    const self = await identityOf(hospital, number)
    await page.evaluate(
      async ([phone, code, name, id]) => {
        const send = (path: string, body: unknown) => fetch(`/api/portal/${path}`, { method: 'POST', headers: { 'X-Heartline': '1', 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
        await send('sign-in', { phone, code, lang: 'zh-CN' })
        await send('members', { name, relation: 'self', id_type: 'id_card', id_number: id })
        localStorage.setItem('heartline.portal.in', '1')
      },
      [number, code, self.name, self.document],
    )
    signedIn = true
    for (const name of ['appointments', `sessions/${clinic.id}/confirm`]) await look(name)
    expect(low).toEqual([])
  } finally {
    await browser.close()
    await hospital.close()
    rmSync(profile, { recursive: true, force: true })
  }
})
