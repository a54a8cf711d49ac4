// A call flow as a picture: nodes in layers from the start, edges with their labels. Pure.

export interface FlowNode {
  type?: string
  label?: string
  prompts?: string[]
  next?: string
  choices?: Record<string, string>
  on_timeout?: string
  on_invalid?: string
  open?: string
  closed?: string
  on_overflow?: string
  on_fail?: string
  queue?: string
  calendar?: string
  kind?: string
  target?: string
  lang?: string
  variable?: string
  dip?: string
  outcomes?: Record<string, string>
  back?: string
  on_none?: string
}
export interface FlowGraph {
  start?: string
  operator?: string
  nodes?: Record<string, FlowNode>
}
export interface Edge {
  from: string
  to: string
  label: string
  path: string
  x: number
  y: number
  back: boolean
}
export interface Box {
  id: string
  node: FlowNode
  x: number
  y: number
  reachable: boolean
}
export interface Picture {
  boxes: Box[]
  edges: Edge[]
  width: number
  height: number
}

export const boxW = 176
export const boxH = 56
const gapX = 30
const gapY = 66
const margin = 60

/** Every way out of a node: where to, and the name of the way. */
export function exits(n: FlowNode): { to: string; label: string }[] {
  const out: { to: string; label: string }[] = []
  const add = (to: string | undefined, label: string) => to && out.push({ to, label })
  add(n.next, '')
  for (const [key, to] of Object.entries(n.choices ?? {})) add(to, key)
  for (const [outcome, to] of Object.entries(n.outcomes ?? {})) add(to, outcome)
  add(n.back, 'back')
  add(n.on_none, 'none')
  add(n.open, 'open')
  add(n.closed, 'closed')
  add(n.on_overflow, 'overflow')
  add(n.on_fail, 'fail')
  add(n.on_timeout, 'timeout')
  add(n.on_invalid, 'invalid')
  return out
}

const shown = 15

/** What a node is about, short enough for its box; ids mean nothing to a reader. */
export function summary(n: FlowNode): string {
  const parts = [n.queue, n.target, n.calendar, n.lang, n.dip, n.variable, n.prompts?.join(', ')]
  const text = parts.find((p) => p && !/^[0-9a-f]{8}-[0-9a-f]{4}-/.test(p)) ?? ''
  return text.length > shown ? `${text.slice(0, shown - 1)}…` : text
}

/** Parses what the editor holds; null when it is not JSON of a flow. */
export function parseFlow(text: string): FlowGraph | null {
  try {
    const g = JSON.parse(text) as FlowGraph
    return g && typeof g === 'object' && g.nodes && typeof g.nodes === 'object' ? g : null
  } catch {
    return null
  }
}

function layers(g: FlowGraph): Map<string, number> {
  const nodes = g.nodes ?? {}
  const depth = new Map<string, number>()
  let frontier = g.start && nodes[g.start] ? [g.start] : []
  for (let d = 0; frontier.length; d++) {
    const next: string[] = []
    for (const id of frontier) {
      if (depth.has(id)) continue
      depth.set(id, d)
      for (const e of exits(nodes[id]!)) if (nodes[e.to] && !depth.has(e.to)) next.push(e.to)
    }
    frontier = next
  }
  return depth
}

export function draw(g: FlowGraph): Picture {
  const nodes = g.nodes ?? {}
  const depth = layers(g)
  const last = Math.max(-1, ...depth.values())
  const rows: string[][] = []
  for (const [id, d] of depth) (rows[d] ??= []).push(id)
  const lost = Object.keys(nodes).filter((id) => !depth.has(id))
  if (lost.length) rows[last + 1] = lost
  const widest = Math.max(1, ...rows.map((r) => r?.length ?? 0))
  const width = widest * (boxW + gapX) - gapX + 2 * margin
  const boxes: Box[] = []
  rows.forEach((ids, row) =>
    ids.forEach((id, i) => {
      const used = ids.length * (boxW + gapX) - gapX
      boxes.push({ id, node: nodes[id]!, x: (width - used) / 2 + i * (boxW + gapX), y: 30 + row * (boxH + gapY), reachable: depth.has(id) })
    }),
  )
  const at = new Map(boxes.map((b) => [b.id, b]))
  return { boxes, edges: boxes.flatMap((b) => edgesOf(b, at)), width, height: 30 + rows.length * (boxH + gapY) }
}

function edgesOf(b: Box, at: Map<string, Box>): Edge[] {
  const byTarget = new Map<string, string[]>()
  for (const e of exits(b.node)) if (at.has(e.to)) byTarget.set(e.to, [...(byTarget.get(e.to) ?? []), e.label])
  return [...byTarget].map(([to, labels]) => edge(b, at.get(to)!, labels.filter(Boolean).join(' ')))
}

/** Forward edges fall from the bottom to the top of a box; others leave and arrive at the sides. */
function edge(b: Box, t: Box, label: string): Edge {
  const back = t.y <= b.y
  if (back) {
    const right = t.x >= b.x
    const x1 = b.x + (right ? boxW : 0)
    const x2 = t.x + (right ? (t === b ? boxW : 0) : boxW)
    const y1 = b.y + boxH / 2
    const y2 = t === b ? b.y + boxH - 10 : t.y + boxH / 2
    const bow = (right ? 1 : -1) * (t === b ? 42 : 26)
    return { from: b.id, to: t.id, label, back, path: `M${x1} ${y1}C${x1 + bow} ${y1} ${x2 + (t === b ? bow : -bow)} ${y2} ${x2} ${y2}`, x: (x1 + x2) / 2 + (t === b ? bow * 0.8 : 0), y: (y1 + y2) / 2 - 12 }
  }
  const x1 = b.x + boxW / 2
  const y1 = b.y + boxH
  const x2 = t.x + boxW / 2
  const y2 = t.y
  const mid = (y1 + y2) / 2
  const near = 0.6 // labels sit where the lines already stand apart
  return { from: b.id, to: t.id, label, back, path: `M${x1} ${y1}C${x1} ${mid} ${x2} ${mid} ${x2} ${y2}`, x: x1 + (x2 - x1) * (3 * near * near - 2 * near ** 3), y: y1 + (y2 - y1) * near }
}

/** A new node of a type, with what it must have, to be filled in. */
export function template(type: string): Record<string, unknown> {
  const tries = { prompts_timeout: ['menu_timeout'], prompts_invalid: ['menu_invalid'], tries: 3 }
  const known: Record<string, Record<string, unknown>> = {
    play: { prompts: ['greeting'], next: '' },
    say: { prompts: ['your_code_is', '$code:digits'], next: '' },
    menu: { prompts: ['main_menu'], ...tries, choices: { 1: '' } },
    input: { prompts: ['enter_id'], variable: 'id_number', secret: true, min_len: 15, max_len: 18, star: 'x', ...tries, next: '' },
    dip: { dip: 'identify_by_id', outcomes: { found: '', none: '', invalid: '' } },
    choose: { prompts: ['choose_department'], variable: 'department', ...tries, next: '', back: '' },
    hours: { calendar: '', open: '', closed: '' },
    queue: { queue: '', on_overflow: '' },
    transfer: { kind: 'extension', target: '', on_fail: '' },
    set_language: { lang: 'en', next: '' },
    hangup: { prompts: ['goodbye'] },
  }
  return { type, ...known[type] }
}

export const nodeTypes = ['play', 'say', 'menu', 'input', 'dip', 'choose', 'hours', 'queue', 'transfer', 'set_language', 'hangup']

/** The flow with one more node, and the name it got. */
export function withNode(g: FlowGraph, type: string): { graph: FlowGraph; id: string } {
  const nodes = g.nodes ?? {}
  let id = type
  for (let n = 2; nodes[id]; n++) id = `${type}_${n}`
  return { graph: { ...g, nodes: { ...nodes, [id]: template(type) as FlowNode } }, id }
}
