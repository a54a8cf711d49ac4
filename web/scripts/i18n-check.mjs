// Fails when a message is missing in a language, is used but not defined, is
// defined but never used, or has other parameters in another language. The
// portal and the kiosk have messages of their own, and share those that the
// server chooses.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../src', import.meta.url))
const entries = ['portal', 'kiosk']

// Keys that the server chooses: error keys, codes of roles, jobs, checks.
const fromServer = ['error.', 'role.', 'permission.', 'alarm.', 'check.', 'job.', 'audit.', 'dossier.', 'event.', 'cause.', 'flowproblem.', 'exclusion.']

function* files(dir, skip = []) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    const p = join(dir, e.name)
    if (skip.includes(p)) continue
    if (e.isDirectory()) yield* files(p)
    else if (/\.(vue|ts)$/.test(e.name) && !/\.(test|d)\.ts$/.test(e.name)) yield p
  }
}

const params = (s) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join()

/** Compares the messages in a folder with their uses; `outside` are defined elsewhere. */
function check(name, folder, sources, outside) {
  const load = (lang) => JSON.parse(readFileSync(join(folder, 'locales', `${lang}.json`), 'utf8'))
  const zh = load('zh-CN')
  const en = load('en')
  const keys = new Set(Object.keys(zh))
  const exact = new Set()
  const prefixes = new Set(fromServer)
  for (const f of sources) {
    const text = readFileSync(f, 'utf8')
    for (const m of text.matchAll(/\bt\(\s*'([^']+)'/g)) exact.add(m[1])
    for (const m of text.matchAll(/\bt\(\s*`([^`$]+)\$\{/g)) prefixes.add(m[1])
    for (const m of text.matchAll(/\bcode\(\s*'([^']+)'/g)) prefixes.add(`${m[1]}.`)
    for (const m of text.matchAll(/\bgroup: '([^']+)'/g)) prefixes.add(`${m[1]}.`)
    for (const m of text.matchAll(/\bcodes: \{([^}]*)\}/g)) for (const v of m[1].matchAll(/'([^']+)'/g)) prefixes.add(`${v[1]}.`)
    for (const m of text.matchAll(/[`'"]([a-z_]+(?:\.[a-z0-9_-]+)+)\.?\$?[`'"{]/gi)) if (keys.has(m[1])) exact.add(m[1])
  }
  const problems = []
  for (const k of Object.keys(zh)) {
    if (!(k in en)) problems.push(`en lacks ${k}`)
    else if (params(zh[k]) !== params(en[k])) problems.push(`parameters differ: ${k}`)
  }
  for (const k of Object.keys(en)) if (!(k in zh)) problems.push(`zh-CN lacks ${k}`)
  for (const k of exact) if (!keys.has(k) && !outside.has(k)) problems.push(`used but not defined: ${k}`)
  for (const k of keys) {
    if (exact.has(k) || [...prefixes].some((p) => k.startsWith(p))) continue
    problems.push(`never used: ${k}`)
  }
  for (const [lang, all] of [['zh-CN', zh], ['en', en]])
    for (const [k, v] of Object.entries(all)) if (!String(v).trim()) problems.push(`${lang} is empty: ${k}`)
  return { keys, problems: problems.map((p) => `${name}: ${p}`) }
}

const own = entries.map((e) => join(root, e)).filter((dir) => existsSync(join(dir, 'locales', 'zh-CN.json')))
const desk = check('desk', root, files(root, own), new Set())
const problems = [...desk.problems]
let count = desk.keys.size
for (const dir of own) {
  const found = check(dir.slice(root.length + 1), dir, files(dir), desk.keys)
  problems.push(...found.problems)
  count += found.keys.size
}
if (problems.length) {
  console.error(problems.join('\n'))
  console.error(`${problems.length} problems in the messages`)
  process.exit(1)
}
console.log(`${count} messages, both languages complete`)
