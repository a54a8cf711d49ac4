// What a key means while a booking is made. The letters of the telephone
// (hold, mute, transfer …) are left alone: the agent is on the line.
import { labels, type Direction } from '@/features/booking/grid'

/** Where the booking is: finding what for, choosing when, at the slots, holding one, done. */
export type Stage = 'find' | 'week' | 'slot' | 'held' | 'done'

export type Act =
  | { do: 'pick'; label: string }
  | { do: 'move'; to: Direction }
  | { do: 'turn'; by: 1 | -1 }
  | { do: 'accept' | 'back' | 'hold' | 'card' | 'wait' | 'undo' | 'person' }

type Key = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'isComposing'>

const arrows: Record<string, Direction> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' }

export function actOf(stage: Stage, e: Key): Act | undefined {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return undefined
  if (e.key === 'Escape') return { do: 'back' }
  if (e.key === 'Enter') return { do: 'accept' }
  if (e.key === 'PageDown' || e.key === 'PageUp') return stage === 'find' || stage === 'week' ? { do: 'turn', by: e.key === 'PageDown' ? 1 : -1 } : undefined
  const to = arrows[e.key]
  // In the field the arrows to the sides move its cursor.
  if (to) return stage === 'held' || stage === 'done' || (stage === 'find' && (to === 'left' || to === 'right')) ? undefined : { do: 'move', to }
  return letter(stage, e.key.toUpperCase())
}

function letter(stage: Stage, k: string): Act | undefined {
  if (k.length !== 1) return undefined
  if (stage === 'find') return k >= '1' && k <= '9' ? { do: 'pick', label: k } : undefined
  if (stage === 'week' && labels.includes(k)) return { do: 'pick', label: k }
  if (stage === 'week' && k === 'J') return { do: 'wait' }
  if (stage === 'slot' && k === 'L') return { do: 'hold' }
  if (stage === 'slot' && k === 'P') return { do: 'card' }
  if (stage === 'slot' && k === 'J') return { do: 'wait' }
  if (stage === 'done' && k === 'U') return { do: 'undo' }
  return undefined
}
