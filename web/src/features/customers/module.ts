import { UsersRound } from '@lucide/vue'
import type { FeatureModule } from '../module'

const needs = ['patient.read']

export const customers: FeatureModule = {
  routes: [
    { path: '/customers', name: 'customers', component: () => import('./CustomersPage.vue'), meta: { needs, title: 'menu.customers' } },
    { path: '/customers/new', name: 'customer-new', component: () => import('./CustomerEditPage.vue'), meta: { needs: ['patient.write'], title: 'customer.new' } },
    { path: '/customers/:id', name: 'customer', component: () => import('./CustomerPage.vue'), meta: { needs, title: 'menu.customers' } },
    { path: '/customers/:id/edit', name: 'customer-edit', component: () => import('./CustomerEditPage.vue'), meta: { needs: ['patient.write'], title: 'customer.edit' } },
  ],
  menu: [{ name: 'customers', label: 'menu.customers', icon: UsersRound, group: 'work', needs }],
}
