// Every page of the program, with somebody who may see it.
import type { Session } from './session.js'

export type Place = { name: string; path: string; who: string }

export async function pages(admin: Session): Promise<Place[]> {
  const [patient] = await admin.items('/api/patients?q=13971000001')
  const [call] = (await admin.items('/api/calls?limit=50&outcome=answered')).filter((c) => c.patient)
  const [flow] = await admin.items('/api/admin/flows')
  const by = (who: string, ...list: [string, string][]): Place[] => list.map(([name, path]) => ({ name, path, who }))
  return [
    ...by('', ['sign-in', '/sign-in'], ['try', '/try']),
    ...by('agent1', ['desk', '/desk'], ['settings', '/settings'], ['missing', '/nowhere']),
    ...by('supervisor', ['wallboard', '/wallboard'], ['calls', '/calls'], ['call', `/calls/${call.id}`], ['customers', '/customers'], ['customer', `/customers/${patient.id}`]),
    ...by('supervisor', ['customer-new', '/customers/new'], ['customer-edit', `/customers/${patient.id}/edit`], ['directory', '/directory'], ['reports', '/reports']),
    ...by('admin', ...['users', 'roles', 'departments', 'agents', 'queues', 'skills', 'numbers', 'extensions', 'trunks'].map((p): [string, string] => [`admin-${p}`, `/admin/${p}`])),
    ...by('admin', ['admin-flows', '/admin/flows'], ['admin-flow', `/admin/flows/${flow.id}`], ['admin-prompts', '/admin/prompts']),
    ...by('admin', ...['calendars', 'dispositions', 'reasons', 'audit', 'jobs', 'system'].map((p): [string, string] => [`admin-${p}`, `/admin/${p}`])),
  ]
}
