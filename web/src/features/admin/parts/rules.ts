// Number rules as the trunk applies them, for the trial below the rules.
export interface NumberRule {
  direction: string
  prefix?: string
  min_len?: number
  max_len?: number
  strip?: number
  prepend?: string
}

/** The first rule that fits rewrites the number; without one it stays. */
export function rewrite(rules: NumberRule[], direction: 'in' | 'out', number: string): string {
  const n = number.trim()
  const r = rules.find((x) => x.direction === direction && n.startsWith(x.prefix ?? '') && n.length >= (x.min_len ?? 0) && (!x.max_len || n.length <= x.max_len))
  return r ? (r.prepend ?? '') + n.slice(r.strip ?? 0) : n
}
