// A real SIP phone: baresip with a tone for a voice and a file for an ear,
// driven through its control socket.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Hospital } from './hospital.js'
import { freeTCP, freeUDP } from './net.js'
import { heardPitch, readWav, rms, toneShare, toneWav } from './sound.js'
import { eventually, pause } from './wait.js'

export type PhoneOptions = {
  user: string // its number
  password?: string // registers when given
  tone?: number // Hz spoken
  voice?: Buffer // WAV of 8 kHz spoken instead
  codecs?: string
  autoAnswer?: boolean
  port?: number // where it listens
}

type Event = { type: string; param?: string; direction?: string }

export class Baresip {
  private process!: ChildProcess
  private control!: Socket
  private pending = Buffer.alloc(0)
  private readonly dir = mkdtempSync(path.join(tmpdir(), 'baresip-'))
  private answer = '' // to the last command that says something
  readonly events: Event[] = []

  private constructor(private readonly server: string) {}

  static async start(hospital: Hospital, options: PhoneOptions) {
    const phone = new Baresip(`127.0.0.1:${hospital.sipPort}`)
    await phone.launch(options)
    return phone
  }

  /** Somebody outside the hospital, who calls through its carrier. */
  static async outside(hospital: Hospital, number: string, tone: number, voice?: Buffer) {
    return Baresip.start(hospital, { user: number, tone, voice, port: await hospital.carrierPort() })
  }

  /** What the phone has heard in its last call so far. */
  heard(): Float32Array {
    const file = this.ears().at(-1)
    return file ? readWav(file).channels[0] : new Float32Array(0)
  }

  // The sndfile module writes what it decodes of each call into a file of its own.
  private ears(): string[] {
    return readdirSync(this.dir).filter((f) => f.endsWith('-dec.wav')).sort().map((f) => path.join(this.dir, f))
  }

  /** The last moment of it. */
  private lately(seconds = 0.4): Float32Array {
    const x = this.heard()
    return x.subarray(Math.max(0, x.length - seconds * 8000))
  }

  /** Waits until a tone is what the phone hears. */
  async hearsTone(hz: number, ms = 10_000) {
    let pitch = 0
    await eventually(`${hz} Hz at the phone`, () => Math.abs((pitch = heardPitch(this.lately(), 8000)) - hz) < 25, ms).catch((e: Error) => {
      throw new Error(`${e.message}; it hears ${pitch} Hz`)
    })
  }

  /** Whether a tone is among what the phone hears. */
  hasTone(hz: number): boolean {
    const x = this.lately()
    return x.length > 800 && rms(x) > 0.01 && toneShare(x, 8000, hz) > 0.12
  }

  get loudness() {
    return rms(this.lately())
  }

  private async launch(o: PhoneOptions) {
    const sip = o.port ?? (await freeUDP())
    let control = await freeTCP()
    while (control === sip + 1) control = await freeTCP() // where it listens for TLS
    const voice = path.join(this.dir, 'voice.wav')
    writeFileSync(voice, o.voice ?? toneWav(o.tone ?? 440, 240, 8000))
    const modules = modulePath()
    const rtp = 33000 + (sip % 1000) * 20
    writeFileSync(
      path.join(this.dir, 'config'),
      [
        `sip_listen 127.0.0.1:${sip}`,
        `snd_path ${this.dir}`,
        'audio_player aubridge,ear',
        'audio_alert aubridge,bell',
        `audio_source aufile,${voice}`,
        'audio_level no',
        'audio_buffer 20-160',
        `rtp_ports ${rtp}-${rtp + 18}`,
        ...(modules ? [`module_path ${modules}`] : []),
        ...['g711', 'g722', 'aufile', 'aubridge', 'sndfile'].map((m) => `module ${m}.so`),
        ...['uuid', 'account'].map((m) => `module_tmp ${m}.so`),
        ...['menu', 'ctrl_tcp'].map((m) => `module_app ${m}.so`),
        `ctrl_tcp_listen 127.0.0.1:${control}`,
        '',
      ].join('\n'),
    )
    const account = [
      `<sip:${o.user}@${this.server};transport=udp>`,
      o.password ? `auth_user=${o.user};auth_pass=${o.password}` : '',
      `regint=${o.password ? 60 : 0}`,
      `audio_codecs=${o.codecs ?? 'pcma'}`,
      o.autoAnswer ? 'answermode=auto' : '',
    ]
    writeFileSync(path.join(this.dir, 'accounts'), account.filter(Boolean).join(';') + '\n')
    writeFileSync(path.join(this.dir, 'contacts'), '')
    this.process = spawn('baresip', ['-4', '-f', this.dir], { stdio: 'ignore' })
    this.control = await eventually('baresip control socket', () => open(control), 10_000)
    this.control.on('data', (d) => this.read(d))
    this.control.on('error', () => {})
  }

  // Messages are netstrings of JSON.
  private read(data: Buffer) {
    this.pending = Buffer.concat([this.pending, data])
    for (;;) {
      const colon = this.pending.indexOf(':')
      const length = Number(this.pending.subarray(0, Math.max(0, colon)).toString())
      if (colon < 0 || this.pending.length < colon + 1 + length + 1) return
      const message = JSON.parse(this.pending.subarray(colon + 1, colon + 1 + length).toString()) as Event & { event?: boolean; data?: string }
      this.pending = this.pending.subarray(colon + 1 + length + 1)
      if (message.event) this.events.push(message)
      else if (message.data) this.answer = message.data
    }
  }

  private command(command: string, params = '') {
    const text = JSON.stringify({ command, params, token: 't' })
    this.control.write(`${Buffer.byteLength(text)}:${text},`)
  }

  /** Waits until the registrar took the phone, or refused it. */
  async registered(want: 'OK' | 'ERR' = 'OK') {
    await eventually(`registration ${want}: ${this.answer}`, () => {
      this.command('reginfo')
      return new RegExp(`[^A-Z]${want}[^A-Z]`).test(this.answer) // with colours around
    })
  }

  /** Waits for an event such as CALL_ESTABLISHED or CALL_CLOSED; all of the call so far count. */
  async event(type: string, ms = 15_000): Promise<Event> {
    return eventually(`baresip ${type} (${this.events.map((e) => e.type).join(' ')})`, () => this.events.find((e) => e.type === type), ms)
  }

  has(type: string) {
    return this.events.some((e) => e.type === type)
  }

  /** What was heard and told in earlier calls counts no more. */
  forget() {
    this.events.length = 0
    for (const f of this.ears()) rmSync(f)
  }

  /** Starts a call. */
  dial(number: string) {
    this.forget()
    this.command('dial', `sip:${number}@${this.server}`)
  }

  accept() {
    this.command('accept')
  }

  hangup() {
    this.command('hangup')
  }

  /** Presses a key (RFC 4733). */
  press(key: string) {
    this.command('sndcode', key)
  }

  /** Presses keys as a hand does, one after the other. */
  async type(keys: string) {
    for (const key of keys) {
      this.press(key)
      await pause(220)
    }
  }

  async close() {
    this.control?.destroy()
    if (this.process && this.process.exitCode == null) {
      const ended = new Promise((done) => this.process.once('exit', done))
      this.process.kill('SIGKILL')
      await ended
    }
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** The configuration and the sound, for a test that failed. */
  files() {
    return readdirSync(this.dir).map((f) => `${f}: ${readFileSync(path.join(this.dir, f)).length} bytes`)
  }
}

function modulePath() {
  for (const dir of ['/usr/lib/baresip/modules', '/usr/lib/x86_64-linux-gnu/baresip/modules', '/usr/local/lib/baresip/modules', '/opt/homebrew/lib/baresip/modules']) {
    if (existsSync(dir)) return dir
  }
  return undefined
}

function open(port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const s = connect(port, '127.0.0.1', () => done(s))
    s.once('error', fail)
  })
}
