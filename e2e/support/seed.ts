// Once per run: lets the program seed an empty data folder and end, so that
// every test file can start from a copy of it.
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { Hospital } from './hospital.js'

export default async function seed() {
  if (process.env.E2E_SEED) return undefined // made earlier by somebody who also clears it away
  const h = new Hospital()
  mkdirSync(h.data)
  await h.start()
  h.signal('SIGTERM')
  await h.ended()
  if (h.exitCode !== 0) throw new Error(`the seeding run ended with ${h.exitCode}:\n${h.log}`)
  process.env.E2E_SEED = path.join(h.folder, 'var')
  return () => rmSync(h.folder, { recursive: true, force: true })
}
