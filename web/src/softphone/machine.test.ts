import { describe, expect, it } from 'vitest'
import { initial, step, type Phone, type PhoneEvent } from './machine'

function run(events: PhoneEvent[], from: Phone = initial): { phone: Phone; effects: string[] } {
  let phone = from
  const effects: string[] = []
  for (const e of events) {
    const [next, out] = step(phone, e)
    phone = next
    effects.push(...out)
  }
  return { phone, effects }
}
const connected = run([{ type: 'start' }, { type: 'mic', ok: true }, { type: 'up' }]).phone

describe('the telephone of a window', () => {
  it('asks for the microphone before it offers', () => {
    const r = run([{ type: 'start' }, { type: 'mic', ok: true }, { type: 'up' }])
    expect(r.effects).toEqual(['acquire', 'offer'])
    expect(r.phone.state).toBe('connected')
  })
  it('is blocked without a microphone and starts again when asked', () => {
    const r = run([{ type: 'start' }, { type: 'mic', ok: false, reason: 'denied' }])
    expect(r.phone).toMatchObject({ state: 'blocked', reason: 'denied' })
    expect(run([{ type: 'start' }], r.phone).effects).toEqual(['acquire'])
  })
  it('tries again soon after a cut, and is back when the sound is', () => {
    const r = run([{ type: 'down' }, { type: 'retry' }, { type: 'up' }], connected)
    expect(r.effects).toEqual(['close', 'retry_soon', 'offer'])
    expect(r.phone).toMatchObject({ state: 'connected', attempts: 0 })
  })
  it('slows down after four failures but never gives up', () => {
    const r = run(Array.from({ length: 5 }, () => ({ type: 'refused' }) as PhoneEvent), connected)
    expect(r.phone.state).toBe('failed')
    expect(r.effects.at(-1)).toBe('retry_later')
    expect(run([{ type: 'retry' }], r.phone).effects).toEqual(['offer'])
  })
  it('offers at once when the server is back', () => {
    const lost = run([{ type: 'down' }], connected).phone
    expect(run([{ type: 'server_back' }], lost).effects).toEqual(['offer'])
    expect(run([{ type: 'server_back' }], connected).effects).toEqual([])
  })
  it('yields to another window and can take the telephone back', () => {
    const r = run([{ type: 'replaced' }], connected)
    expect(r.phone.state).toBe('replaced')
    expect(r.effects).toEqual(['close', 'release'])
    expect(run([{ type: 'down' }, { type: 'retry' }], r.phone).effects).toEqual([])
    expect(run([{ type: 'start' }], r.phone).effects).toEqual(['acquire'])
  })
  it('opens the new microphone when the device changes', () => {
    expect(run([{ type: 'device_changed' }], connected).effects).toEqual(['acquire'])
    expect(run([{ type: 'device_changed' }]).effects).toEqual([])
  })
  it('ignores late news after it was switched off', () => {
    const off = run([{ type: 'stop' }], connected)
    expect(off.effects).toEqual(['close', 'release'])
    expect(run([{ type: 'up' }, { type: 'down' }, { type: 'retry' }, { type: 'mic', ok: true }], off.phone)).toMatchObject({ phone: { state: 'off' }, effects: [] })
  })
  it('never acts twice on stop, in any state', () => {
    for (const state of ['off', 'acquiring', 'blocked', 'connecting', 'connected', 'lost', 'failed', 'replaced'] as const) {
      const once = run([{ type: 'stop' }], { state, reason: '', attempts: 1 })
      expect(once.phone.state).toBe('off')
      expect(run([{ type: 'stop' }], once.phone).effects).toEqual([])
    }
  })
})
