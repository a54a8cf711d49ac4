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
const gapX = 78
const gapY = 24

/** Every way out of a node: where to, and the name of the way. */
export function exits(n: FlowNode): { to: string; label: string }[] {
  const out: { to: string; label: string }[] = []
  const add = (to: string | undefined, label: string) => to && out.push({ to, label })
  add(n.next, '')
  for (const [key, to] of Object.entries(n.choices ?? {})) add(to, key)
  add(n.open, 'open')
  add(n.closed, 'closed')
  add(n.on_overflow, 'overflow')
  add(n.on_fail, 'fail')
  add(n.on_timeout, 'timeout')
  add(n.on_invalid, 'invalid')
  return out
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
  const columns: string[][] = []
  for (const [id, d] of depth) (columns[d] ??= []).push(id)
  const lost = Object.keys(nodes).filter((id) => !depth.has(id))
  if (lost.length) columns[last + 1] = lost
  const tallest = Math.max(1, ...columns.map((c) => c?.length ?? 0))
  const height = tallest * (boxH + gapY) + gapY
  const boxes: Box[] = []
  columns.forEach((ids, col) =>
    ids.forEach((id, row) => {
      const used = ids.length * (boxH + gapY) - gapY
      boxes.push({ id, node: nodes[id]!, x: gapY + col * (boxW + gapX), y: (height - used) / 2 + row * (boxH + gapY), reachable: depth.has(id) })
    }),
  )
  const at = new Map(boxes.map((b) => [b.id, b]))
  return { boxes, edges: boxes.flatMap((b) => edgesOf(b, at)), width: gapY * 2 + columns.length * (boxW + gapX) - gapX + 40, height: height + 30 }
}

function edgesOf(b: Box, at: Map<string, Box>): Edge[] {
  const byTarget = new Map<string, string[]>()
  for (const e of exits(b.node)) if (at.has(e.to)) byTarget.set(e.to, [...(byTarget.get(e.to) ?? []), e.label])
  return [...byTarget].map(([to, labels], i) => {
    const t = at.get(to)!
    const back = t.x <= b.x
    const x1 = back ? b.x + boxW / 2 : b.x + boxW
    const y1 = back ? b.y + boxH : b.y + boxH / 2
    const x2 = back ? t.x + boxW / 2 : t.x
    const y2 = back ? t.y + boxH : t.y + boxH / 2
    const dip = Math.max(y1, y2) + 26 + i * 6
    const mid = (x1 + x2) / 2
    const path = back ? `M${x1} ${y1}C${x1} ${dip} ${x2} ${dip} ${x2} ${y2}` : `M${x1} ${y1}C${mid} ${y1} ${mid} ${y2} ${x2} ${y2}`
    const near = back ? 0.5 : 0.34 // labels sit near their node, where the lines still stand apart
    return { from: b.id, to, label: labels.filter(Boolean).join(' '), path, back, x: x1 + (x2 - x1) * near, y: back ? dip - 8 : y1 + (y2 - y1) * (3 * near * near - 2 * near ** 3) }
  })
}
