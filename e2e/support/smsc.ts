// The message centre of e2e/smsc as a process of its own: what it took, what
// it told, and what telephones write back.
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './hospital.js'
import { eventually } from './wait.js'

type Place = { ref: number; total: number; seq: number }

export type CentreEvent = {
  event: 'listening' | 'bind' | 'part' | 'message' | 'receipt' | 'delivered' | 'error'
  id?: string
  to?: string
  from?: string
  text?: string
  parts?: number
  coding?: number // 8: UCS-2
  units?: number
  place?: Place // of a part of a long message
  status?: number
  port?: number
}

export class MessageCentre {
  readonly events: CentreEvent[] = []
  port = 0

  private constructor(private readonly process: ChildProcess) {
    createInterface({ input: process.stdout! }).on('line', (line) => this.events.push(JSON.parse(line) as CentreEvent))
  }

  static async start(): Promise<MessageCentre> {
    const centre = new MessageCentre(spawn('node', ['smsc.mjs', '0'], { cwd: path.join(root, 'e2e/smsc'), stdio: ['pipe', 'pipe', 'inherit'] }))
    centre.port = (await eventually('the message centre', () => centre.events.find((e) => e.event === 'listening'))).port!
    return centre
  }

  /** The settings of a hospital that sends through it. */
  get settings(): Record<string, string> {
    return {
      HEARTLINE_SMS_SENDER: 'smpp',
      HEARTLINE_SMPP_ADDR: `127.0.0.1:${this.port}`,
      HEARTLINE_SMPP_SYSTEM_ID: 'heartline',
      HEARTLINE_SMS_SECRET: 'secret08',
      HEARTLINE_SMPP_SOURCE: '96166',
      HEARTLINE_SMPP_COUNTRY_CODE: '86',
      HEARTLINE_SMPP_LONG: 'udh',
      HEARTLINE_SMPP_PER_SECOND: '1000',
      HEARTLINE_SMS_REMINDER_QUIET: '',
    }
  }

  /** Everything that a mobile got, put together. */
  inbox(mobile: string): CentreEvent[] {
    return this.events.filter((e) => e.event === 'message' && e.to === `86${mobile}`)
  }

  /** Waits for a whole message that says something. */
  receives(mobile: string, words: string, ms = 30_000): Promise<CentreEvent> {
    return eventually(`a message with ${words} at ${mobile}; it has ${JSON.stringify(this.inbox(mobile))}`, () => this.inbox(mobile).find((m) => m.text!.includes(words)), ms)
  }

  /** The parts that a message came in. */
  partsOf(mobile: string, text: string): CentreEvent[] {
    const parts = this.events.filter((e) => e.event === 'part' && e.to === `86${mobile}`)
    const at = this.inbox(mobile).findIndex((m) => m.text === text)
    const before = this.inbox(mobile).slice(0, at).reduce((n, m) => n + m.parts!, 0)
    return parts.slice(before, before + this.inbox(mobile)[at].parts!)
  }

  /** The mobile writes back. */
  async reply(mobile: string, text: string) {
    const before = this.events.length
    this.process.stdin!.write(JSON.stringify({ from: `86${mobile}`, to: '96166', text }) + '\n')
    const taken = await eventually('the hospital takes the reply', () => this.events.slice(before).find((e) => e.event === 'delivered'))
    if (taken.status !== 0) throw new Error(`the hospital refused the reply: ${taken.status}`)
  }

  async close() {
    if (this.process.exitCode != null) return
    const ended = new Promise((done) => this.process.once('exit', done))
    this.process.stdin!.end() // ends it
    await ended
  }
}
