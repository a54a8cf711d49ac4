import { MonitorDot } from '@lucide/vue'
import type { FeatureModule } from '../module'

export const wallboard: FeatureModule = {
  routes: [{ path: '/wallboard', name: 'wallboard', component: () => import('./WallboardPage.vue'), meta: { needs: ['wallboard.read'], title: 'menu.wallboard' } }],
  menu: [{ name: 'wallboard', label: 'menu.wallboard', icon: MonitorDot, group: 'insight', needs: ['wallboard.read'] }],
}
