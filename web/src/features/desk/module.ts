import { Headset } from '@lucide/vue'
import type { FeatureModule } from '../module'

export const desk: FeatureModule = {
  routes: [{ path: '/desk', name: 'desk', component: () => import('./DeskPage.vue'), meta: { needs: ['call.handle'], title: 'menu.desk', flush: true } }],
  menu: [{ name: 'desk', label: 'menu.desk', icon: Headset, group: 'work', needs: ['call.handle'], agent: true }],
}
