// A hospital's rules as data, and the same rules in words. The server's
// document is the truth; this is its shape and its reading.

export interface Window {
  from: number
  to: number
}
export interface Limit {
  scope: string
  per: string
  count: number
}
export interface Deadline {
  kind: string
  at?: string
  minutes?: number
}
export interface PenaltyRule {
  events: string[]
  count: number
  per: string
  months?: number
  ban: { kind: string; n?: number }
}
export interface Policy {
  window: Window
  channels?: Record<string, Window>
  release: string
  next_day_close: string
  min_age: number
  real_name: boolean
  limits: Limit[]
  cancel: Deadline
  cancel_by_type?: Record<string, Deadline>
  late: { kind: string; grace_minutes: number }
  penalties: PenaltyRule[]
  hold_minutes: number
  offer_minutes: number
  offer_hours: number
  reminder_at: string
  quiet_from: string
  quiet_to: string
  vip_price: { percent: number; types?: string[]; published: string }
}

export const choices = {
  scope: ['person', 'department', 'doctor', 'department_doctor', 'period'],
  per: ['day', 'month'],
  span: ['month', 'half_year', 'year', 'rolling'],
  deadline: ['before_start', 'previous_day', 'previous_working_day', 'start_of_day'],
  event: ['no_show', 'cancel', 'same_day_refund'],
  ban: ['month_end', 'months', 'days', 'days_ordinal'],
  late: ['keep', 'miss'],
  type: ['ordinary', 'expert', 'special', 'exam'],
  channel: ['desk', 'ivr', 'web', 'kiosk', 'onsite', 'sms', 'referral', 'wechat'],
}

type T = (key: string, params?: Record<string, unknown>) => string
type Code = (group: string, value?: string | null) => string

export function deadlineWords(d: Deadline, t: T): string {
  if (d.kind === 'before_start') {
    const m = d.minutes ?? 0
    return m === 0 ? t('policy.until_start') : m % 60 === 0 ? t('policy.before_hours', { n: m / 60 }) : t('policy.before_minutes', { n: m })
  }
  return t(`policy.until.${d.kind}`, { t: d.at ?? '' })
}

export function banWords(b: PenaltyRule['ban'], t: T): string {
  return t(`policy.ban.${b.kind}`, { n: b.n ?? 0 })
}

/** The policy as sentences, in the order in which a person would ask. */
export function inWords(p: Policy, t: T, code: Code): string[] {
  const out: string[] = []
  const windowWords = (w: Window) => (w.from === 0 ? t('policy.window_today', { to: w.to }) : t('policy.window', w as unknown as Record<string, unknown>))
  out.push(windowWords(p.window))
  const groups = new Map<string, string[]>()
  for (const [c, w] of Object.entries(p.channels ?? {})) groups.set(windowWords(w), [...(groups.get(windowWords(w)) ?? []), code('bookchannel', c)])
  for (const [w, list] of groups) out.push(t('policy.channel_window', { channels: list.join('、'), window: w }))
  if (p.release) out.push(t('policy.release', { t: p.release, n: p.window.to }))
  if (p.next_day_close) out.push(t('policy.next_day_close', { t: p.next_day_close }))
  if (p.min_age > 0) out.push(t('policy.min_age', { n: p.min_age }))
  if (p.real_name) out.push(t('policy.real_name'))
  for (const l of p.limits) out.push(t('policy.limit', { scope: t(`policy.scope.${l.scope}`), per: t(`policy.per.${l.per}`), n: l.count }))
  out.push(t('policy.cancel', { deadline: deadlineWords(p.cancel, t) }))
  for (const [type, d] of Object.entries(p.cancel_by_type ?? {})) out.push(t('policy.cancel_type', { type: code('numbertype', type), deadline: deadlineWords(d, t) }))
  out.push(p.late.kind === 'miss' ? t('policy.late_miss', { n: p.late.grace_minutes }) : t('policy.late_keep'))
  for (const r of p.penalties) {
    const span = r.per === 'rolling' ? t('policy.span.rolling', { n: r.months ?? 0 }) : t(`policy.span.${r.per}`)
    out.push(t('policy.penalty', { events: r.events.map((e) => code('penaltyevent', e)).join('、'), span, n: r.count, ban: banWords(r.ban, t) }))
  }
  const v = p.vip_price
  out.push(v.percent ? t('policy.vip_price', { types: v.types?.length ? v.types.map((x) => code('numbertype', x)).join('、') : t('policy.all_types'), n: v.percent, published: v.published }) : t('policy.no_vip_price'))
  out.push(t('policy.hold', { n: p.hold_minutes }), t('policy.offer', { n: p.offer_minutes }), t('policy.reminder', { t: p.reminder_at, from: p.quiet_from, to: p.quiet_to }))
  return out
}

/** What a document typed as JSON is, or why it is none. The server checks the rest. */
export function parsePolicy(text: string): { policy?: Policy; problem?: string } {
  try {
    const v = JSON.parse(text) as Policy
    if (!v || typeof v !== 'object' || !v.window || !v.cancel || !v.late) return { problem: 'policy.json_incomplete' }
    return { policy: { ...v, limits: v.limits ?? [], penalties: v.penalties ?? [], vip_price: v.vip_price ?? { percent: 0, published: '' } } }
  } catch {
    return { problem: 'policy.json_broken' }
  }
}
