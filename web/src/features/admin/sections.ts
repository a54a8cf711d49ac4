// The pages of the administration, in the order of their menu.
import type { RouteComponent } from 'vue-router'

type Lazy = () => Promise<RouteComponent | { default: RouteComponent }>

export interface Section {
  name: string
  group: 'people' | 'telephone' | 'voice' | 'operation' | 'hidden'
  needs: string[]
  page: Lazy
  path?: string
  title?: string
  props?: Record<string, unknown>
}

const crud: Lazy = () => import('./ResourcePage.vue')
const item = (name: string, group: Section['group'], needs: string): Section => ({ name, group, needs: [needs], page: crud, props: { resource: name } })

export const sections: Section[] = [
  item('users', 'people', 'admin.users'),
  item('roles', 'people', 'admin.users'),
  item('departments', 'people', 'admin.users'),
  item('agents', 'people', 'admin.telephony'),
  { name: 'lifecycle', group: 'people', needs: ['system.admin'], page: () => import('../customers/settings/LifecyclePage.vue') },
  { name: 'consents', group: 'people', needs: ['privacy.manage'], page: () => import('../customers/settings/ConsentTextsPage.vue') },
  item('queues', 'telephone', 'admin.telephony'),
  item('skills', 'telephone', 'admin.telephony'),
  item('numbers', 'telephone', 'admin.telephony'),
  item('extensions', 'telephone', 'admin.telephony'),
  item('trunks', 'telephone', 'admin.telephony'),
  { name: 'flows', group: 'voice', needs: ['admin.flows'], page: () => import('./flows/FlowsPage.vue') },
  { name: 'flow', path: 'flows/:id', title: 'flows', group: 'hidden', needs: ['admin.flows'], page: () => import('./flows/FlowPage.vue') },
  { name: 'prompts', group: 'voice', needs: ['admin.flows'], page: () => import('./prompts/PromptsPage.vue') },
  item('calendars', 'voice', 'admin.telephony'),
  item('dispositions', 'operation', 'admin.telephony'),
  item('reasons', 'operation', 'admin.telephony'),
  { name: 'kiosks', group: 'operation', needs: ['kiosk.admin'], page: () => import('./kiosks/KiosksPage.vue') },
  { name: 'audit', group: 'operation', needs: ['audit.read'], page: () => import('./AuditPage.vue') },
  { name: 'jobs', group: 'operation', needs: ['system.admin'], page: () => import('./JobsPage.vue') },
  { name: 'system', group: 'operation', needs: ['system.admin'], page: () => import('./SystemPage.vue') },
]
