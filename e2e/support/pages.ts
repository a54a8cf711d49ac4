// Every page of the program, with somebody who may see it.
import type { Hospital } from './hospital.js'
import type { Session } from './session.js'

export type Place = { name: string; path: string; who: string }

const known = new WeakMap<Hospital, Promise<Place[]>>()

/** The pages of a hospital; the first who asks puts something on each of them. */
export function pages(hospital: Hospital): Promise<Place[]> {
  const list = known.get(hospital) ?? hospital.as('admin').then(listed)
  known.set(hospital, list)
  return list
}

async function listed(admin: Session): Promise<Place[]> {
  const [patient] = await admin.items('/api/patients?q=13971000001')
  const [call] = (await admin.items('/api/calls?limit=50&outcome=answered')).filter((c) => c.patient)
  const [flow] = await admin.items('/api/admin/flows')
  const [department] = await admin.items('/api/departments')
  const people = await peoplePages(admin, patient)
  const by = (who: string, ...list: [string, string][]): Place[] => list.map(([name, path]) => ({ name, path, who }))
  return [
    ...by('', ['sign-in', '/sign-in'], ['try', '/try']),
    ...by('agent1', ['desk', '/desk'], ['settings', '/settings'], ['missing', '/nowhere']),
    ...by('supervisor', ['wallboard', '/wallboard'], ['calls', '/calls'], ['call', `/calls/${call.id}`], ['customers', '/customers'], ['customer', `/customers/${patient.id}`]),
    ...by('supervisor', ['customer-new', '/customers/new'], ['customer-edit', `/customers/${patient.id}/edit`], ['directory', '/directory'], ['reports', '/reports']),
    ...by('supervisor', ['department', `/directory/departments/${department.id}`], ['messages', '/messages'], ['message-templates', '/messages/templates']),
    ...by('supervisor', ...people),
    ...by('admin', ['admin-lifecycle', '/admin/lifecycle'], ['admin-consents', '/admin/consents']),
    ...by('supervisor', ...['appointments', 'timetable', 'check-in', 'waitlist', 'series', 'penalties', 'schedule', 'exams', 'booking-rules'].map((p): [string, string] => [p, `/${p}`])),
    ...by('supervisor', ['series-new', `/series?new=1&patient=${patient.id}`], ['customer-appointments', `/customers/${patient.id}?tab=appointments`]),
    ...by('supervisor', ['card', `/card?patient=${patient.id}`], ['adjustments', '/adjustments'], ['reconciliation', '/reconciliation']),
    ...by('admin', ...['users', 'roles', 'departments', 'agents', 'queues', 'skills', 'numbers', 'extensions', 'trunks'].map((p): [string, string] => [`admin-${p}`, `/admin/${p}`])),
    ...by('admin', ['admin-flows', '/admin/flows'], ['admin-flow', `/admin/flows/${flow.id}`], ['admin-prompts', '/admin/prompts']),
    ...by('admin', ...['calendars', 'dispositions', 'reasons', 'kiosks', 'audit', 'jobs', 'system'].map((p): [string, string] => [`admin-${p}`, `/admin/${p}`])),
  ]
}

/* eslint-disable @typescript-eslint/no-explicit-any */
/** The pages around the record, with something on each of them. */
async function peoplePages(admin: Session, patient: any): Promise<[string, string][]> {
  const twin = await admin.send('POST', '/api/patients', { name: patient.name, sex: patient.sex, phones: [{ number: '13971000001', type: 'mobile', primary: true }] })
  const group = await admin.send('POST', '/api/groups', { kind: 'contract', name: '江城造船有限公司', contact: '工会 刘主任', phone: '02786001234', valid_from: '2026-01-01', valid_to: '2027-12-31' })
  await admin.send('POST', `/api/groups/${group.id}/members`, { patient_id: patient.id, number: '20394', role: '职工', since: '2026-01-01' })
  await admin.send('POST', `/api/patients/${patient.id}/consents`, { purpose: 'followup', channel: 'phone', decision: 'granted', evidence: 'form', evidence_ref: 'F-2026-118' })
  await admin.send('POST', '/api/privacy/requests', { patient_id: patient.id, kind: 'export', evidence: '核对身份证原件', channel: 'onsite' })
  await admin.send('POST', '/api/patients/duplicates/scan')
  await admin.send('POST', '/api/patients/quality/run')
  const file = await admin.upload('/api/imports', '体检名单.csv', '\ufeff姓名,性别,出生日期,手机\r\n陆晨,男,1975-06-01,13900007001\r\n方晓,女,1990-13-40,13900007002\r\n')
  return [
    ['groups', '/customers/groups'], ['group', `/customers/groups/${group.id}`], ['duplicates', '/customers/duplicates'], ['compare', `/customers/compare?a=${patient.id}&b=${twin.id}`], ['merges', '/customers/merges'],
    ['imports', '/customers/imports'], ['import', `/customers/imports/${file.id}`], ['quality', '/customers/quality'], ['privacy', '/customers/privacy'], ['accesses', '/customers/accesses'],
    ['customer-consents', `/customers/${patient.id}?tab=consents`], ['customer-history', `/customers/${patient.id}?tab=history`],
  ]
}
