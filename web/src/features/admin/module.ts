import { Settings2 } from '@lucide/vue'
import { useSession } from '@/stores/session'
import type { FeatureModule } from '../module'
import { sections } from './sections'

const all = [...new Set(sections.flatMap((s) => s.needs))]

export const admin: FeatureModule = {
  routes: [
    {
      path: '/admin',
      name: 'admin',
      component: () => import('./AdminLayout.vue'),
      meta: { needs: all, title: 'menu.admin' },
      redirect: (to) => {
        if (to.path !== '/admin') return to.path
        const first = sections.find((s) => useSession().can(...s.needs))
        return { name: `admin-${first?.name ?? 'system'}` }
      },
      children: sections.map((s) => ({ path: s.path ?? s.name, name: `admin-${s.name}`, component: s.page, props: s.props, meta: { needs: s.needs, title: `admin.${s.title ?? s.name}` } })),
    },
  ],
  menu: [{ name: 'admin', label: 'menu.admin', icon: Settings2, group: 'admin', needs: all }],
}
