// How a file becomes customers, step by step. Pure.
import type { ImportJob } from '../types'

export type Step = 'map' | 'check' | 'run' | 'undo'

/** What may be done with an import now, the next thing first. */
export function stepsOf(im: ImportJob): Step[] {
  switch (im.status) {
    case 'uploaded':
      return ['map', 'check']
    case 'mapped':
      return ['check', 'map']
    case 'checked':
      return im.created > 0 ? ['run', 'check', 'map'] : ['map', 'check']
    case 'done':
      return im.created > im.undone ? ['undo'] : []
    default:
      return []
  }
}

export function share(im: Pick<ImportJob, 'done' | 'total' | 'status' | 'created'>): number {
  const of = im.status === 'undoing' ? im.created : im.total
  return of > 0 ? Math.min(100, Math.round((im.done / of) * 100)) : 0
}

export const tone = (status: string): string => ({ done: 'ok', checked: 'accent', failed: 'bad', undone: '', checking: 'info', running: 'info', undoing: 'info' })[status] ?? 'warn'

/** Why a mapping cannot be used, as a message key; "" when it can. */
export function mappingProblem(mapping: string[]): string {
  const used = mapping.filter(Boolean)
  if (!used.includes('name')) return 'import.need_name'
  if (new Set(used).size !== used.length) return 'import.field_twice'
  return ''
}

/** Fields that no other column is. */
export function freeFields(fields: string[], mapping: string[], at: number): string[] {
  return fields.filter((f) => f === mapping[at] || !mapping.includes(f))
}

/** "phones[0].number" → "phones": the field that people know. */
export function cellField(path: string): string {
  return path.split(/[.[]/)[0] ?? ''
}
