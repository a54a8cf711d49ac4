// The life of the browser's sound as a pure state machine: what happened in,
// what to do out. The shell (phone.ts) owns the microphone and the connection.

export type PhoneState =
  | 'off'
  | 'acquiring' // asking for the microphone
  | 'blocked' // no microphone: denied, missing or in use
  | 'connecting'
  | 'connected'
  | 'lost' // was connected; trying again
  | 'failed' // gave up for now; the next try is timed
  | 'replaced' // another window has taken the phone over

export type PhoneEvent =
  | { type: 'start' }
  | { type: 'mic'; ok: true }
  | { type: 'mic'; ok: false; reason: string }
  | { type: 'up' }
  | { type: 'down' }
  | { type: 'refused' }
  | { type: 'server_back' }
  | { type: 'retry' }
  | { type: 'device_changed' }
  | { type: 'replaced' }
  | { type: 'stop' }

export type PhoneEffect = 'acquire' | 'offer' | 'close' | 'release' | 'retry_soon' | 'retry_later'

export interface Phone {
  state: PhoneState
  reason: string
  attempts: number
}

export const initial: Phone = { state: 'off', reason: '', attempts: 0 }

type Step = [Phone, PhoneEffect[]]

const live: PhoneState[] = ['connecting', 'connected', 'lost', 'failed']

export function step(p: Phone, e: PhoneEvent): Step {
  switch (e.type) {
    case 'start':
      if (p.state === 'off' || p.state === 'blocked' || p.state === 'replaced') return [{ state: 'acquiring', reason: '', attempts: 0 }, ['acquire']]
      return [p, []]
    case 'mic':
      if (p.state !== 'acquiring') return [p, []]
      return e.ok ? [{ state: 'connecting', reason: '', attempts: 0 }, ['offer']] : [{ state: 'blocked', reason: e.reason, attempts: 0 }, []]
    case 'up':
      return live.includes(p.state) ? [{ state: 'connected', reason: '', attempts: 0 }, []] : [p, []]
    case 'down':
    case 'refused':
      return fall(p)
    case 'server_back':
    case 'retry':
      return live.includes(p.state) && p.state !== 'connected' ? [{ ...p, state: p.state === 'failed' ? 'lost' : p.state }, ['offer']] : [p, []]
    case 'device_changed':
      return live.includes(p.state) || p.state === 'blocked' ? [{ state: 'acquiring', reason: '', attempts: 0 }, ['acquire']] : [p, []]
    case 'replaced':
      return live.includes(p.state) ? [{ state: 'replaced', reason: '', attempts: 0 }, ['close', 'release']] : [p, []]
    case 'stop':
      return p.state === 'off' ? [p, []] : [initial, ['close', 'release']]
  }
}

function fall(p: Phone): Step {
  if (!live.includes(p.state)) return [p, []]
  const attempts = p.attempts + 1
  if (attempts > 4) return [{ state: 'failed', reason: '', attempts }, ['close', 'retry_later']]
  const state = p.state === 'connecting' && attempts === 1 ? 'connecting' : 'lost'
  return [{ state, reason: '', attempts }, ['close', 'retry_soon']]
}
