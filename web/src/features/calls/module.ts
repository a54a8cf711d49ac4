import { PhoneCall } from '@lucide/vue'
import type { FeatureModule } from '../module'

const needs = ['call.read', 'call.read.own']

export const calls: FeatureModule = {
  routes: [
    { path: '/calls', name: 'calls', component: () => import('./CallsPage.vue'), meta: { needs, title: 'menu.calls' } },
    { path: '/calls/:id', name: 'call', component: () => import('./CallPage.vue'), meta: { needs, title: 'menu.calls' } },
  ],
  menu: [{ name: 'calls', label: 'menu.calls', icon: PhoneCall, group: 'work', needs }],
}
