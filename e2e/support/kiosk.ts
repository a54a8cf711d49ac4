// A person in front of a self-service machine.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Sitter } from './browser.js'
import { root, words, type Hospital } from './hospital.js'

export const glass = { width: 1080, height: 1920 }
export type Visitor = { token: string; name: string; number: string; pin: string; id_number: string; code: string }

/** Whom one can be today, with an appointment that is still ahead. */
export async function visitor(hospital: Hospital): Promise<Visitor> {
  return (await (await fetch(`${hospital.url}/api/try/kiosk`)).json()) as Visitor
}

/** Words of the kiosk, and of the server's refusals. */
export function kioskWords(locale: 'zh-CN' | 'en'): (key: string, params?: Record<string, string | number>) => string {
  const own = JSON.parse(readFileSync(path.join(root, 'web/src/kiosk/locales', `${locale}.json`), 'utf8')) as Record<string, string>
  const shared = words(locale)
  return (key, params = {}) => Object.entries(params).reduce((s, [k, v]) => s.replace(`{${k}}`, String(v)), own[key] ?? shared(key))
}

export class Kiosk {
  readonly say: (key: string, params?: Record<string, string | number>) => string
  private constructor(
    readonly sitter: Sitter,
    private readonly locale: 'zh-CN' | 'en',
  ) {
    this.say = kioskWords(locale)
  }

  get page() {
    return this.sitter.page
  }

  /** A machine that is signed in and shows its home screen. */
  static async open(hospital: Hospital, token: string, locale: 'zh-CN' | 'en' = 'zh-CN'): Promise<Kiosk> {
    const k = new Kiosk(await Sitter.open(hospital, { size: glass }), locale)
    await k.page.clock.install()
    await k.page.goto(`/kiosk#token=${token}`)
    await k.page.locator('.home').waitFor()
    await k.speak()
    return k
  }

  async speak() {
    if (this.locale === 'en') await this.page.getByRole('button', { name: 'English' }).click()
  }

  button(key: string, params?: Record<string, string | number>) {
    return this.page.getByRole('button', { name: this.say(key, params), exact: true })
  }

  tile(key: string) {
    return this.page.locator('.tile').filter({ has: this.page.getByText(this.say(key), { exact: true }) })
  }

  heading(key: string, params?: Record<string, string | number>) {
    return this.page.getByRole('heading', { level: 1, name: this.say(key, params), exact: true })
  }

  /** Presses keys on the glass. */
  async press(keys: string) {
    for (const k of keys) await this.page.locator('.pad').last().getByRole('button', { name: k, exact: true }).click()
  }

  async confirm() {
    await this.page.locator('.pad .ok').last().click()
  }

  async withCode(code: string) {
    await this.tile('home.check_in').click()
    await this.press(code)
    await this.confirm()
  }

  async withAccount(number: string, pin: string) {
    await this.tile('home.account').click()
    await this.tryAccount(number, pin)
  }

  async tryAccount(number: string, pin: string) {
    await this.press(number)
    await this.confirm()
    await this.press(pin)
    await this.confirm()
  }

  async leave() {
    await this.button('leave').click()
    await this.page.locator('.home').waitFor()
    await this.speak()
  }

  close() {
    return this.sitter.close()
  }
}
