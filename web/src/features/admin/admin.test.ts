import { describe, expect, it } from 'vitest'
import en from '@/locales/en.json'
import { bodyOf, optionsOf, type Resource } from './crud'
import { draw, exits, nodeTypes, parseFlow, summary, template, withNode } from './flows/graph'
import { rewrite } from './parts/rules'
import { encodeWav, normalise, trim } from './prompts/wav'
import { resourceOf } from './resources'
import { sections } from './sections'

const thing: Resource = {
  name: 'things', columns: [], defaults: {}, extraKeys: ['rules'],
  fields: [{ key: 'name', kind: 'text' }, { key: 'secret', kind: 'password' }, { key: 'n', kind: 'number' }, { key: 'tags', kind: 'tags' }, { key: 'login', kind: 'text', when: 'create' }, { key: 'active', kind: 'switch', when: 'update' }],
}

describe('what is sent of a form', () => {
  it('leaves out what the server did not describe, and an empty password', () => {
    expect(bodyOf(thing, { id: 'x', created_at: 'y', name: 'a', secret: '', n: '5', rules: [1], version: 3 }, false)).toEqual({ name: 'a', n: 5, tags: [], active: false, rules: [1], version: 3 })
  })
  it('sends fields of creation only then', () => {
    expect(bodyOf(thing, { name: 'a', secret: 's', login: 'l', version: 1 }, true)).toEqual({ name: 'a', secret: 's', n: undefined, tags: [], login: 'l', rules: undefined })
  })
})

it('has messages for every field and page of the administration', () => {
  const keys = new Set(Object.keys(en))
  for (const s of sections) expect(keys.has(`admin.${s.title ?? s.name}`), s.name).toBe(true)
  for (const s of sections.filter((x) => x.props)) {
    const r = resourceOf(s.name)
    for (const f of [...r.fields, ...r.columns]) expect(keys.has(`field.${r.name}.${f.key}`) || keys.has(`field.${f.key}`), `${r.name}.${f.key}`).toBe(true)
    for (const f of r.fields.filter((x) => x.hint)) expect(keys.has(`hint.${r.name}.${f.key}`) || keys.has(`hint.${f.key}`), `${r.name}.${f.key}`).toBe(true)
    for (const f of r.fields) for (const c of f.choices ?? []) expect(keys.has(`${f.group}.${c}`), `${f.group}.${c}`).toBe(true)
  }
})

it('offers what a list holds, by id, code or number', () => {
  const items = [{ id: '1', code: 'a', number: '8001', name: '一', name_en: 'One' }]
  expect(optionsOf(items, 'id', 'en')[0]).toMatchObject({ value: '1', label: 'One' })
  expect(optionsOf(items, 'number', 'zh-CN')[0]).toMatchObject({ value: '8001', label: '8001 一' })
  expect(optionsOf(['x'], 'id', 'en')).toEqual([{ value: 'x', label: 'x' }])
  expect(optionsOf(undefined, 'id', 'en')).toEqual([])
})

describe('the picture of a flow', () => {
  const g = { start: 'a', nodes: { a: { type: 'play', next: 'm' }, m: { type: 'menu', choices: { 1: 'q', 2: 'q', '*': 'm' }, on_timeout: 'q' }, q: { type: 'queue', on_overflow: 'gone' }, lost: { type: 'hangup' } } }
  it('finds every way out', () => {
    expect(exits(g.nodes.m).map((e) => `${e.label}>${e.to}`).sort()).toEqual(['*>m', '1>q', '2>q', 'timeout>q'])
  })
  it('lays nodes out from the start and sets unreachable ones apart', () => {
    const p = draw(g)
    const at = Object.fromEntries(p.boxes.map((b) => [b.id, b]))
    expect(at.a!.y).toBeLessThan(at.m!.y)
    expect(at.m!.y).toBeLessThan(at.q!.y)
    expect(at.lost!.reachable).toBe(false)
    expect(p.edges.find((e) => e.from === 'm' && e.to === 'q')!.label).toBe('1 2 timeout')
    expect(p.edges.find((e) => e.from === 'm' && e.to === 'm')!.back).toBe(true)
    expect(p.edges.some((e) => e.to === 'gone')).toBe(false)
  })
  it('survives what people type', () => {
    for (const t of ['', '{', 'null', '[]', '{"nodes":3}', '"x"']) expect(parseFlow(t)).toBeNull()
    expect(draw({ nodes: {} }).boxes).toEqual([])
    expect(draw({ start: 'nowhere', nodes: { a: {} } }).boxes).toHaveLength(1)
    expect(draw({ start: 'a', nodes: { a: { next: 'a' } } }).boxes).toHaveLength(1)
  })
})

it('rewrites numbers by the first rule that fits', () => {
  const rules = [{ direction: 'in', prefix: '+86', strip: 3 }, { direction: 'out', prefix: '1', min_len: 11, max_len: 11, prepend: '0' }]
  expect(rewrite(rules, 'in', '+8613812345678')).toBe('13812345678')
  expect(rewrite(rules, 'out', '13812345678')).toBe('013812345678')
  expect(rewrite(rules, 'out', '110')).toBe('110')
})

describe('sound for a prompt', () => {
  it('writes a WAV header that says what follows', () => {
    const v = new DataView(encodeWav(new Float32Array([0, 1, -1, 2]), 16_000))
    expect(v.byteLength).toBe(52)
    expect(v.getUint32(24, true)).toBe(16_000)
    expect(v.getUint32(40, true)).toBe(8)
    expect([v.getInt16(46, true), v.getInt16(48, true), v.getInt16(50, true)]).toEqual([32767, -32767, 32767])
  })
  it('cuts silence at both ends and lifts quiet speech with measure', () => {
    const pcm = new Float32Array(16_000)
    pcm.fill(0.1, 8000, 8100)
    expect(trim(pcm).length).toBeLessThan(3400)
    expect(Math.max(...normalise(new Float32Array([0.1, 0.5])))).toBeCloseTo(0.708, 3)
    expect(Math.max(...normalise(new Float32Array([0.01])))).toBeCloseTo(0.04, 3)
    expect(trim(new Float32Array(10)).length).toBe(10)
  })
})

describe('the short text of a flow node', () => {
  it('fits its box and names no ids', () => {
    expect(summary({ type: 'play', prompts: ['greeting'] })).toBe('greeting')
    expect(summary({ type: 'play', prompts: ['emergency_notice'] })).toBe('emergency_noti…')
    expect(summary({ type: 'hours', calendar: '01a202ab-0a67-7c9a-8f00-000000000001' })).toBe('')
    expect(summary({ type: 'hangup' })).toBe('')
  })
})

describe('nodes that ask the hospital', () => {
  it('show every way out', () => {
    expect(exits({ type: 'dip', outcomes: { found: 'a', none: 'b' } })).toEqual([{ to: 'a', label: 'found' }, { to: 'b', label: 'none' }])
    expect(exits({ type: 'choose', next: 'n', back: 'b', on_none: 'x' }).map((e) => e.label)).toEqual(['', 'back', 'none'])
    expect(summary({ type: 'dip', dip: 'booking.days' })).toBe('booking.days')
  })
  it('can be added, each under a name of its own, and leave the flow as it was', () => {
    const g = { start: 'dip', nodes: { dip: { type: 'dip' } } }
    const more = withNode(g, 'dip')
    expect(more.id).toBe('dip_2')
    expect(Object.keys(more.graph.nodes!)).toEqual(['dip', 'dip_2'])
    expect(Object.keys(g.nodes)).toEqual(['dip'])
    for (const type of nodeTypes) expect(Object.keys(template(type)).length, type).toBeGreaterThan(1)
  })
})
