// What may be decided, and what must go with it. Pure.
import type { Patient } from '@/api/types'
import type { ConsentInput, ConsentState } from '../types'

export const evidences = ['call', 'form', 'portal', 'sms', 'onsite'] as const
const guardianAge = 14

export interface ConsentForm {
  decision: 'granted' | 'refused' | 'withdrawn'
  language: 'zh-CN' | 'en'
  givenBy: 'self' | 'guardian'
  guardian: string
  evidence: '' | (typeof evidences)[number]
  reference: string
  note: string
}

export function isMinor(p: Pick<Patient, 'age'>): boolean {
  return p.age >= 0 && p.age < guardianAge
}

export function consentForm(p: Patient, s: ConsentState, decision: ConsentForm['decision'], locale: string): ConsentForm {
  return {
    decision, language: locale === 'en' && !p.language?.startsWith('zh') ? 'en' : 'zh-CN', givenBy: isMinor(p) ? 'guardian' : 'self', guardian: p.guardian_id ?? '',
    evidence: decision === 'granted' && s.purpose.sensitive ? 'call' : '', reference: '', note: '',
  }
}

/** What is still missing before it can be taken down, as a message key. */
export function missing(p: Patient, s: ConsentState, f: ConsentForm): string {
  if (f.decision !== 'granted') return ''
  if (s.purpose.sensitive && (!f.evidence || !f.reference.trim())) return 'consent.need_evidence'
  if (isMinor(p) && f.givenBy !== 'guardian') return 'consent.need_guardian'
  if (f.givenBy === 'guardian' && !f.guardian && isMinor(p)) return 'consent.need_guardian_record'
  return ''
}

export function consentBody(s: ConsentState, f: ConsentForm): ConsentInput {
  return {
    purpose: s.purpose.code, channel: s.channel, decision: f.decision, text_language: f.language, given_by: f.givenBy,
    guardian_id: f.givenBy === 'guardian' ? f.guardian || undefined : undefined, evidence: f.evidence, evidence_ref: f.reference.trim() || undefined, note: f.note.trim() || undefined,
  }
}

/** One row for each purpose, its channels side by side. */
export function byPurpose(list: ConsentState[]): { purpose: ConsentState['purpose']; states: ConsentState[] }[] {
  const out: { purpose: ConsentState['purpose']; states: ConsentState[] }[] = []
  for (const s of list) {
    const last = out.at(-1)
    if (last?.purpose.code === s.purpose.code) last.states.push(s)
    else out.push({ purpose: s.purpose, states: [s] })
  }
  return out
}
