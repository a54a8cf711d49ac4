import { describe, expect, it } from 'vitest'
import type { Patient } from '@/api/types'
import { byPurpose, consentBody, consentForm, missing } from './consents/consents'
import { better, mergeFields, optionsOf, result, suggested } from './duplicates/choose'
import { cellField, freeFields, mappingProblem, share, stepsOf as importSteps } from './imports/imports'
import { confirmed, daysLeft, stepsOf } from './privacy/privacy'
import type { Comparison, ConsentState, FieldChange, ImportJob, PrivacyRequest } from './types'
import { fieldWords, grouped, importFieldName } from './words'

const words: Record<string, string> = { 'patient.name': '姓名', 'patient.hereditary': '遗传病史', 'sex.male': '男', 'idtype.id_card': '身份证', 'recordfield.phones': '电话', 'importfield.phone2': '备用电话', 'common.yes': '是', 'common.no': '否' }
const t = (k: string) => words[k] ?? k
const te = (k: string) => k in words

describe('the history of a record', () => {
  const change = (id: string, over: Partial<FieldChange> = {}): FieldChange => ({ id, patient_id: 'p1', at: '2026-11-01T08:00:00Z', version: 3, actor: 'u1', actor_name: '王', source: 'edit', field: 'name', old: '', new: 'x', erased: false, ...over })
  it('puts together what one person wrote at once, and nothing else', () => {
    const steps = grouped([change('1'), change('2', { field: 'sex' }), change('3', { version: 2 }), change('4', { version: 2, source: 'merge' }), change('5', { version: 2, source: 'merge', patient_id: 'p2' })])
    expect(steps.map((s) => s.changes.map((c) => c.id))).toEqual([['1', '2'], ['3'], ['4'], ['5']])
  })
  it('says fields and codes in words, and leaves unknown ones', () => {
    const w = fieldWords(t, te)
    expect([w.field('name'), w.field('hereditary_diseases'), w.field('phones'), w.field('odd')]).toEqual(['姓名', '遗传病史', '电话', 'odd'])
    expect([w.value('sex', 'male'), w.value('sex', 'x'), w.value('vip', 'yes'), w.value('vip', '')]).toEqual(['男', 'x', '是', '否'])
    expect(w.value('identifiers', 'id_card 4403**********1512; odd 1')).toBe('身份证 4403**********1512; odd 1')
  })
  it('names the columns of an import', () => {
    expect([importFieldName('phone2', t, te), importFieldName('id_card', t, te), importFieldName('name', t, te), importFieldName('zzz', t, te)]).toEqual(['备用电话', '身份证', '姓名', 'zzz'])
  })
})

describe('consents', () => {
  const state = (over: Partial<ConsentState['purpose']> = {}, channel = 'sms'): ConsentState => ({ purpose: { code: 'followup', name: '随访', name_en: 'Follow-up', basis: 'consent', sensitive: true, channels: ['sms', 'phone'], ...over }, channel, allowed: false, decided: false, outdated: false })
  const adult = { age: 40, guardian_id: '', language: 'zh-CN' } as Patient
  const child = { age: 6, guardian_id: 'g1', language: 'zh-CN' } as Patient
  it('want evidence for what is sensitive, none for a refusal', () => {
    const f = consentForm(adult, state(), 'granted', 'zh-CN')
    expect(missing(adult, state(), f)).toBe('consent.need_evidence')
    expect(missing(adult, state(), { ...f, evidence: 'form', reference: ' F-12 ' })).toBe('')
    expect(missing(adult, state({ sensitive: false }), consentForm(adult, state({ sensitive: false }), 'granted', 'en'))).toBe('')
    expect(missing(adult, state(), consentForm(adult, state(), 'withdrawn', 'zh-CN'))).toBe('')
  })
  it('are given by the guardian of a child', () => {
    const f = { ...consentForm(child, state(), 'granted', 'zh-CN'), evidence: 'onsite' as const, reference: '护士李' }
    expect(f.givenBy).toBe('guardian')
    expect(missing(child, state(), f)).toBe('')
    expect(missing(child, state(), { ...f, givenBy: 'self' })).toBe('consent.need_guardian')
    expect(missing({ ...child, guardian_id: '' }, state(), { ...f, guardian: '' })).toBe('consent.need_guardian_record')
    expect(consentBody(state(), f)).toMatchObject({ purpose: 'followup', channel: 'sms', given_by: 'guardian', guardian_id: 'g1', evidence_ref: '护士李' })
  })
  it('stand by purpose, channels side by side', () => {
    const rows = byPurpose([state(), state({}, 'phone'), state({ code: 'marketing' })])
    expect(rows.map((r) => [r.purpose.code, r.states.length])).toEqual([['followup', 2], ['marketing', 1]])
  })
})

describe('two records side by side', () => {
  const field = (name: string, a: string, b: string, suggest: 'a' | 'b' | 'both' = 'a') => ({ field: name, a, b, same: a === b, suggest })
  const c = {
    a: { created_at: '2026-01-01T00:00:00Z' }, b: { created_at: '2025-01-01T00:00:00Z' }, score: 80, reasons: [],
    fields: [field('code', 'HM1', 'HM2'), field('name', '张三', '张三'), field('email', '', 'z@x.cn', 'b'), field('sex', 'male', 'unknown'), field('phones', '138', '139', 'both'), field('identifiers', 'id_card 1*1', 'id_card 2*2', 'both'), field('tags', 'a; b', 'b; c', 'both'), field('notes', 'one', 'two')],
  } as unknown as Comparison
  it('offer a choice only where there is one', () => {
    expect(c.fields.map((f) => optionsOf(f))).toEqual([[], [], ['a', 'b'], ['a', 'b'], ['a', 'both', 'b'], ['a', 'both', 'b'], [], ['a', 'b']])
  })
  it('keep the value of the kept record unless it says nothing; of two ID cards one', () => {
    expect(suggested(c, 'a')).toEqual({ email: 'b', sex: 'a', phones: 'both', identifiers: 'a', notes: 'a' })
    expect(suggested(c, 'b')).toEqual({ email: 'b', sex: 'a', phones: 'both', identifiers: 'b', notes: 'b' })
  })
  it('tell the server by the kept record', () => {
    expect(mergeFields(suggested(c, 'b'), 'b')).toEqual({ email: 'keep', sex: 'merge', identifiers: 'keep', notes: 'keep' })
  })
  it('show what comes out', () => {
    const chosen = suggested(c, 'b')
    expect(c.fields.map((f) => result(f, chosen[f.field], 'b'))).toEqual(['HM2', '张三', 'z@x.cn', 'male', '139; 138', 'id_card 2*2', 'b; c; a', 'two'])
  })
  it('keep the fuller record, then the older', () => {
    expect(better(c)).toBe('b')
    expect(better({ ...c, fields: [field('name', '张', '')] } as unknown as Comparison)).toBe('a')
  })
})

describe('an import', () => {
  const im = (over: Partial<ImportJob>): ImportJob => ({ status: 'uploaded', total: 10, done: 0, created: 0, existing: 0, failed: 0, undone: 0, ...over }) as ImportJob
  it('offers the next thing first', () => {
    expect(importSteps(im({}))).toEqual(['map', 'check'])
    expect(importSteps(im({ status: 'checked', created: 3 }))[0]).toBe('run')
    expect(importSteps(im({ status: 'checked', created: 0 }))).not.toContain('run')
    expect(importSteps(im({ status: 'running' }))).toEqual([])
    expect(importSteps(im({ status: 'done', created: 3 }))).toEqual(['undo'])
    expect(importSteps(im({ status: 'done', created: 3, undone: 3 }))).toEqual([])
  })
  it('knows how far it is, of what it undoes too', () => {
    expect(share(im({ done: 5 }))).toBe(50)
    expect(share(im({ status: 'undoing', created: 4, done: 3 }))).toBe(75)
    expect(share(im({ total: 0 }))).toBe(0)
  })
  it('wants a name, each field once', () => {
    expect(mappingProblem(['phone', ''])).toBe('import.need_name')
    expect(mappingProblem(['name', 'phone', 'phone'])).toBe('import.field_twice')
    expect(mappingProblem(['name', '', ''])).toBe('')
    expect(freeFields(['name', 'phone', 'sex'], ['name', '', 'sex'], 0)).toEqual(['name', 'phone'])
    expect([cellField('phones[0].number'), cellField('address.city'), cellField('')]).toEqual(['phones', 'address', ''])
  })
})

describe('a privacy request', () => {
  const now = Date.parse('2026-11-29T00:00:00Z')
  const r = (over: Partial<PrivacyRequest>): PrivacyRequest => ({ kind: 'export', status: 'open', created_by: 'u1', obstacles: [], ...over }) as PrivacyRequest
  it('of removal is accepted by somebody else, and not while the law wants it kept', () => {
    expect(stepsOf(r({ kind: 'delete' }), 'u1', now)).toMatchObject({ decide: true, accept: false, secondPerson: true })
    expect(stepsOf(r({ kind: 'delete' }), 'u2', now)).toMatchObject({ accept: true, secondPerson: false })
    expect(stepsOf(r({ kind: 'delete', obstacles: [{ key: 'k', part: 'card', basis: '' }] }), 'u2', now).accept).toBe(false)
    expect(stepsOf(r({}), 'u1', now).accept).toBe(true)
  })
  it('gives its copy while it lasts, then makes it again', () => {
    expect(stepsOf(r({ status: 'done', file_until: '2026-12-01T00:00:00Z' }), 'u1', now)).toMatchObject({ files: true, again: false })
    expect(stepsOf(r({ status: 'done', file_until: '2026-11-01T00:00:00Z' }), 'u1', now)).toMatchObject({ files: false, again: true })
    expect(stepsOf(r({ status: 'done', kind: 'delete' }), 'u1', now)).toMatchObject({ files: false, again: false })
  })
  it('of removal wants the code typed', () => {
    expect(confirmed(r({ kind: 'delete' }), ' hm000012 ', 'HM000012')).toBe(true)
    expect(confirmed(r({ kind: 'delete' }), '', '')).toBe(false)
    expect(confirmed(r({ kind: 'delete' }), 'HM', 'HM000012')).toBe(false)
    expect(confirmed(r({}), '', 'x')).toBe(true)
    expect([daysLeft('2026-12-01T00:00:00Z', now), daysLeft('2026-11-28T12:00:00Z', now)]).toEqual([2, -1])
  })
})
