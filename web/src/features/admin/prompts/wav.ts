// Any sound the browser can read, as the 16 kHz mono WAV that the telephone wants.

const rate = 16_000

export async function toWav(source: Blob): Promise<Blob> {
  const ctx = new OfflineAudioContext(1, 1, rate)
  const decoded = await ctx.decodeAudioData(await source.arrayBuffer())
  const frames = Math.max(1, Math.ceil(decoded.duration * rate))
  const render = new OfflineAudioContext(1, frames, rate)
  const node = render.createBufferSource()
  node.buffer = decoded
  node.connect(render.destination)
  node.start()
  const mono = (await render.startRendering()).getChannelData(0)
  return new Blob([encodeWav(normalise(trim(mono)), rate)], { type: 'audio/wav' })
}

/** Cuts silence at both ends, leaving a tenth of a second. */
export function trim(pcm: Float32Array, floor = 0.008): Float32Array {
  let a = 0
  let b = pcm.length - 1
  while (a < b && Math.abs(pcm[a]!) < floor) a++
  while (b > a && Math.abs(pcm[b]!) < floor) b--
  if (a >= b) return pcm
  const pad = rate / 10
  return pcm.subarray(Math.max(0, a - pad), Math.min(pcm.length, b + pad))
}

/** Brings the loudest moment to −3 dB, but lifts whispers by no more than 12 dB. */
export function normalise(pcm: Float32Array): Float32Array {
  let peak = 0
  for (const v of pcm) peak = Math.max(peak, Math.abs(v))
  const gain = peak > 0 ? Math.min(4, 0.708 / peak) : 1
  return pcm.map((v) => v * gain)
}

export function encodeWav(pcm: Float32Array, hz: number): ArrayBuffer {
  const buf = new ArrayBuffer(44 + pcm.length * 2)
  const v = new DataView(buf)
  const text = (at: number, s: string) => [...s].forEach((c, i) => v.setUint8(at + i, c.charCodeAt(0)))
  text(0, 'RIFF')
  v.setUint32(4, 36 + pcm.length * 2, true)
  text(8, 'WAVEfmt ')
  v.setUint32(16, 16, true)
  v.setUint16(20, 1, true)
  v.setUint16(22, 1, true)
  v.setUint32(24, hz, true)
  v.setUint32(28, hz * 2, true)
  v.setUint16(32, 2, true)
  v.setUint16(34, 16, true)
  text(36, 'data')
  v.setUint32(40, pcm.length * 2, true)
  pcm.forEach((s, i) => v.setInt16(44 + i * 2, Math.round(Math.max(-1, Math.min(1, s)) * 32767), true))
  return buf
}
