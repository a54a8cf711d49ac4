import { UsersRound } from '@lucide/vue'
import type { FeatureModule } from '../module'

const needs = ['patient.read']

export const customers: FeatureModule = {
  routes: [
    { path: '/customers', name: 'customers', component: () => import('./CustomersPage.vue'), meta: { needs, title: 'menu.customers' } },
    { path: '/customers/new', name: 'customer-new', component: () => import('./CustomerEditPage.vue'), meta: { needs: ['patient.write'], title: 'customer.new' } },
    { path: '/customers/groups', name: 'groups', component: () => import('./groups/GroupsPage.vue'), meta: { needs, title: 'people.tab.groups' } },
    { path: '/customers/groups/:id', name: 'group', component: () => import('./groups/GroupPage.vue'), meta: { needs, title: 'people.tab.groups' } },
    { path: '/customers/duplicates', name: 'duplicates', component: () => import('./duplicates/DuplicatesPage.vue'), meta: { needs: ['patient.merge'], title: 'people.tab.duplicates' } },
    { path: '/customers/compare', name: 'compare', component: () => import('./duplicates/ComparePage.vue'), meta: { needs: ['patient.merge'], title: 'compare.title' } },
    { path: '/customers/merges', name: 'merges', component: () => import('./duplicates/MergesPage.vue'), meta: { needs: ['patient.merge'], title: 'merges.title' } },
    { path: '/customers/imports', name: 'imports', component: () => import('./imports/ImportsPage.vue'), meta: { needs: ['patient.import'], title: 'people.tab.imports' } },
    { path: '/customers/imports/:id', name: 'import', component: () => import('./imports/ImportPage.vue'), meta: { needs: ['patient.import'], title: 'people.tab.imports' } },
    { path: '/customers/quality', name: 'quality', component: () => import('./quality/QualityPage.vue'), meta: { needs: ['patient.merge', 'patient.import'], title: 'people.tab.quality' } },
    { path: '/customers/privacy', name: 'privacy', component: () => import('./privacy/PrivacyPage.vue'), meta: { needs: ['privacy.manage'], title: 'people.tab.privacy' } },
    { path: '/customers/accesses', name: 'accesses', component: () => import('./privacy/AccessesPage.vue'), meta: { needs: ['privacy.manage'], title: 'people.tab.accesses' } },
    { path: '/customers/:id', name: 'customer', component: () => import('./CustomerPage.vue'), meta: { needs, title: 'menu.customers' } },
    { path: '/customers/:id/edit', name: 'customer-edit', component: () => import('./CustomerEditPage.vue'), meta: { needs: ['patient.write'], title: 'customer.edit' } },
  ],
  menu: [{ name: 'customers', label: 'menu.customers', icon: UsersRound, group: 'work', needs }],
}
