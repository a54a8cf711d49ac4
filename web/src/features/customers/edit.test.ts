import { describe, expect, it } from 'vitest'
import type { Patient } from '@/api/types'
import { changed, createBody, emptyForm, formOf, lockedFields, patchBody } from './edit'

const record = {
  id: 'p1', version: 7, masked: true, name: '陈*', sex: 'female', birth_date: '1959', allergies: ['青霉素'], tags: [], address: { province: '云山省', detail: '****' },
  phones: [{ id: 'n1', number: '138****5678', type: 'mobile', owner: '', primary: true, masked: true }], identifiers: [{ id: 'i1', type: 'id_card', value: '5301********1224', masked: true }],
} as unknown as Patient

describe('changing a customer', () => {
  it('sends nothing but the version when nothing was touched', () => {
    expect(patchBody(formOf(record), record)).toEqual({ version: 7 })
    expect(changed(formOf(record), record)).toBe(false)
  })
  it('sends only what was touched', () => {
    const f = formOf(record)
    f.allergies.push('头孢')
    expect(patchBody(f, record)).toEqual({ version: 7, allergies: ['青霉素', '头孢'] })
    expect(record.allergies).toEqual(['青霉素'])
  })
  it('never writes a mask over a number: a kept phone goes by its id', () => {
    const f = formOf(record)
    f.phones.push({ number: ' 13900001111 ', type: 'home', primary: false })
    f.phones.push({ number: '', type: 'work', primary: false })
    expect(patchBody(f, record).phones).toEqual([
      { id: 'n1', number: undefined, type: 'mobile', owner: undefined, primary: true },
      { id: undefined, number: '13900001111', type: 'home', owner: undefined, primary: false },
    ])
  })
  it('locks what came masked', () => {
    expect([...lockedFields(record)].sort()).toEqual(['address', 'birth_date', 'name'])
    expect(lockedFields({ ...record, masked: false }).size).toBe(0)
    expect(lockedFields(undefined).size).toBe(0)
  })
})

it('creates with trimmed name and without empty lines', () => {
  const f = emptyForm()
  f.name = ' 李敏 '
  f.identifiers.push({ type: 'id_card', value: ' ' })
  expect(createBody(f)).toMatchObject({ name: '李敏', phones: [], identifiers: [], birth_date: undefined })
})
