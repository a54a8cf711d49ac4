// Which value of two records is kept. Pure.
import type { ComparedField, Comparison } from '../types'

export type Side = 'a' | 'b'

/** Lists are united and the code stays with its record: nothing to choose. */
const fixed = new Set(['allergies', 'hereditary_diseases', 'tags', 'code'])
/** Numbers may also be kept from both. */
const unites = new Set(['phones', 'identifiers'])

export type Choice = Side | 'both'

export function optionsOf(f: ComparedField): Choice[] {
  if (f.same || fixed.has(f.field)) return []
  return unites.has(f.field) ? ['a', 'both', 'b'] : ['a', 'b']
}

/** The choice in words of the server's suggestion, seen from the record that is kept: its own value, unless it says nothing. */
export function suggested(c: Comparison, keep: Side): Record<string, Choice> {
  const other: Side = keep === 'a' ? 'b' : 'a'
  const out: Record<string, Choice> = {}
  for (const f of c.fields) {
    if (!optionsOf(f).length) continue
    if (unites.has(f.field)) out[f.field] = f.field === 'identifiers' && twoCards(f) ? keep : 'both'
    else if (f.suggest === 'b') out[f.field] = 'b' // a says nothing
    else out[f.field] = silent(f, keep) ? other : keep
  }
  return out
}

/** Nobody has two identity cards: one of them is wrong, and somebody has to say which. */
function twoCards(f: ComparedField): boolean {
  const cards = (v: string) => v.split('; ').filter((x) => x.startsWith('id_card '))
  const [a, b] = [cards(f.a), cards(f.b)]
  return a.length > 0 && b.length > 0 && a.join() !== b.join()
}

function silent(f: ComparedField, side: Side): boolean {
  const v = f[side]
  return v === '' || (f.field === 'sex' && v === 'unknown') || (f.field === 'lifecycle' && v === 'potential')
}

/** What a line will hold after the merge. */
export function result(f: ComparedField, choice: Choice | undefined, keep: Side): string {
  if (f.same) return f.a
  if (f.field === 'code') return f[keep]
  if (fixed.has(f.field) || choice === 'both') return [...new Set([...f[keep].split('; '), ...f[keep === 'a' ? 'b' : 'a'].split('; ')])].filter(Boolean).join('; ')
  return f[choice === 'a' || choice === 'b' ? choice : keep]
}

/** The choices as the server takes them: of which record each field is kept; "both" is its own way and is left out. */
export function mergeFields(choices: Record<string, Choice>, keep: Side): Record<string, 'keep' | 'merge'> {
  const out: Record<string, 'keep' | 'merge'> = {}
  for (const [field, c] of Object.entries(choices)) if (c !== 'both') out[field] = c === keep ? 'keep' : 'merge'
  return out
}

/** The older record with more in it is the one to keep, unless somebody says otherwise. */
export function better(c: Comparison): Side {
  const weight = (s: Side): number => c.fields.filter((f) => f[s] && !silent(f, s)).length
  const d = weight('a') - weight('b')
  if (d !== 0) return d > 0 ? 'a' : 'b'
  return c.a.created_at <= c.b.created_at ? 'a' : 'b'
}
