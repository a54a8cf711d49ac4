// A hospital of its own for each test file: the real binary on a freshly
// seeded data folder and free ports, ended by its own pid. The seed is made
// once per run (see seed.ts) and copied.
import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { freeTCP, freeUDP } from './net.js'
import { Session } from './session.js'
import { eventually, pause } from './wait.js'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const binary = process.env.HEARTLINE_BIN ?? path.join(root, 'bin/heartline')

// The program refuses settings that it does not know, such as those of the tests.
const strangers = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HEARTLINE_')))

export type Login = { login: string; password: string; name: string; role: string }

/** Somebody whom the demo lets a visitor of /try be. */
export type Person = { number: string; name: string; age: number; sex: string; scenario: string }

export class Hospital {
  private process?: ChildProcess
  private logins: Login[] = []
  private carrier?: Promise<number[]>
  readonly folder = mkdtempSync(path.join(tmpdir(), 'heartline-e2e-'))
  httpPort = 0
  sipPort = 0
  private env: Record<string, string> = {}
  private settings: Record<string, string> = {} // beside those of every test

  /** A running hospital with its demo data and a carrier whose calls come from test phones. */
  static async open(settings: Record<string, string> = {}): Promise<Hospital> {
    const h = new Hospital()
    h.settings = settings
    const seed = process.env.E2E_SEED
    if (seed) cpSync(seed, h.data, { recursive: true })
    await h.start()
    return h
  }

  get url() {
    return `http://127.0.0.1:${this.httpPort}`
  }

  get data() {
    return path.join(this.folder, 'var')
  }

  get log() {
    return readFileSync(path.join(this.folder, 'server.log'), 'utf8')
  }

  get exitCode() {
    return this.process?.exitCode ?? null
  }

  async start() {
    if (!this.httpPort) {
      this.httpPort = await freeTCP()
      this.sipPort = await freeUDP()
      this.env = {
        HEARTLINE_DATA: this.data,
        HEARTLINE_HTTP_ADDR: `127.0.0.1:${this.httpPort}`,
        HEARTLINE_SIP_ADDR: `127.0.0.1:${this.sipPort}`,
        HEARTLINE_SIP_TLS_ADDR: '',
        HEARTLINE_RTP_PORTS: '24000-24999',
        HEARTLINE_BROWSER_UDP_PORT: String(await freeUDP()),
        ...this.settings,
      }
    }
    const log = openSync(path.join(this.folder, 'server.log'), 'a')
    this.process = spawn(binary, ['demo'], { cwd: this.folder, env: { ...strangers, ...this.env }, stdio: ['ignore', log, log] })
    closeSync(log)
    await this.ready()
    this.logins = ((await (await fetch(`${this.url}/api/about`)).json()) as { logins: Login[] }).logins
  }

  private async ready() {
    const deadline = Date.now() + 120_000
    for (;;) {
      if (this.process?.exitCode != null) throw new Error(`the program ended with ${this.process.exitCode}:\n${this.log.slice(-4000)}`)
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined)
      if (answer?.ok) return
      if (Date.now() > deadline) throw new Error(`not ready within 120 s:\n${this.log.slice(-4000)}`)
      await pause(100)
    }
  }

  /** SIGTERM drains, SIGKILL is a power cut. Does not wait for the end. */
  signal(signal: NodeJS.Signals) {
    this.process?.kill(signal)
  }

  async ended(ms = 20_000) {
    await eventually('the end of the program', () => this.process?.exitCode != null || this.process?.signalCode != null, ms)
  }

  async close() {
    this.signal('SIGKILL')
    await this.ended()
    if (process.env.E2E_KEEP) return
    rmSync(this.folder, { recursive: true, force: true })
  }

  login(who: string): Login {
    const found = this.logins.find((l) => l.login === who)
    if (!found) throw new Error(`the demo has no login ${who}`)
    return found
  }

  /** An API session outside any browser. */
  as(who: string): Promise<Session> {
    const { login, password } = this.login(who)
    return Session.open(this.url, login, password)
  }

  /** A caller of the demo's list, such as 'known', 'shared' or 'unknown'. */
  async person(scenario: string): Promise<Person> {
    const { items } = (await (await fetch(`${this.url}/api/try/identities`)).json()) as { items: Person[] }
    const found = items.find((p) => p.scenario === scenario)
    if (!found) throw new Error(`the demo has nobody for ${scenario}: ${items.map((p) => p.scenario).join(' ')}`)
    return found
  }

  /** A UDP port whose calls the hospital takes as those of its carrier. */
  async carrierPort(): Promise<number> {
    this.carrier ??= this.contract()
    const port = (await this.carrier).shift()
    if (!port) throw new Error('no carrier port left')
    return port
  }

  private async contract(): Promise<number[]> {
    const ports: number[] = []
    while (ports.length < 8) ports.push(await freeUDP())
    const admin = await this.as('admin')
    await admin.send('POST', '/api/admin/trunks', {
      name: '江城电信', kind: 'static', host: '127.0.0.1', port: ports[0], transport: 'udp', priority: 5,
      peer_ips: ports.map((p) => `127.0.0.1:${p}`), caller_id: '96166', enabled: true, max_calls: 30, options_every_s: 0,
    })
    return ports
  }
}

/** Words of the screen, by their key. */
export function words(locale: 'zh-CN' | 'en' = 'zh-CN'): (key: string) => string {
  const file = path.join(root, 'web/src/locales', `${locale}.json`)
  const all = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  return (key) => {
    if (!all[key]) throw new Error(`no words for ${key} in ${locale}`)
    return all[key]
  }
}

/** A spoken prompt as shipped, or of the demo. */
export function prompt(name: string): string {
  const folders = ['internal/contact/switchboard/prompts/zh-CN', 'internal/demo/data/prompts/zh-CN']
  const file = folders.map((f) => path.join(root, f, `${name}.wav`)).find(existsSync)
  if (!file) throw new Error(`no prompt ${name}`)
  return file
}
