// What keeps people from using a page.
import { AxeBuilder } from '@axe-core/playwright'
import type { Sitter } from './browser.js'

/** Serious and critical barriers, worst first. */
export async function barriers(s: Sitter): Promise<string[]> {
  await s.page.mouse.move(0, 0)
  await s.settled() // colours on their way to others are none
  // One document without frames: no need for a second page to gather the results.
  const { violations } = await new AxeBuilder({ page: s.page }).setLegacyMode(true).options({ resultTypes: ['violations'] }).analyze()
  return violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.impact} ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(' | ')}`)
}
