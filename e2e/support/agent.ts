// An agent at the desk: Chromium with a tone for a microphone, and an ear on
// what its peer connection plays.
import { chromium, type Browser, type Page } from '@playwright/test'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually, logins, type Hospital } from './hospital.js'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
]

export const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/Applications/Chromium.app/Contents/MacOS/Chromium'].find(existsSync)

/** A browser whose microphone hears one tone (Hz). */
export class Listener {
  private constructor(
    readonly browser: Browser,
    readonly page: Page,
    private readonly dir: string,
  ) {}

  static async open(hospital: Hospital, tone: number) {
    const dir = mkdtempSync(path.join(tmpdir(), 'heartline-mic-'))
    const mic = path.join(dir, 'mic.wav')
    writeFileSync(mic, toneWav(tone))
    const browser = await chromium.launch({ executablePath, args: [...flags, `--use-file-for-fake-audio-capture=${mic}`] })
    const context = await browser.newContext({ baseURL: hospital.url, viewport: { width: 1440, height: 900 }, permissions: ['microphone'], locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
    await context.addInitScript(watchConnections)
    return new Listener(browser, await context.newPage(), dir)
  }

  async signIn(who: keyof typeof logins) {
    await this.page.goto('/')
    await this.page.locator('input[name=login]').fill(logins[who].login)
    await this.page.locator('input[name=password]').fill(logins[who].password)
    await this.page.locator('button[type=submit]').click()
    await this.page.waitForURL((u) => !u.pathname.includes('sign-in'))
  }

  /** The loudest frequency heard right now (Hz), 0 when silent. */
  async hears(): Promise<number> {
    return this.page.evaluate(() => (window as unknown as { heardTone(): number }).heardTone())
  }

  async hearsTone(hz: number, ms = 10_000) {
    await eventually(`hearing ${hz} Hz`, async () => Math.abs((await this.hears()) - hz) < 30, ms)
  }

  async close() {
    await this.browser.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

// Runs in the page before the app: keeps an ear on every remote track.
function watchConnections() {
  const Native = window.RTCPeerConnection
  const ears: AnalyserNode[] = []
  let sound: AudioContext | undefined
  class Watched extends Native {
    constructor(config?: RTCConfiguration) {
      super(config)
      this.addEventListener('track', (e) => {
        sound ??= new AudioContext()
        void sound.resume()
        const ear = sound.createAnalyser()
        ear.fftSize = 8192
        ear.smoothingTimeConstant = 0
        sound.createMediaStreamSource(new MediaStream([e.track])).connect(ear)
        ears.push(ear)
      })
    }
  }
  window.RTCPeerConnection = Watched as typeof RTCPeerConnection
  ;(window as unknown as { heardTone(): number }).heardTone = () => {
    let best = { level: -70, hz: 0 }
    for (const ear of ears) {
      const bins = new Float32Array(ear.frequencyBinCount)
      ear.getFloatFrequencyData(bins)
      const step = ear.context.sampleRate / ear.fftSize
      for (let i = Math.ceil(100 / step); i * step < 3600; i++) if (bins[i] > best.level) best = { level: bins[i], hz: i * step }
    }
    return best.hz
  }
}

function toneWav(hz: number, seconds = 10, rate = 48000): Buffer {
  const n = rate * seconds
  const b = Buffer.alloc(44 + 2 * n)
  b.write('RIFF', 0, 'latin1')
  b.writeUInt32LE(36 + 2 * n, 4)
  b.write('WAVEfmt ', 8, 'latin1')
  b.writeUInt32LE(16, 16)
  b.writeUInt16LE(1, 20)
  b.writeUInt16LE(1, 22)
  b.writeUInt32LE(rate, 24)
  b.writeUInt32LE(2 * rate, 28)
  b.writeUInt16LE(2, 32)
  b.writeUInt16LE(16, 34)
  b.write('data', 36, 'latin1')
  b.writeUInt32LE(2 * n, 40)
  for (let i = 0; i < n; i++) b.writeInt16LE(Math.round(9000 * Math.sin((2 * Math.PI * hz * i) / rate)), 44 + 2 * i)
  return b
}
