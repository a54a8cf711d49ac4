// Reads what the directory says of places ("门诊楼3层A区", "住院楼 9 层",
// "东院5号楼") and finds the way between two of them.

export interface Spot {
  building: string
  /** 0 when the words name none. */
  floor: number
  part: string
}

export function spot(words: string): Spot {
  const text = words.replace(/\s+/g, '')
  const m = /^(.*?[^\d-])?(-?\d+)(?:层|楼层|F)(.*)$/i.exec(text)
  if (m) return { building: (m[1] ?? '').trim(), floor: Number(m[2]), part: m[3].trim() }
  return { building: text, floor: 0, part: '' }
}

export type Step = { key: 'way.campus' | 'way.building' | 'way.same' | 'way.up' | 'way.down' | 'way.floor' | 'way.part' | 'way.room'; at: string }

/** What to do, one after another, to get from where the machine stands to a place. */
export function steps(from: string, to: { floor: string; room?: string; here: boolean; campus: string }): Step[] {
  const a = spot(from)
  const b = spot(to.floor)
  const out: Step[] = []
  if (!to.here) out.push({ key: 'way.campus', at: to.campus })
  const same = to.here && a.building !== '' && a.building === b.building
  if (b.building && !same) out.push({ key: 'way.building', at: b.building })
  if (b.floor) {
    if (!same || !a.floor) out.push({ key: 'way.floor', at: String(b.floor) })
    else if (a.floor === b.floor) out.push({ key: 'way.same', at: String(b.floor) })
    else out.push({ key: b.floor > a.floor ? 'way.up' : 'way.down', at: String(b.floor) })
  }
  if (b.part) out.push({ key: 'way.part', at: b.part })
  if (to.room) out.push({ key: 'way.room', at: to.room })
  return out
}

/** The floors of a building from the top down, and who is on each. */
export function storeys<P extends { floor: string }>(places: P[], building: string, from: string): { floor: number; places: P[]; here: boolean }[] {
  const here = spot(from)
  const floors = new Map<number, P[]>()
  for (const p of places) {
    const s = spot(p.floor)
    if (s.building === building && s.floor) floors.set(s.floor, [...(floors.get(s.floor) ?? []), p])
  }
  if (here.building === building && here.floor && !floors.has(here.floor)) floors.set(here.floor, [])
  return [...floors].sort(([a], [b]) => b - a).map(([floor, list]) => ({ floor, places: list, here: here.building === building && here.floor === floor }))
}
