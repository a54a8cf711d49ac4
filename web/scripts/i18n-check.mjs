// Fails when a message is missing in a language, is used but not defined, is
// defined but never used, or has other parameters in another language.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../src', import.meta.url))
const load = (name) => JSON.parse(readFileSync(join(root, 'locales', `${name}.json`), 'utf8'))
const zh = load('zh-CN')
const en = load('en')

// Keys that the server chooses: error keys, codes of roles, jobs, checks.
const fromServer = ['error.', 'role.', 'permission.', 'alarm.', 'check.', 'job.', 'audit.', 'event.', 'cause.', 'flowproblem.', 'exclusion.']

function* files(dir) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    const p = join(dir, e.name)
    if (e.isDirectory()) yield* files(p)
    else if (/\.(vue|ts)$/.test(e.name) && !/\.(test|d)\.ts$/.test(e.name)) yield p
  }
}

const keys = new Set(Object.keys(zh))
const exact = new Set()
const prefixes = new Set(fromServer)
for (const f of files(root)) {
  const text = readFileSync(f, 'utf8')
  for (const m of text.matchAll(/\bt\(\s*'([^']+)'/g)) exact.add(m[1])
  for (const m of text.matchAll(/\bt\(\s*`([^`$]+)\$\{/g)) prefixes.add(m[1])
  for (const m of text.matchAll(/\bcode\(\s*'([^']+)'/g)) prefixes.add(`${m[1]}.`)
  for (const m of text.matchAll(/\bgroup: '([^']+)'/g)) prefixes.add(`${m[1]}.`)
  for (const m of text.matchAll(/\bcodes: \{([^}]*)\}/g)) for (const v of m[1].matchAll(/'([^']+)'/g)) prefixes.add(`${v[1]}.`)
  for (const m of text.matchAll(/[`'"]([a-z_]+(?:\.[a-z0-9_-]+)+)\.?\$?[`'"{]/gi)) if (keys.has(m[1])) exact.add(m[1])
}

const problems = []
const params = (s) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join()
for (const k of Object.keys(zh)) {
  if (!(k in en)) problems.push(`en lacks ${k}`)
  else if (params(zh[k]) !== params(en[k])) problems.push(`parameters differ: ${k}`)
}
for (const k of Object.keys(en)) if (!(k in zh)) problems.push(`zh-CN lacks ${k}`)
for (const k of exact) if (!keys.has(k)) problems.push(`used but not defined: ${k}`)
for (const k of keys) {
  if (exact.has(k) || [...prefixes].some((p) => k.startsWith(p))) continue
  problems.push(`never used: ${k}`)
}
for (const [name, all] of [['zh-CN', zh], ['en', en]])
  for (const [k, v] of Object.entries(all)) if (!String(v).trim()) problems.push(`${name} is empty: ${k}`)

if (problems.length) {
  console.error(problems.join('\n'))
  console.error(`${problems.length} problems in the messages`)
  process.exit(1)
}
console.log(`${keys.size} messages, both languages complete`)
