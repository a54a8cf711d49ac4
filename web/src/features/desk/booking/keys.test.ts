import { expect, it } from 'vitest'
import { actOf, type Stage } from './keys'

const key = (k: string, o: Partial<KeyboardEvent> = {}) => ({ key: k, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, ...o })

it('letters write into the field, digits pick a session at once', () => {
  expect(actOf('find', key('x'))).toBeUndefined()
  expect(actOf('find', key('1'))).toEqual({ do: 'pick', label: '1' })
  expect(actOf('find', key('0'))).toBeUndefined()
  expect(actOf('find', key('ArrowDown'))).toEqual({ do: 'move', to: 'down' })
  expect(actOf('find', key('ArrowLeft'))).toBeUndefined()
})

it('an input method keeps its own keys', () => {
  for (const k of ['1', 'Enter', 'Escape', 'ArrowDown']) expect(actOf('find', key(k, { isComposing: true }))).toBeUndefined()
})

it('the week is chosen by digit, letter and arrow', () => {
  expect(actOf('week', key('e'))).toEqual({ do: 'pick', label: 'E' })
  expect(actOf('week', key('ArrowLeft'))).toEqual({ do: 'move', to: 'left' })
  expect(actOf('week', key('PageDown'))).toEqual({ do: 'turn', by: 1 })
  expect(actOf('week', key('j'))).toEqual({ do: 'wait' })
})

it('the telephone stays within reach', () => {
  for (const stage of ['week', 'slot', 'held', 'done'] as Stage[]) for (const k of ['h', 'm', 't', 'c', 'k', 'x', 'n', 'a', 's', 'w', 'd']) expect(actOf(stage, key(k)), `${stage} ${k}`).toBeUndefined()
  expect(actOf('slot', key('l', { ctrlKey: true }))).toBeUndefined()
  expect(actOf('week', key('1', { altKey: true }))).toBeUndefined()
})

it('every stage can be accepted and left', () => {
  for (const stage of ['find', 'week', 'slot', 'held', 'done'] as Stage[]) {
    expect(actOf(stage, key('Enter'))).toEqual({ do: 'accept' })
    expect(actOf(stage, key('Escape'))).toEqual({ do: 'back' })
  }
  expect(actOf('slot', key('l'))).toEqual({ do: 'hold' })
  expect(actOf('slot', key('p'))).toEqual({ do: 'card' })
  expect(actOf('done', key('u'))).toEqual({ do: 'undo' })
  expect(actOf('week', key('u'))).toBeUndefined()
})
