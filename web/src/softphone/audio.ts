// Everything that makes or measures sound in the page: ringtone, keys, levels.

let context: AudioContext | undefined

/** Browsers allow sound only after a click; sign-in calls this from one. */
export function unlockAudio(): AudioContext | undefined {
  if (typeof AudioContext === 'undefined') return undefined
  context ??= new AudioContext()
  if (context.state === 'suspended') void context.resume().catch(() => undefined)
  return context
}

/** A soft two-note figure, repeated until stopped. */
export class Ringtone {
  private timer?: ReturnType<typeof setInterval>
  private gain?: GainNode

  start(volume: number): void {
    if (this.timer) return
    const ctx = unlockAudio()
    if (!ctx) return
    this.gain = ctx.createGain()
    this.gain.gain.value = Math.max(0, Math.min(1, volume)) * 0.5
    this.gain.connect(ctx.destination)
    const bar = () => [0, 0.16, 0.32, 0.9, 1.06, 1.22].forEach((at, i) => this.note(ctx, at, [659.3, 784, 987.8][i % 3]!))
    bar()
    // After a reload the browser may allow sound only a moment later: ask again at every bar.
    this.timer = setInterval(() => (unlockAudio(), bar()), 2600)
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
    this.gain?.disconnect()
    this.gain = undefined
  }

  private note(ctx: AudioContext, at: number, hz: number): void {
    if (!this.gain || ctx.state !== 'running') return
    const t = ctx.currentTime + at
    const env = ctx.createGain()
    env.gain.setValueAtTime(0.0001, t)
    env.gain.exponentialRampToValueAtTime(0.7, t + 0.012)
    env.gain.exponentialRampToValueAtTime(0.0001, t + 0.5)
    env.connect(this.gain)
    for (const [mult, level] of [[1, 1], [3, 0.18]] as const) {
      const o = ctx.createOscillator()
      const g = ctx.createGain()
      g.gain.value = level
      o.frequency.value = hz * mult
      o.connect(g).connect(env)
      o.start(t)
      o.stop(t + 0.55)
    }
  }
}

const rows = [697, 770, 852, 941]
const cols = [1209, 1336, 1477]
const keys = '123456789*0#'

/** The short tone a key makes under the finger; the caller's line gets its own. */
export function keyTone(key: string, volume = 0.12): void {
  const i = keys.indexOf(key)
  const ctx = unlockAudio()
  if (i < 0 || !ctx) return
  const g = ctx.createGain()
  g.gain.setValueAtTime(volume, ctx.currentTime)
  g.gain.setTargetAtTime(0, ctx.currentTime + 0.09, 0.015)
  g.connect(ctx.destination)
  for (const hz of [rows[Math.floor(i / 3)]!, cols[i % 3]!]) {
    const o = ctx.createOscillator()
    o.frequency.value = hz
    o.connect(g)
    o.start()
    o.stop(ctx.currentTime + 0.16)
  }
}

/** Loudness of a stream, 0 to 1, for a meter: −60 dB is silent, 0 dB is full. */
export class LevelMeter {
  private readonly analyser?: AnalyserNode
  private readonly source?: MediaStreamAudioSourceNode
  private readonly buf = new Float32Array(1024)

  constructor(stream: MediaStream) {
    const ctx = unlockAudio()
    if (!ctx || stream.getAudioTracks().length === 0) return
    this.source = ctx.createMediaStreamSource(stream)
    this.analyser = ctx.createAnalyser()
    this.analyser.fftSize = 2048
    this.source.connect(this.analyser)
  }

  read(): number {
    if (!this.analyser) return 0
    this.analyser.getFloatTimeDomainData(this.buf)
    return loudness(this.buf)
  }

  close(): void {
    this.source?.disconnect()
  }
}

export function loudness(samples: Float32Array): number {
  let sum = 0
  for (const s of samples) sum += s * s
  const rms = Math.sqrt(sum / Math.max(1, samples.length))
  const db = 20 * Math.log10(Math.max(rms, 1e-6))
  return Math.max(0, Math.min(1, (db + 60) / 60))
}

export interface Device {
  id: string
  label: string
}

export async function devices(kind: 'audioinput' | 'audiooutput'): Promise<Device[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? []
  return all.filter((d) => d.kind === kind && d.deviceId).map((d) => ({ id: d.deviceId, label: d.label }))
}

/** Why getUserMedia refused, as a message key part. */
export function micReason(err: unknown): string {
  const name = err instanceof DOMException ? err.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing'
  if (name === 'NotReadableError') return 'busy'
  return 'unsupported'
}

export async function openMicrophone(deviceId = ''): Promise<MediaStream> {
  const base = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: deviceId ? { ...base, deviceId: { exact: deviceId } } : base })
  } catch (err) {
    if (deviceId && err instanceof DOMException && err.name === 'OverconstrainedError') return navigator.mediaDevices.getUserMedia({ audio: base })
    throw err
  }
}
