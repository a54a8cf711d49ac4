// What the customer form holds, and what of it goes to the server.
import type { IdentifierInput, Patient, PatientCreate, PatientPatch, PhoneInput } from '@/api/types'

export type PhoneRow = PhoneInput & { shown?: string }
export type IdentifierRow = IdentifierInput & { shown?: string }

export interface PatientForm {
  name: string
  name_latin: string
  sex: 'male' | 'female' | 'unknown'
  birth_date: string
  email: string
  wechat: string
  address: { province: string; city: string; district: string; street: string; detail: string; code: string }
  ethnicity: string
  industry: string
  occupation: string
  insurance: NonNullable<PatientCreate['insurance']>
  allergies: string[]
  hereditary_diseases: string[]
  heart_history: string
  donation_behaviour: string
  tags: string[]
  language: string
  nationality: string
  guardian_id: string
  channel: NonNullable<PatientCreate['channel']>
  lifecycle: NonNullable<PatientCreate['lifecycle']>
  vip: boolean
  notes: string
  phones: PhoneRow[]
  identifiers: IdentifierRow[]
}

const plain = [
  'name', 'name_latin', 'sex', 'birth_date', 'email', 'wechat', 'address', 'ethnicity', 'industry', 'occupation', 'insurance', 'allergies',
  'hereditary_diseases', 'heart_history', 'donation_behaviour', 'tags', 'language', 'channel', 'lifecycle', 'vip', 'nationality', 'guardian_id', 'notes',
] as const

/** Fields that came masked cannot be edited: the stars would be written over the truth. */
export function lockedFields(p: Patient | undefined): Set<string> {
  const out = new Set<string>()
  if (!p?.masked) return out
  const starred = (v: unknown) => JSON.stringify(v ?? '').includes('*')
  for (const k of ['name', 'name_latin', 'birth_date', 'email', 'wechat', 'address'] as const) if (starred(p[k])) out.add(k)
  if (/^\d{4}$/.test(p.birth_date ?? '')) out.add('birth_date')
  return out
}

export function emptyForm(): PatientForm {
  return {
    name: '', name_latin: '', sex: 'unknown', birth_date: '', email: '', wechat: '', address: { province: '', city: '', district: '', street: '', detail: '', code: '' },
    ethnicity: '', industry: '', occupation: '', insurance: '', allergies: [], hereditary_diseases: [], heart_history: '', donation_behaviour: '', tags: [],
    language: 'zh-CN', nationality: '', guardian_id: '', channel: 'phone', lifecycle: 'potential', vip: false, notes: '', phones: [{ number: '', type: 'mobile', primary: true }], identifiers: [],
  }
}

export function formOf(p: Patient): PatientForm {
  const f = emptyForm()
  for (const k of plain) {
    const v = p[k]
    if (v !== undefined && v !== null) Object.assign(f, { [k]: k === 'address' ? { ...f.address, ...(v as object) } : Array.isArray(v) ? [...v] : v })
  }
  f.phones = p.phones.map((x) => ({ id: x.id, number: x.masked ? '' : x.number, shown: x.number, type: x.type, owner: x.owner, primary: x.primary }))
  f.identifiers = p.identifiers.map((x) => ({ id: x.id, value: x.masked ? '' : x.value, shown: x.value, type: x.type }))
  return f
}

const phoneOut = (x: PhoneRow): PhoneInput => ({ id: x.id, number: x.number?.trim() || undefined, type: x.type, owner: x.owner || undefined, primary: x.primary })
const idOut = (x: IdentifierRow): IdentifierInput => ({ id: x.id, type: x.type, value: x.value?.trim() || undefined })
const written = (x: { id?: string; number?: string; value?: string }) => Boolean(x.id || x.number?.trim() || x.value?.trim())

export function createBody(f: PatientForm): PatientCreate {
  const body: Record<string, unknown> = {}
  for (const k of plain) body[k] = f[k]
  return { ...(body as unknown as PatientCreate), name: f.name.trim(), birth_date: f.birth_date || undefined, phones: f.phones.filter(written).map(phoneOut), identifiers: f.identifiers.filter(written).map(idOut) }
}

/** Only what differs from the record as it was read. */
export function patchBody(f: PatientForm, p: Patient): PatientPatch {
  const before = formOf(p)
  const body: Record<string, unknown> = { version: p.version }
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
  for (const k of plain) if (!same(f[k], before[k])) body[k] = f[k]
  if (!same(f.phones, before.phones)) body.phones = f.phones.filter(written).map(phoneOut)
  if (!same(f.identifiers, before.identifiers)) body.identifiers = f.identifiers.filter(written).map(idOut)
  return body as unknown as PatientPatch
}

export function changed(f: PatientForm, p: Patient): boolean {
  return Object.keys(patchBody(f, p)).length > 1
}
