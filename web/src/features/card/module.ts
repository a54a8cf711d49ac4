import { CreditCard, Scale, Stamp } from '@lucide/vue'
import type { FeatureModule } from '../module'

const read = ['ledger.read']
const adjust = ['ledger.adjust']

export const card: FeatureModule = {
  routes: [
    { path: '/card', name: 'card', component: () => import('./CardPage.vue'), meta: { needs: read, title: 'menu.card' } },
    { path: '/adjustments', name: 'adjustments', component: () => import('./AdjustmentsPage.vue'), meta: { needs: adjust, title: 'menu.adjustments' } },
    { path: '/reconciliation', name: 'reconciliation', component: () => import('./ReconciliationPage.vue'), meta: { needs: read, title: 'menu.reconciliation' } },
  ],
  menu: [
    { name: 'card', label: 'menu.card', icon: CreditCard, group: 'money', needs: read },
    { name: 'adjustments', label: 'menu.adjustments', icon: Stamp, group: 'money', needs: adjust },
    { name: 'reconciliation', label: 'menu.reconciliation', icon: Scale, group: 'money', needs: read },
  ],
}
