// How the record speaks of itself: names of fields and values, steps of its history. Pure.
import type { FieldChange } from './types'

type Translate = (key: string) => string
type Exists = (key: string) => boolean

// Words that only these pages have.
const record = { group: 'recordfield' }
const column = { group: 'importfield' }

/** Fields whose label is not `patient.<field>`. */
const labels: Record<string, string> = { hereditary_diseases: 'patient.hereditary', donation_behaviour: 'patient.donation', vip: 'customer.vip', code: 'customers.code' }

/** Fields whose values are codes with words of their own. */
const codes: Record<string, string> = { sex: 'sex', insurance: 'insurance', lifecycle: 'lifecycle', channel: 'channel', language: 'lang' }

export function fieldWords(t: Translate, te: Exists) {
  const first = (keys: string[], otherwise: string): string => {
    const key = keys.find((k) => te(k))
    return key ? t(key) : otherwise
  }
  return {
    field: (name: string): string => first([labels[name] ?? `patient.${name}`, `${record.group}.${name}`], name),
    value(name: string, v: string): string {
      if (name === 'vip') return t(v ? 'common.yes' : 'common.no')
      if (name === 'household_id') return t('recordfield.some_household')
      if (name === 'identifiers') return v.split('; ').map((line) => documentWords(line, t, te)).join('; ')
      return codes[name] ? first([`${codes[name]}.${v}`], v) : v
    },
  }
}

/** "id_card 4403**********1512" → "身份证 4403**********1512". */
function documentWords(line: string, t: Translate, te: Exists): string {
  const [type, ...rest] = line.split(' ')
  return te(`idtype.${type}`) ? [t(`idtype.${type}`), ...rest].join(' ') : line
}

export interface HistoryStep {
  key: string
  at: string
  actor: string
  source: string
  patient: string
  changes: FieldChange[]
}

/** Changes that were made at once by one person, in the order of the list. */
export function grouped(rows: FieldChange[]): HistoryStep[] {
  const out: HistoryStep[] = []
  for (const r of rows) {
    const last = out.at(-1)
    const same = last && last.patient === r.patient_id && last.source === r.source && last.changes[0]!.version === r.version && last.at === r.at
    if (same) last.changes.push(r)
    else out.push({ key: r.id, at: r.at, actor: r.actor_name, source: r.source, patient: r.patient_id, changes: [r] })
  }
  return out
}

/** What a column of a file may be: named as in the record, as a document, or on its own. */
export function importFieldName(name: string, t: Translate, te: Exists): string {
  const key = [`${column.group}.${name}`, `idtype.${name}`, labels[name] ?? `patient.${name}`, `address.${name}`, `${record.group}.${name}`].find((k) => te(k))
  return key ? t(key) : name
}
