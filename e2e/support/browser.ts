// Chromium with a tone for a microphone, and an ear on what it plays.
import { chromium, expect, type BrowserContextOptions, type BrowserServer, type ConsoleMessage, type Page } from '@playwright/test'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { words, type Hospital } from './hospital.js'
import { toneWav } from './sound.js'
import { eventually } from './wait.js'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
]

export const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/Applications/Chromium.app/Contents/MacOS/Chromium'].find(existsSync)

/** Everybody whose browser is open. */
export const sitters = new Set<Sitter>()

export type Look = { tone?: number; voice?: Buffer; url?: string; locale?: 'zh-CN' | 'en'; size?: { width: number; height: number } }

/** A person at a browser whose microphone hears one tone. */
export class Sitter {
  readonly words: (key: string) => string
  private readonly locale: 'zh-CN' | 'en'
  readonly troubles: string[] = []
  readonly told: string[] = [] // requests that failed, and all of the console

  protected constructor(
    readonly hospital: Hospital,
    readonly page: Page,
    private readonly server: BrowserServer,
    private readonly dir: string,
    locale: 'zh-CN' | 'en',
  ) {
    this.words = words((this.locale = locale))
    sitters.add(this)
    page.on('console', (m: ConsoleMessage) => this.hear(m))
    page.on('pageerror', (e) => this.trouble(String(e)))
    page.on('websocket', (ws) => {
      const note = (what: string) => (text: { payload: string | Buffer }) => this.told.push(`${new Date().toISOString()} ${what} ${String(text.payload).slice(0, 300)}`)
      ws.on('framereceived', note('<'))
      ws.on('framesent', note('>'))
      ws.on('close', () => this.told.push(`${new Date().toISOString()} closed ${ws.url()}`))
    })
    page.on('response', (r) => r.status() >= 400 && void r.text().then((text) => this.told.push(`${r.request().method()} ${r.url()} ${r.status()} ${text}`), () => {}))
  }

  private hear(m: ConsoleMessage) {
    if (m.type() === 'error') this.trouble(`${m.text()} (${m.location().url})`)
    else this.told.push(m.text())
  }

  private trouble(text: string) {
    this.troubles.push(text)
    this.told.push(text)
  }

  static async open(hospital: Hospital, look: Look = {}): Promise<Sitter> {
    return new Sitter(...(await Sitter.launch(hospital, look)))
  }

  protected static async launch(hospital: Hospital, look: Look): Promise<[Hospital, Page, BrowserServer, string, 'zh-CN' | 'en']> {
    const dir = mkdtempSync(path.join(tmpdir(), 'heartline-mic-'))
    const mic = path.join(dir, 'mic.wav')
    writeFileSync(mic, look.voice ?? toneWav(look.tone ?? 1000))
    const server = await chromium.launchServer({ executablePath, args: [...flags, `--use-file-for-fake-audio-capture=${mic}`] })
    const browser = await chromium.connect(server.wsEndpoint())
    const locale = look.locale ?? 'zh-CN'
    const options: BrowserContextOptions = { baseURL: look.url ?? hospital.url, viewport: look.size ?? { width: 1440, height: 900 }, permissions: ['microphone'], locale, timezoneId: 'Asia/Shanghai' }
    const context = await browser.newContext(options)
    await context.addInitScript(rig)
    if (locale !== 'zh-CN') await context.addInitScript((l) => localStorage.setItem('heartline.locale', l), locale)
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    return [hospital, page, server, dir, locale]
  }

  async signIn(who: string) {
    const { login, password } = this.hospital.login(who)
    await this.page.goto('/sign-in')
    await this.page.locator('#login').fill(login)
    await this.page.locator('#password').fill(password)
    await this.page.locator('button[type=submit]').click()
    await this.page.waitForURL((u) => !u.pathname.includes('sign-in'))
    if (this.locale === 'en') await this.speakEnglish()
  }

  /** Changes the language of whoever is signed in. */
  private async speakEnglish() {
    if ((await this.page.locator('html').getAttribute('lang')) === 'en') return
    await this.page.locator('button.me').click()
    await this.page.getByRole('menuitem', { name: 'English' }).click()
    await expect(this.page.locator('html')).toHaveAttribute('lang', 'en')
  }

  who = '' // is signed in

  /** Signs in as somebody, unless that is who is signed in; '' is nobody. */
  async as(who: string) {
    if (who === this.who) return
    await this.page.context().clearCookies()
    this.who = who
    if (who) await this.signIn(who)
  }

  /** Opens a page and waits until it has all it shows. */
  async visit(path: string) {
    await this.page.goto(path)
    await expect(this.page.locator('main').first()).toBeVisible()
    await this.page.waitForLoadState('networkidle', { timeout: 900 }).catch(() => {}) // some pages ask again and again
    await this.settled()
  }

  /** Goes to a page inside the app, without loading it anew. */
  async go(path: string) {
    await this.page.evaluate((to) => {
      history.pushState({}, '', to)
      dispatchEvent(new PopStateEvent('popstate', { state: {} }))
    }, path)
    await this.page.waitForLoadState('networkidle', { timeout: 500 }).catch(() => {})
    await this.settled()
  }

  /** Waits until everything has been read, drawn and moved to its place. */
  async settled() {
    await expect(this.page.locator('.bones, [aria-busy=true]')).toHaveCount(0)
    await this.page.evaluate(async () => {
      await document.fonts.ready
      await Promise.all(Array.from(document.images).filter((i) => i.loading !== 'lazy').map((i) => i.complete || new Promise((done) => ((i.onload = done), (i.onerror = done)))))
      await Promise.all(document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished.catch(() => {})))
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    })
  }

  /** Keys of messages that stand on the page instead of words. */
  rawKeys(text: string): string[] {
    const groups = ['common', 'menu', 'desk', 'call', 'calls', 'wall', 'admin', 'error', 'field', 'person', 'patient', 'try', 'report', 'kpi', 'settings', 'timeline', 'flow', 'prompt']
    return [...text.matchAll(/\b([a-z]+)\.[a-z_]+(\.[a-z_]+)*\b/g)].filter((m) => groups.includes(m[1])).map((m) => m[0])
  }

  /** The loudest frequency heard right now (Hz), 0 when it is quiet. */
  hears(): Promise<number> {
    return this.page.evaluate(() => (window as unknown as { heardPitch(): number }).heardPitch())
  }

  /** Whether a tone is among what is heard. */
  hasTone(hz: number): Promise<boolean> {
    return this.page.evaluate((f) => (window as unknown as { hasTone(hz: number): boolean }).hasTone(f), hz)
  }

  async hearsTone(hz: number, ms = 10_000) {
    let last = 0
    await eventually(`${hz} Hz in the browser`, async () => Math.abs((last = await this.hears()) - hz) < 25, ms).catch((e: Error) => {
      throw new Error(`${e.message}; it hears ${Math.round(last)} Hz`)
    })
  }

  /** The browser is gone at once, as in a power cut. */
  async crash() {
    sitters.delete(this)
    await this.server.kill()
  }

  async close() {
    sitters.delete(this)
    await this.server.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

// Runs in the page before the app. A tone is no speech: what browsers do
// against noise and echo is switched off, and every remote track gets an ear.
function rig() {
  const devices = navigator.mediaDevices
  if (devices) {
    const ask = devices.getUserMedia.bind(devices)
    devices.getUserMedia = (c) => {
      const audio = typeof c?.audio === 'object' ? c.audio : {}
      return ask({ ...c, audio: { ...audio, echoCancellation: false, noiseSuppression: false, autoGainControl: false } })
    }
  }
  const Native = window.RTCPeerConnection
  const ears: { analyser: AnalyserNode; track: MediaStreamTrack }[] = []
  let sound: AudioContext | undefined
  class Watched extends Native {
    constructor(config?: RTCConfiguration) {
      super(config)
      this.addEventListener('track', (e) => {
        sound ??= new AudioContext()
        void sound.resume()
        const analyser = sound.createAnalyser()
        analyser.fftSize = 8192
        analyser.smoothingTimeConstant = 0
        sound.createMediaStreamSource(new MediaStream([e.track])).connect(analyser)
        ears.push({ analyser, track: e.track })
      })
    }
  }
  window.RTCPeerConnection = Watched as typeof RTCPeerConnection
  // A tone stands out of its neighbourhood.
  ;(window as unknown as { hasTone(hz: number): boolean }).hasTone = (hz) =>
    ears.some(({ analyser, track }) => {
      const bins = new Float32Array(analyser.frequencyBinCount)
      analyser.getFloatFrequencyData(bins)
      const at = Math.round((hz * analyser.fftSize) / analyser.context.sampleRate)
      const around = Math.max(bins[at - 15], bins[at + 15])
      const here = Math.max(...bins.subarray(at - 2, at + 3))
      return track.readyState === 'live' && here > -50 && here > around + 15
    })
  ;(window as unknown as { heardPitch(): number }).heardPitch = () => {
    let best = { level: -60, hz: 0 }
    for (const { analyser, track } of ears) {
      if (track.readyState === 'ended') continue
      const bins = new Float32Array(analyser.frequencyBinCount)
      analyser.getFloatFrequencyData(bins)
      const step = analyser.context.sampleRate / analyser.fftSize
      for (let i = Math.ceil(150 / step); i * step < 3400; i++) if (bins[i] > best.level) best = { level: bins[i], hz: i * step }
    }
    return best.hz
  }
}
