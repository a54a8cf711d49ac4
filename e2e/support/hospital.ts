// A hospital of its own for each test file: the real binary on an empty data
// folder and free ports, ended by its own pid.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

export const logins = {
  admin: { login: 'admin', password: 'Heartline-96166' },
  supervisor: { login: 'supervisor', password: 'Heartline-96166' },
  agent1: { login: 'agent1', password: 'Heartline-96166' },
  agent2: { login: 'agent2', password: 'Heartline-96166' },
} as const

export class Hospital {
  private process?: ChildProcess
  readonly data = mkdtempSync(path.join(tmpdir(), 'heartline-e2e-'))
  httpPort = 0
  sipPort = 0
  private ports: Record<string, string> = {}

  get url() {
    return `http://127.0.0.1:${this.httpPort}`
  }

  get logFile() {
    return path.join(this.data, 'server.log')
  }

  async start() {
    if (!this.httpPort) {
      this.httpPort = await freeTCP()
      this.sipPort = await freeUDP()
      this.ports = {
        HEARTLINE_DATA: path.join(this.data, 'var'),
        HEARTLINE_HTTP_ADDR: `127.0.0.1:${this.httpPort}`,
        HEARTLINE_SIP_ADDR: `127.0.0.1:${this.sipPort}`,
        HEARTLINE_SIP_TLS_ADDR: '',
        HEARTLINE_RTP_PORTS: '24000-24999',
        HEARTLINE_BROWSER_UDP_PORT: String(await freeUDP()),
      }
    }
    const log = openSync(this.logFile, 'a')
    this.process = spawn(path.join(root, 'bin/heartline'), ['demo', '--log-format', 'json'], {
      cwd: this.data,
      env: { ...process.env, ...this.ports },
      stdio: ['ignore', log, log],
    })
    await this.ready()
  }

  private async ready() {
    const deadline = Date.now() + 90_000
    for (;;) {
      if (this.process?.exitCode != null) throw new Error(`the program ended with ${this.process.exitCode}; see ${this.logFile}`)
      try {
        const answer = await fetch(`${this.url}/readyz`)
        if (answer.ok) return
      } catch {
        // not listening yet
      }
      if (Date.now() > deadline) throw new Error(`not ready within 90 s; see ${this.logFile}`)
      await pause(100)
    }
  }

  /** Ends the program: SIGTERM drains, SIGKILL is a power cut. */
  async stop(signal: NodeJS.Signals = 'SIGKILL') {
    const p = this.process
    if (!p || p.exitCode != null || p.signalCode != null) return
    const ended = new Promise((done) => p.once('exit', done))
    p.kill(signal)
    await ended
  }

  async close() {
    await this.stop()
    rmSync(this.data, { recursive: true, force: true })
  }
}

/** An API session of a user, outside any browser. */
export class Session {
  private constructor(
    readonly hospital: Hospital,
    private readonly cookie: string,
  ) {}

  static async open(hospital: Hospital, who: keyof typeof logins) {
    const answer = await fetch(`${hospital.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-heartline': '1' },
      body: JSON.stringify(logins[who]),
    })
    if (!answer.ok) throw new Error(`sign-in of ${who}: ${answer.status} ${await answer.text()}`)
    const cookie = answer.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ')
    return new Session(hospital, cookie)
  }

  async call(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(this.hospital.url + path, {
      method,
      headers: { cookie: this.cookie, 'x-heartline': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  async get(path: string): Promise<any> {
    const answer = await this.call('GET', path)
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
}

export const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/** Polls until probe gives something truthy; the last word is what it saw. */
export async function eventually<T>(what: string, probe: () => Promise<T> | T, ms = 15_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + ms
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value) return value as NonNullable<T>
      last = value
    } catch (e) {
      last = e
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms; last: ${String(last)}`)
    await pause(100)
  }
}

function freeTCP(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createServer()
    s.once('error', fail)
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address() as { port: number }
      s.close(() => done(port))
    })
  })
}

export function freeUDP(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createSocket('udp4')
    s.once('error', fail)
    s.bind(0, '127.0.0.1', () => {
      const { port } = s.address()
      s.close(() => done(port))
    })
  })
}
