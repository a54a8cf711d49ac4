// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from 'vitest'
import { ApiError, describe as say, fieldErrors, toProblem } from '@/api/errors'
import type { DeskCall, DeskView } from '@/api/types'
import { draftOf, forgetDrafts } from './drafts'
import { foremost, shownState } from './queries'
import { matches } from './shortcuts'
import { stateTone, waitTone } from '../wallboard/thresholds'

const call = (id: string, state: DeskCall['state']) => ({ id, state }) as DeskCall

it('puts the call first that the agent is speaking on', () => {
  expect(foremost([call('a', 'held'), call('b', 'talking'), call('c', 'ringing')])?.id).toBe('b')
  expect(foremost([call('a', 'parked'), call('b', 'held')])?.id).toBe('b')
  expect(foremost([])).toBeUndefined()
})

describe('drafts of notes', () => {
  beforeEach(forgetDrafts)
  it('keeps what was typed per call', () => {
    draftOf('c1').notes = '要回电'
    expect(draftOf('c2').notes).toBe('')
    expect(draftOf('c1').notes).toBe('要回电')
  })
  it('keeps no more than a few', () => {
    for (let i = 0; i < 40; i++) draftOf(`c${i}`).notes = 'x'
    expect(draftOf('c0').notes).toBe('')
    expect(draftOf('c39').notes).toBe('x')
  })
  it('forgets everything when the agent leaves', () => {
    draftOf('c1').notes = 'x'
    forgetDrafts()
    expect(draftOf('c1').notes).toBe('')
  })
})

it('shows a colleague\'s ringing as ringing', () => {
  const desk = (state: string, ...calls: DeskCall[]) => ({ agent: { state }, calls }) as unknown as DeskView
  expect(shownState(desk('talking', call('a', 'ringing')))).toBe('ringing')
  expect(shownState(desk('talking', call('a', 'ringing'), call('b', 'held')))).toBe('ringing')
  expect(shownState(desk('talking', call('a', 'ringing'), call('b', 'talking')))).toBe('talking')
  expect(shownState(desk('talking', call('a', 'dialing')))).toBe('talking')
  expect(shownState(desk('wrap_up', call('a', 'ringing')))).toBe('wrap_up')
})

describe('keys', () => {
  const key = (code: string, o: Partial<KeyboardEvent> = {}) => ({ code, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, repeat: false, ...o }) as KeyboardEvent
  const answer = { code: 'KeyA', show: 'A', label: '', run: () => undefined }
  const hang = { ...answer, code: 'KeyX', shift: true }
  it('work outside fields, and inside them with Alt', () => {
    expect(matches(answer, key('KeyA'), false)).toBe(true)
    expect(matches(answer, key('KeyA'), true)).toBe(false)
    expect(matches(answer, key('KeyA', { altKey: true }), true)).toBe(true)
  })
  it('are found by their character where the keyboard has it elsewhere', () => {
    const help = { ...answer, code: 'Slash', shift: true, chars: '?？' }
    expect(matches(help, key('Slash', { shiftKey: true, key: '?' }), false)).toBe(true)
    expect(matches(help, key('Minus', { shiftKey: true, key: '?' }), false)).toBe(true) // German
    expect(matches(help, key('Minus', { shiftKey: true, key: '?' }), true)).toBe(false)
    expect(matches(help, key('Slash', { key: '/' }), false)).toBe(false)
  })
  it('do not fire by accident', () => {
    expect(matches(hang, key('KeyX'), false)).toBe(false)
    expect(matches(hang, key('KeyX', { shiftKey: true }), false)).toBe(true)
    expect(matches(answer, key('KeyA', { ctrlKey: true }), false)).toBe(false)
    expect(matches(answer, key('KeyA', { repeat: true }), false)).toBe(false)
  })
})

describe('problems of the server', () => {
  const words: Record<string, string> = { 'error.patient.phone_invalid': '电话不正确', 'error.invalid': '请检查', 'error.network': '连不上', 'error.field_invalid': '不正确' }
  const t = (k: string) => words[k] ?? k
  const te = (k: string) => k in words
  it('speak by their key, else by their status', () => {
    expect(say(new ApiError(toProblem(422, { key: 'patient.phone_invalid' })), t, te)).toBe('电话不正确')
    expect(say(new ApiError(toProblem(422, { key: 'new.key' })), t, te)).toBe('请检查')
    expect(say(new TypeError('boom'), t, te)).toBe('连不上')
    expect(say(new ApiError(toProblem(422, '<html>')), t, te)).toBe('请检查')
  })
  it('stand at the field they concern', () => {
    const err = new ApiError(toProblem(422, { key: 'invalid', errors: [{ path: 'body.phones[0].number', key: 'patient.phone_invalid' }, { path: 'body.name', key: 'unheard' }] }))
    expect(fieldErrors(err, t, te)).toEqual({ 'phones[0].number': '电话不正确', name: '不正确' })
    expect(fieldErrors(new Error('x'), t, te)).toEqual({})
  })
})

it('asks for attention when waits and states go on too long', () => {
  expect([waitTone(5), waitTone(15), waitTone(60)]).toEqual(['', 'warn', 'bad'])
  expect([stateTone('talking', 60_000), stateTone('talking', 700_000), stateTone('ready', 9e9)]).toEqual(['', 'warn', ''])
})
