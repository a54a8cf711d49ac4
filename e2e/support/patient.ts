// A patient at the portal, who does everything on the screen of a telephone.
import { expect, type Locator } from '@playwright/test'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Sitter, type Look } from './browser.js'
import { root, type Hospital } from './hospital.js'
import { eventually } from './wait.js'

export const phoneScreen = { width: 390, height: 844 }

export type Locale = 'zh-CN' | 'en'

/** Words of the portal, with their parameters. */
export function portalWords(locale: Locale): (key: string, params?: Record<string, string | number>) => string {
  const read = (file: string): Record<string, string> => JSON.parse(readFileSync(path.join(root, 'web/src', file), 'utf8'))
  const all = { ...read(`locales/${locale}.json`), ...read(`portal/locales/${locale}.json`) }
  return (key, params = {}) => {
    if (!all[key]) throw new Error(`the portal has no words for ${key} in ${locale}`)
    return all[key].replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
  }
}

/** An identity number that passes its check digit. */
export function idNumber(birth: string, serial: number): string {
  const body = `420102${birth.replaceAll('-', '')}${String(serial).padStart(3, '0')}`
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = weights.reduce((n, w, i) => n + w * Number(body[i]), 0)
  return body + '10X98765432'[sum % 11]
}

/** The newest sign-in code on a telephone of the demo. */
export async function newestCode(hospital: Hospital, number: string, after = ''): Promise<string> {
  let code = ''
  await eventually(`a code on ${number}`, async () => {
    const { items } = (await (await fetch(`${hospital.url}/api/try/messages?number=${number}`)).json()) as { items: { text: string; mine: boolean; at: string }[] }
    const texts = items.filter((m) => !m.mine).sort((a, b) => b.at.localeCompare(a.at)).map((m) => /(?:验证码|code\D*)(\d{6})/.exec(m.text)?.[1] ?? '')
    code = texts.find((c) => c) ?? ''
    return code !== '' && code !== after
  }, 20_000)
  return code
}

export class Patient extends Sitter {
  t = portalWords('zh-CN')

  static async at(hospital: Hospital, locale: Locale = 'zh-CN', look: Look = {}): Promise<Patient> {
    const p = new Patient(...(await Sitter.launch(hospital, { size: phoneScreen, ...look, locale })))
    p.t = portalWords(locale)
    await p.page.context().addInitScript((l) => localStorage.setItem('heartline.portal.lang', l), locale)
    return p
  }

  button(key: string, params?: Record<string, string | number>): Locator {
    return this.page.getByRole('button', { name: this.t(key, params), exact: true })
  }

  link(key: string): Locator {
    return this.page.getByRole('link', { name: this.t(key) })
  }

  /** Signs in with the code that really arrived; a known telephone keeps its account. */
  async signInWith(number: string) {
    const { page } = this
    const before = await newestCodeNow(this.hospital, number)
    await page.goto('/portal/sign-in')
    await page.getByLabel(this.t('signin.phone')).fill(number)
    await this.button('signin.send').click()
    const code = await newestCode(this.hospital, number, before)
    await page.getByLabel(this.t('signin.code')).fill(code)
    await page.waitForURL((u) => !u.pathname.endsWith('/sign-in'))
    await expect(page.getByRole('heading', { level: 1, name: this.t('me.title') })).toBeVisible()
  }

  /** Fills in the form for a person with an identity card. */
  async fillMember(name: string, id: string, relation: string) {
    await this.page.getByRole('radio', { name: this.t(`relation.${relation}`) }).check({ force: true })
    await this.page.getByLabel(this.t('member.name'), { exact: true }).fill(name)
    await this.page.getByLabel(this.t('member.number'), { exact: true }).fill(id)
  }

  async addMember(name: string, id: string, relation: string) {
    await this.page.goto('/portal/me/add')
    await this.fillMember(name, id, relation)
    await this.button('member.save').click()
    await expect(this.page.getByText(name).first()).toBeVisible()
  }
}

async function newestCodeNow(hospital: Hospital, number: string): Promise<string> {
  const { items } = (await (await fetch(`${hospital.url}/api/try/messages?number=${number}`)).json()) as { items: { text: string; mine: boolean; at: string }[] }
  return items.filter((m) => !m.mine).sort((a, b) => b.at.localeCompare(a.at)).map((m) => /(?:验证码|code\D*)(\d{6})/.exec(m.text)?.[1] ?? '').find((c) => c) ?? ''
}

/** Who the demo's customer behind a telephone is, as only the desk may know. */
export async function identityOf(hospital: Hospital, number: string): Promise<{ id: string; name: string; document: string }> {
  const admin = await hospital.as('admin')
  const [hit] = await admin.items(`/api/patients?q=${number}`)
  const record = await admin.get(`/api/patients/${hit.id}`)
  const card = record.identifiers.find((x: { type: string }) => x.type === 'id_card')
  const reveal = (field: string) => admin.send('POST', `/api/patients/${hit.id}/reveal`, { field, reason: '测试门户登录' }).then((r: { value: string }) => r.value)
  return { id: hit.id, name: await reveal('name'), document: await reveal(`identifier:${card.id}`) }
}
