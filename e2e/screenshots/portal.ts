// Photographs of the patients' portal on a telephone's screen.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { Hospital, root } from '../support/hospital.js'
import { identityOf, idNumber, Patient } from '../support/patient.js'
import { expect, test } from '../support/test.js'

const folder = path.join(root, 'docs/screenshots')
const telephone = '13971000001'

let hospital: Hospital

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  hospital = await Hospital.open()
})

test.afterAll(async () => {
  await hospital?.close()
})

async function shoot(p: Patient, name: string, fullPage = true) {
  await p.settled()
  await p.page.mouse.move(0, 0)
  // A taller telephone, so that the bar at the bottom stays at the bottom.
  const size = p.page.viewportSize()!
  const height = Math.max(size.height, await p.page.evaluate(() => document.documentElement.scrollHeight))
  if (fullPage) await p.page.setViewportSize({ width: size.width, height })
  await p.settled()
  await p.page.screenshot({ path: path.join(folder, `portal-${name}.png`), animations: 'disabled' })
  if (fullPage) await p.page.setViewportSize(size)
}

/** A clinic with free times some days ahead, of a doctor whom people know. */
async function clinic(): Promise<{ id: string; department_id: string; doctor_id: string }> {
  const { items } = (await (await fetch(`${hospital.url}/api/portal/timetable`)).json()) as { items: { id: string; date: string; doctor: string; free: number; fee_cents: number; type: string; department_id: string; doctor_id: string }[] }
  const days = [...new Set(items.map((s) => s.date))].sort()
  return items.find((s) => s.date === days[3] && s.doctor && s.free > 3 && s.fee_cents > 0 && s.type === 'expert')!
}

for (const locale of ['zh-CN', 'en'] as const) {
  test(`the portal (${locale})`, async () => {
    const tail = locale === 'en' ? '-en' : ''
    const p = await Patient.at(hospital, locale)
    const { page } = p
    try {
      const { id, department_id, doctor_id } = await clinic()
      await p.visit('/portal/')
      await shoot(p, `home${tail}`, false)
      await p.visit('/portal/find?q=gk')
      await shoot(p, `find${tail}`, false)
      await p.visit('/portal/find?q=zzzz')
      await shoot(p, `find-nothing${tail}`, false)
      for (const [name, to] of [['department', `departments/${department_id}`], ['doctor', `doctors/${doctor_id}`], ['info', 'info'], ['missing', 'nowhere']]) {
        await p.visit(`/portal/${to}`)
        await shoot(p, name + tail)
      }
      await p.visit('/portal/sign-in')
      await shoot(p, `sign-in${tail}`, false)
      const number = locale === 'en' ? '13971000004' : telephone
      await p.signInWith(number)
      await shoot(p, `me-empty${tail}`, false)
      await page.goto('/portal/me/add')
      await shoot(p, `member-add${tail}`)
      const self = await identityOf(hospital, number)
      await p.addMember(self.name, self.document, 'self')
      await p.addMember('曾小宝', idNumber('2018-03-05', locale === 'en' ? 122 : 121), 'child')
      await page.goto('/portal/me')
      await shoot(p, `me${tail}`)
      await page.goto(`/portal/sessions/${id}`)
      await p.settled()
      await page.locator('.choice input').nth(2).check({ force: true })
      await shoot(p, `slots${tail}`)
      await p.link('slots.next').click()
      await expect(page.getByText(p.t('confirm.terms'))).toBeVisible()
      await shoot(p, `confirm${tail}`)
      await p.button('confirm.yes').click()
      await expect(page.getByText(p.t('done.booked'))).toBeVisible()
      await shoot(p, `booked${tail}`)
      await p.button('cancel.title').click()
      await expect(page.getByRole('dialog')).toBeVisible()
      await shoot(p, `cancel${tail}`, false)
      await p.button('cancel.no').click()
      await p.button('change.title').click()
      await expect(page.getByText(p.t('change.pick', { who: '' }))).toBeVisible()
      await shoot(p, `change${tail}`, false)
      await page.goto(`/portal/wait/new?department=${department_id}&doctor=${doctor_id}`)
      await p.settled()
      await shoot(p, `wait-new${tail}`)
      await p.button('wait.yes').click()
      await expect(page.getByText(p.t('wait.title'), { exact: true })).toBeVisible()
      await shoot(p, `mine${tail}`, false)
      await page.goto('/portal/card')
      await shoot(p, `card${tail}`, false)
      await page.goto('/portal/')
      await shoot(p, `home-signed-in${tail}`, false)
      if (locale === 'zh-CN') {
        await page.setViewportSize({ width: 1280, height: 860 })
        await p.visit('/portal/')
        await shoot(p, 'home-wide', false)
        await p.visit(`/portal/departments/${department_id}`)
        await shoot(p, 'department-wide', false)
      }
    } finally {
      await p.close()
    }
  })
}
