import { ChartNoAxesColumn } from '@lucide/vue'
import type { FeatureModule } from '../module'

export const reports: FeatureModule = {
  routes: [{ path: '/reports', name: 'reports', component: () => import('./ReportsPage.vue'), meta: { needs: ['report.read'], title: 'menu.reports' } }],
  menu: [{ name: 'reports', label: 'menu.reports', icon: ChartNoAxesColumn, group: 'insight', needs: ['report.read'] }],
}
