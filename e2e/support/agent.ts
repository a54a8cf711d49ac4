// An agent at the desk, who does everything as people do: on the screen.
import { expect, type Locator } from '@playwright/test'
import { Sitter, type Look } from './browser.js'
import type { Hospital } from './hospital.js'

export class Agent extends Sitter {
  /** Signed in, with a proven microphone, and ready. */
  static async ready(hospital: Hospital, who: string, tone: number, look: Look = {}): Promise<Agent> {
    const agent = await Agent.seated(hospital, who, tone, look)
    await agent.goReady()
    return agent
  }

  /** Signed in, with a proven microphone, not ready yet. */
  static async seated(hospital: Hospital, who: string, tone: number, look: Look = {}): Promise<Agent> {
    const agent = new Agent(...(await Sitter.launch(hospital, { ...look, tone })))
    await agent.signIn(who)
    await agent.takeSeat()
    return agent
  }

  /** Signed in, at no seat yet. */
  static async at(hospital: Hospital, who: string): Promise<Agent> {
    const agent = new Agent(...(await Sitter.launch(hospital, {})))
    await agent.signIn(who)
    return agent
  }

  /** Takes the seat at a desk phone. */
  async takePhoneSeat(extension: string) {
    await this.page.goto('/desk')
    await this.page.getByRole('radio', { name: this.words('seat.extension') }).click()
    await this.page.locator(".el-select").filter({ has: this.page.locator("#seat-ext") }).click()
    await this.page.getByRole('option', { name: extension }).first().click()
    await this.button('seat.take').click()
    await expect(this.page.locator('.bar .lamp')).toContainText(extension)
  }

  async takeSeat() {
    await this.page.goto('/desk')
    const lamp = this.page.locator('.bar .lamp')
    await expect(this.button('seat.test').or(lamp)).toBeVisible()
    if (await this.button('seat.test').isVisible()) { // not still seated from before
      await this.button('seat.test').click()
      await expect(this.page.getByText(this.words('seat.mic_good'))).toBeVisible()
      await this.button('seat.take').click()
    }
    await expect(lamp).toContainText(this.words('phone.state.connected'))
  }

  /** Ready for calls; one who comes back from a lost connection may be so already. */
  async goReady() {
    const pill = this.page.locator('.bar .pill.ok')
    await expect(this.button('desk.go_ready').or(pill)).toBeVisible()
    if (!(await pill.isVisible())) await this.button('desk.go_ready').click()
    await this.inState('ready')
  }

  button(key: string): Locator {
    return this.page.getByRole('button', { name: this.words(key), exact: true })
  }

  /** The card of a call that rings. */
  get ringing(): Locator {
    return this.page.getByRole('alertdialog', { name: this.words('ring.title') })
  }

  /** The panel of the call in progress. */
  get call(): Locator {
    return this.page.locator('article.call')
  }

  /** The name on the open record. */
  get record(): Locator {
    return this.page.locator('.panel .head strong')
  }

  async inState(state: string, ms = 15_000) {
    await expect(this.page.locator('.bar .pill')).toContainText(this.words(`state.${state}`), { timeout: ms })
  }

  async rings(ms = 20_000) {
    await expect(this.ringing).toBeVisible({ timeout: ms })
  }

  /** Answers by keyboard. */
  async answer() {
    await this.page.keyboard.press('a')
    await expect(this.call).toContainText(this.words('callstate.talking'))
  }

  /** Nothing rings, no call is shown. */
  async deskIsClean() {
    await expect(this.ringing).toBeHidden()
    await expect(this.call).toHaveCount(0)
  }

  async transferTo(name: string) {
    await this.page.keyboard.press('t')
    await this.page.getByRole('combobox', { name: this.words('transfer.search') }).fill(name)
    await this.page.getByRole('option').filter({ hasText: name }).first().click()
  }

  /** Chooses why the caller called, writes a note, and is done. */
  async wrapUp(disposition: string, notes: string) {
    await this.page.getByRole('button', { name: disposition, exact: true }).click()
    await this.page.locator('textarea[id^=notes-]').fill(notes)
    await this.button('wrap.finish').click()
  }
}
