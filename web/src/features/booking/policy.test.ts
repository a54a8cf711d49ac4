import { describe, expect, it } from 'vitest'
import { deadlineWords, inWords, parsePolicy, type Policy } from './policy'

// Keys with their parameters stand for the sentences: the words are checked elsewhere.
const t = (k: string, p: Record<string, unknown> = {}) => [k, ...Object.values(p)].join(' ')
const code = (_: string, v?: string | null) => v ?? ''

const policy: Policy = {
  window: { from: 1, to: 14 }, channels: { onsite: { from: 0, to: 14 }, kiosk: { from: 0, to: 14 } }, release: '06:30', next_day_close: '', min_age: 14, real_name: true,
  limits: [{ scope: 'department', per: 'day', count: 1 }], cancel: { kind: 'start_of_day' }, cancel_by_type: { expert: { kind: 'before_start', minutes: 720 } },
  late: { kind: 'miss', grace_minutes: 30 }, penalties: [{ events: ['no_show'], count: 3, per: 'rolling', months: 3, ban: { kind: 'months', n: 3 } }],
  hold_minutes: 15, offer_minutes: 30, offer_hours: 24, reminder_at: '17:00', quiet_from: '21:00', quiet_to: '08:00', vip_price: { percent: 0, published: '' },
}

describe('a policy in words', () => {
  const words = inWords(policy, t, code)
  it('says every rule once', () => {
    expect(words).toEqual([
      'policy.window 1 14', 'policy.channel_window onsite、kiosk policy.window_today 14', 'policy.release 06:30 14', 'policy.min_age 14', 'policy.real_name',
      'policy.limit policy.scope.department policy.per.day 1', 'policy.cancel policy.until.start_of_day ', 'policy.cancel_type expert policy.before_hours 12', 'policy.late_miss 30',
      'policy.penalty no_show policy.span.rolling 3 3 policy.ban.months 3', 'policy.no_vip_price', 'policy.hold 15', 'policy.offer 30', 'policy.reminder 17:00 21:00 08:00',
    ])
  })
  it('leaves out what does not apply', () => {
    const bare = inWords({ ...policy, channels: {}, release: '', min_age: 0, real_name: false, limits: [], cancel_by_type: {}, penalties: [], late: { kind: 'keep', grace_minutes: 0 } }, t, code)
    expect(bare).toHaveLength(7)
    expect(bare).toContain('policy.late_keep')
  })
})

it('counts deadlines in hours where it can', () => {
  expect(deadlineWords({ kind: 'before_start', minutes: 30 }, t)).toBe('policy.before_minutes 30')
  expect(deadlineWords({ kind: 'before_start', minutes: 0 }, t)).toBe('policy.until_start')
  expect(deadlineWords({ kind: 'previous_day', at: '17:00' }, t)).toBe('policy.until.previous_day 17:00')
})

it('refuses what is no policy before it is sent', () => {
  expect(parsePolicy('{').problem).toBe('policy.json_broken')
  expect(parsePolicy('[]').problem).toBe('policy.json_incomplete')
  expect(parsePolicy('null').problem).toBe('policy.json_incomplete')
  expect(parsePolicy(JSON.stringify({ ...policy, limits: undefined })).policy?.limits).toEqual([])
})
