// A caller at the keypad, who listens before pressing: what is heard is
// compared with the prompts as shipped, word after word.
import { expect, test } from '@playwright/test'
import { writeFileSync } from 'node:fs'
import type { Baresip } from './baresip.js'
import { prompt } from './hospital.js'
import type { Session } from './session.js'
import { correlate, readWav, toTelephone, wav } from './sound.js'
import { eventually, pause } from './wait.js'

const rate = 8000
const spoken = new Map<string, Float32Array>()

function words(name: string): Float32Array {
  let x = spoken.get(name)
  if (!x) spoken.set(name, (x = toTelephone(readWav(prompt(name)))))
  return x
}

export class Caller {
  id = '' // of the call
  private from = 0 // what was heard before counts no more

  constructor(
    private readonly phone: Baresip,
    private readonly eye: Session, // of somebody who may see events
  ) {}

  async dial(number: string) {
    const before = new Set((await this.eye.items('/api/live-calls')).map((c) => c.id))
    this.from = 0
    this.phone.dial(number)
    await this.phone.event('CALL_ESTABLISHED', 30_000)
    const call = await eventually('the call', async () => (await this.eye.items('/api/live-calls')).find((c) => !before.has(c.id)))
    this.id = call.id
  }

  events(): Promise<any[]> { // eslint-disable-line @typescript-eslint/no-explicit-any
    return this.eye.items(`/api/calls/${this.id}/events`)
  }

  /** Waits until the menu is at a node. */
  async at(node: string, ms = 40_000) {
    let way: string[] = []
    await eventually(`the menu at ${node}`, async () => {
      way = (await this.events()).filter((e) => e.kind === 'ivr.node').map((e) => e.data.node)
      return way.at(-1) === node
    }, ms).catch((e: Error) => {
      throw new Error(`${e.message}; its way: ${way.join(' ')}`)
    })
  }

  /** At a node, and what comes from now on is to be heard. */
  async listensAt(node: string, ms?: number) {
    await this.at(node, ms)
    this.from = Math.max(0, this.phone.heard().length - rate) // the event may come a moment after the first word
  }

  /**
   * Waits until prompts were said one after the other. Between those that
   * stand in one list nothing else may be heard; between lists there may.
   */
  async hears(...lists: string[][]) {
    for (const list of lists) {
      const length = list.reduce((n, p) => n + words(p).length, 0)
      let problem = ''
      const end = await eventually(`hears ${list.join(' ')}`, () => {
        const x = this.phone.heard().subarray(this.from)
        const r = follow(x, list)
        problem = r.problem
        return r.end
      }, 25_000 + (1000 * length) / rate).catch((e: Error) => {
        writeFileSync(test.info().outputPath('heard.wav'), wav(this.phone.heard(), rate))
        throw new Error(`${e.message}; ${problem}`)
      })
      this.from += end
    }
  }

  /** Presses keys; what is heard from now on counts. */
  async press(keys: string) {
    this.from = this.phone.heard().length
    await this.phone.type(keys)
  }

  async isHungUp() {
    await this.phone.event('CALL_CLOSED', 30_000)
    await pause(200)
  }
}

/** Where in a sound some prompts end that follow each other; 0 when they do not. */
function follow(x: Float32Array, list: string[]): { end: number; problem: string } {
  let at = 0
  for (const [i, name] of list.entries()) {
    const want = words(name)
    // The first may be anywhere; the next begins where the last ended, give or
    // take what the telephone lost.
    const [lo, hi] = i === 0 ? [0, x.length] : [Math.max(0, at - 1200), Math.min(x.length, at + want.length + 3200)]
    const found = correlate(x.subarray(lo, hi), want)
    if (found.score < 0.7) return { end: 0, problem: `${name} scores ${found.score.toFixed(2)} after ${(lo / rate).toFixed(1)} s of ${(x.length / rate).toFixed(1)} s` }
    at = lo + Math.round(found.at * rate) + want.length // the phone's buffer loses the last moment before a hang-up
    if (at > x.length + 2400) return { end: 0, problem: `${name} is not over` }
  }
  expect(at).toBeGreaterThan(0)
  return { end: Math.min(at, x.length), problem: '' }
}
