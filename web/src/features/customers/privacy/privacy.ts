// What can be done with a privacy request, and how it looks. Pure.
import type { PrivacyRequest } from '../types'

export const kinds = ['export', 'restrict', 'lift', 'delete'] as const
export const statuses = ['open', 'approved', 'running', 'done', 'refused', 'failed'] as const
export const channels = ['phone', 'portal', 'onsite', 'mail'] as const
export const requesters = ['self', 'guardian', 'relative'] as const

export const tone = (r: PrivacyRequest): string =>
  ({ open: r.overdue ? 'bad' : 'warn', approved: 'info', running: 'info', done: 'ok', refused: '', failed: 'bad' })[r.status]

/** Days to the deadline, negative when it has passed. */
export function daysLeft(due: string, now = Date.now()): number {
  return Math.floor((Date.parse(due) - now) / 86_400_000)
}

export interface Steps {
  decide: boolean
  accept: boolean
  /** Somebody else than who took it down has to accept a removal. */
  secondPerson: boolean
  again: boolean
  files: boolean
}

export function stepsOf(r: PrivacyRequest, me: string, now = Date.now()): Steps {
  const open = r.status === 'open'
  const secondPerson = r.kind === 'delete' && r.created_by === me
  const fresh = Boolean(r.file_until && Date.parse(r.file_until) > now)
  return {
    decide: open,
    accept: open && !secondPerson && !(r.kind === 'delete' && r.obstacles.length),
    secondPerson: open && secondPerson,
    again: r.status === 'failed' || (r.kind === 'export' && r.status === 'done' && !fresh),
    files: r.kind === 'export' && r.status === 'done' && fresh,
  }
}

/** A removal wants the customer's code typed: what cannot be undone must not be a slip of the hand. */
export function confirmed(r: PrivacyRequest, typed: string, code: string): boolean {
  return r.kind !== 'delete' || (code !== '' && typed.trim().toUpperCase() === code.toUpperCase())
}
