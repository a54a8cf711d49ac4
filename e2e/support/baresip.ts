// A real SIP phone: baresip with a tone for a voice and a file for an ear,
// driven through its control socket.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually, freeUDP, type Hospital } from './hospital.js'

export type PhoneOptions = {
  user: string
  password?: string // registers when given
  tone?: number // Hz spoken
  codecs?: string
  autoAnswer?: boolean
}

type Event = { type: string; param?: string; direction?: string }

export class Baresip {
  private process!: ChildProcess
  private control!: Socket
  private pending = ''
  readonly dir = mkdtempSync(path.join(tmpdir(), 'baresip-'))
  readonly events: Event[] = []

  static async start(hospital: Hospital, options: PhoneOptions) {
    const phone = new Baresip()
    await phone.launch(hospital, options)
    return phone
  }

  /** What the phone has heard so far (WAV, 8 kHz mono). */
  get heard() {
    return path.join(this.dir, 'heard.wav')
  }

  private async launch(hospital: Hospital, o: PhoneOptions) {
    const [sip, control] = [await freeUDP(), await freeUDP()]
    const modules = modulePath()
    writeFileSync(
      path.join(this.dir, 'config'),
      [
        `sip_listen 127.0.0.1:${sip}`,
        `audio_player aufile,${this.heard}`,
        `audio_alert aufile,${path.join(this.dir, 'alert.wav')}`,
        `audio_source ausine,${o.tone ?? 440}`,
        'audio_buffer 20-160',
        `rtp_ports ${31000 + (sip % 1000) * 4}-${31000 + (sip % 1000) * 4 + 20}`,
        ...(modules ? [`module_path ${modules}`] : []),
        'module g711.so',
        'module g722.so',
        'module ausine.so',
        'module aufile.so',
        'module_tmp uuid.so',
        'module_tmp account.so',
        'module_app menu.so',
        'module_app ctrl_tcp.so',
        `ctrl_tcp_listen 127.0.0.1:${control}`,
        '',
      ].join('\n'),
    )
    const account = [
      `<sip:${o.user}@127.0.0.1:${hospital.sipPort};transport=udp>`,
      o.password ? `auth_pass=${o.password}` : '',
      `regint=${o.password ? 60 : 0}`,
      `audio_codecs=${o.codecs ?? 'pcma'}`,
      o.autoAnswer ? 'answermode=auto' : '',
    ]
    writeFileSync(path.join(this.dir, 'accounts'), account.filter(Boolean).join(';') + '\n')
    this.process = spawn('baresip', ['-f', this.dir], { stdio: 'ignore' })
    this.control = await eventually('baresip control socket', () => open(control), 10_000)
    this.control.on('data', (d) => this.read(d.toString('utf8')))
    this.control.on('error', () => {})
    if (o.password) await this.event('REGISTER_OK')
  }

  private read(text: string) {
    this.pending += text
    for (;;) {
      const colon = this.pending.indexOf(':')
      const length = Number(this.pending.slice(0, colon))
      if (colon < 0 || this.pending.length < colon + 1 + length + 1) return
      const message = JSON.parse(this.pending.slice(colon + 1, colon + 1 + length)) as Event & { event?: boolean }
      this.pending = this.pending.slice(colon + 1 + length + 1)
      if (message.event) this.events.push(message)
    }
  }

  private command(command: string, params = '') {
    const text = JSON.stringify({ command, params, token: 't' })
    this.control.write(`${Buffer.byteLength(text)}:${text},`)
  }

  /** Waits for an event such as CALL_ESTABLISHED or CALL_CLOSED. */
  async event(type: string, ms = 15_000) {
    return eventually(`baresip ${type}`, () => this.events.find((e) => e.type === type), ms)
  }

  dial(hospital: Hospital, number: string) {
    this.command('dial', `sip:${number}@127.0.0.1:${hospital.sipPort}`)
  }

  accept() {
    this.command('accept')
  }

  hangup() {
    this.command('hangup')
  }

  press(key: string) {
    this.command('sndcode', key)
    this.command('sndcode', '\u0004')
  }

  async close() {
    this.control?.destroy()
    const ended = new Promise((done) => this.process.once('exit', done))
    if (this.process.exitCode == null) {
      this.process.kill('SIGKILL')
      await ended
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}

function modulePath() {
  for (const dir of ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules', '/opt/homebrew/lib/baresip/modules']) {
    try {
      if (readdirSync(dir).length > 0) return dir
    } catch {
      // not here
    }
  }
  return undefined
}

function open(port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const s = connect(port, '127.0.0.1', () => done(s))
    s.once('error', fail)
  })
}
