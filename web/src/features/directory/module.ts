import { Building2 } from '@lucide/vue'
import type { FeatureModule } from '../module'

export const directory: FeatureModule = {
  routes: [
    { path: '/directory', name: 'directory', component: () => import('./DirectoryPage.vue'), meta: { needs: ['directory.read'], title: 'menu.directory' } },
    { path: '/directory/departments/:id', name: 'department', component: () => import('./DepartmentPage.vue'), meta: { needs: ['directory.read'], title: 'directory.department' } },
  ],
  menu: [{ name: 'directory', label: 'menu.directory', icon: Building2, group: 'work', needs: ['directory.read'] }],
}
