// Listening: tones by Goertzel's algorithm, prompts by normalised
// cross-correlation, on WAV files of 8 or 16 kHz, PCM or A-law.
import { readFileSync } from 'node:fs'

export type Sound = { rate: number; channels: Float32Array[] }

export function readWav(file: string | Buffer): Sound {
  const b = typeof file === 'string' ? readFileSync(file) : file
  let at = 12
  let rate = 8000
  let count = 1
  let law = false
  while (at + 8 <= b.length) {
    const id = b.toString('latin1', at, at + 4)
    let size = b.readUInt32LE(at + 4)
    if (id === 'fmt ') {
      law = b.readUInt16LE(at + 8) === 6
      count = b.readUInt16LE(at + 10)
      rate = b.readUInt32LE(at + 12)
    }
    if (id === 'data') {
      // A file that is still being written has no length yet.
      if (size === 0 || at + 8 + size > b.length) size = b.length - at - 8
      const data = b.subarray(at + 8, at + 8 + size)
      return { rate, channels: split(law ? fromALaw(data) : data, count) }
    }
    at += 8 + size + (size & 1)
  }
  throw new Error('no data chunk in the WAV file')
}

/** 16-bit samples of A-law (G.711). */
function fromALaw(data: Buffer): Buffer {
  const out = Buffer.alloc(2 * data.length)
  data.forEach((byte, i) => {
    const v = byte ^ 0x55
    const exponent = (v >> 4) & 7
    const mantissa = ((v & 15) << 4) + 8
    const size = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1)
    out.writeInt16LE(v & 0x80 ? size : -size, 2 * i)
  })
  return out
}

function split(data: Buffer, count: number): Float32Array[] {
  const frames = Math.floor(data.length / 2 / count)
  const out = Array.from({ length: count }, () => new Float32Array(frames))
  for (let i = 0; i < frames; i++) for (let c = 0; c < count; c++) out[c][i] = data.readInt16LE(2 * (i * count + c)) / 32768
  return out
}

/** Share of the energy of a piece that lies at a frequency, 0..1. */
export function toneShare(x: Float32Array, rate: number, hz: number): number {
  const w = (2 * Math.PI * hz) / rate
  let [re, im, energy] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    re += x[i] * Math.cos(w * i)
    im += x[i] * Math.sin(w * i)
    energy += x[i] * x[i]
  }
  return energy === 0 ? 0 : (2 * (re * re + im * im)) / (x.length * energy)
}

/** Seconds in which the tone dominates, in windows of 100 ms. */
export function toneSeconds(x: Float32Array, rate: number, hz: number): number {
  const n = rate / 10
  let windows = 0
  for (let at = 0; at + n <= x.length; at += n) {
    const piece = x.subarray(at, at + n)
    if (rms(piece) > 0.01 && toneShare(piece, rate, hz) > 0.6) windows++
  }
  return windows / 10
}

/** The tone that fills a piece (Hz), 0 when no single tone does. */
export function heardPitch(x: Float32Array, rate: number): number {
  if (x.length < rate / 10 || rms(x) < 0.01) return 0
  let best = { share: 0, hz: 0 }
  for (let hz = 200; hz <= 3000; hz += 5) {
    const share = toneShare(x.subarray(0, 800), rate, hz)
    if (share > best.share) best = { share, hz }
  }
  return best.share > 0.5 ? best.hz : 0
}

export function rms(x: Float32Array): number {
  let sum = 0
  for (const v of x) sum += v * v
  return x.length === 0 ? 0 : Math.sqrt(sum / x.length)
}

/** Halves the rate of a 16 kHz sound after a short low-pass. */
export function toTelephone(s: Sound): Float32Array {
  const x = s.channels[0]
  if (s.rate === 8000) return x
  const out = new Float32Array(Math.floor(x.length / 2))
  for (let i = 0; i < out.length; i++) {
    const at = 2 * i
    out[i] = 0.25 * (x[at - 1] ?? 0) + 0.5 * x[at] + 0.25 * (x[at + 1] ?? 0)
  }
  return out
}

/** Best normalised correlation of needle anywhere in hay, and where (s). */
export function correlate(hay: Float32Array, needle: Float32Array, rate = 8000): { score: number; at: number } {
  const n = Math.min(needle.length, 2 * rate)
  const probe = needle.subarray(0, n)
  const norm = Math.hypot(...chunks(probe))
  let best = { score: 0, at: -1 }
  let energy = 0
  for (let i = 0; i < n && i < hay.length; i++) energy += hay[i] * hay[i]
  for (let at = 0; at + n <= hay.length; at++) {
    if (at > 0) energy += hay[at + n - 1] ** 2 - hay[at - 1] ** 2
    if (energy < 1e-3) continue
    // A coarse look first: every eighth sample tells whether it is worth more.
    let coarse = 0
    for (let i = 0; i < n; i += 8) coarse += hay[at + i] * probe[i]
    if ((8 * coarse) / (norm * Math.sqrt(energy)) < best.score * 0.6) continue
    let sum = 0
    for (let i = 0; i < n; i++) sum += hay[at + i] * probe[i]
    const score = sum / (norm * Math.sqrt(energy))
    if (score > best.score) best = { score, at: at / rate }
  }
  return best
}

// Math.hypot takes arguments, so it is fed the norms of short pieces.
function chunks(x: Float32Array): number[] {
  const out: number[] = []
  for (let i = 0; i < x.length; i += 1000) {
    let sum = 0
    for (let j = i; j < Math.min(i + 1000, x.length); j++) sum += x[j] * x[j]
    out.push(Math.sqrt(sum))
  }
  return out
}

/** A tone as a WAV file. */
export function toneWav(hz: number, seconds = 10, rate = 48000): Buffer {
  return wav(Float32Array.from({ length: rate * seconds }, (_, i) => 0.27 * Math.sin((2 * Math.PI * hz * i) / rate)), rate)
}

/** A WAV file of one channel, 16 bits. */
export function wav(x: Float32Array, rate: number): Buffer {
  const b = Buffer.alloc(44 + 2 * x.length)
  b.write('RIFF', 0, 'latin1')
  b.writeUInt32LE(36 + 2 * x.length, 4)
  b.write('WAVEfmt ', 8, 'latin1')
  b.writeUInt32LE(16, 16)
  b.writeUInt16LE(1, 20)
  b.writeUInt16LE(1, 22)
  b.writeUInt32LE(rate, 24)
  b.writeUInt32LE(2 * rate, 28)
  b.writeUInt16LE(2, 32)
  b.writeUInt16LE(16, 34)
  b.write('data', 36, 'latin1')
  b.writeUInt32LE(2 * x.length, 40)
  x.forEach((v, i) => b.writeInt16LE(Math.round(Math.max(-1, Math.min(1, v)) * 32767), 44 + 2 * i))
  return b
}

/** The telephone keys whose two tones are in a sound, in their order. */
export function keysIn(x: Float32Array, rate: number): string {
  const [rows, columns, n] = [[697, 770, 852, 941], [1209, 1336, 1477, 1633], Math.round(rate / 25)]
  let [keys, last] = ['', '']
  for (let at = 0; at + n <= x.length; at += n) {
    const piece = x.subarray(at, at + n)
    let key = ''
    if (rms(piece) > 0.003) {
      const [row, column] = [rows, columns].map((list) => list.map((hz) => toneShare(piece, rate, hz)))
      const [r, c] = [row, column].map((list) => list.indexOf(Math.max(...list)))
      if (row[r] > 0.25 && column[c] > 0.25 && row[r] + column[c] > 0.8) key = '123A456B789C*0#D'[4 * r + c]
    }
    if (key && key !== last) keys += key
    last = key
  }
  return keys
}
