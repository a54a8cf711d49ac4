// When a figure on the wallboard asks for attention. The goals follow GB/T 33358:
// answered within 15 seconds, 95 % connected; 80 % service level is the usual target.
export type Tone = 'ok' | 'warn' | 'bad' | ''

export function waitTone(seconds: number, goal = 15): Tone {
  return seconds >= goal * 4 ? 'bad' : seconds >= goal ? 'warn' : ''
}

export function levelTone(share: number | undefined | null): Tone {
  return share === undefined || share === null ? '' : share >= 0.8 ? 'ok' : share >= 0.6 ? 'warn' : 'bad'
}

export function abandonTone(share: number | undefined | null): Tone {
  return share === undefined || share === null ? '' : share <= 0.05 ? 'ok' : share <= 0.1 ? 'warn' : 'bad'
}

/** States that have gone on unusually long, in milliseconds. */
export function stateTone(state: string, ms: number): Tone {
  const limit: Record<string, [number, number]> = { talking: [600_000, 1_200_000], wrap_up: [90_000, 240_000], not_ready: [900_000, 2_700_000], ringing: [15_000, 25_000] }
  const l = limit[state]
  return !l ? '' : ms >= l[1] ? 'bad' : ms >= l[0] ? 'warn' : ''
}
