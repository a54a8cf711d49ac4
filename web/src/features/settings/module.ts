import type { FeatureModule } from '../module'

export const settings: FeatureModule = {
  routes: [{ path: '/settings', name: 'settings', component: () => import('./SettingsPage.vue'), meta: { needs: [], title: 'menu.settings' } }],
  menu: [],
}
