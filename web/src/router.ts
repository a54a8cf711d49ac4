import { createRouter, createWebHistory, type Router } from 'vue-router'
import { features } from '@/features'
import { i18n } from '@/i18n'
import { useSession } from '@/stores/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Any one of these permissions opens the page; empty: everybody signed in. */
    needs?: string[]
    /** Message key of the page's title. */
    title?: string
    /** The page manages its own height and padding. */
    flush?: boolean
    public?: boolean
  }
}

/** The first page for this person: agents at the desk, supervisors at the wallboard. */
function home(can: (...p: string[]) => boolean, agent: boolean): string {
  for (const f of ['wallboard', 'desk', 'customers', 'calls', 'directory', 'reports', 'admin']) {
    if ((f === 'wallboard' && agent && !can('supervise.monitor')) || (f === 'desk' && !agent)) continue
    const route = features.flatMap((m) => m.menu).find((i) => i.name === f)
    if (route && can(...route.needs)) return f
  }
  return 'settings'
}

export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/sign-in', name: 'sign-in', component: () => import('@/features/session/SignInPage.vue'), meta: { public: true, title: 'signin.title' } },
      { path: '/try', name: 'try', component: () => import('@/features/try/TryPage.vue'), meta: { public: true, title: 'try.title' } },
      {
        path: '/',
        component: () => import('@/layout/AppLayout.vue'),
        children: [
          // The guard below sends everybody on, once it knows who it is.
          { path: '', name: 'home', component: () => import('@/layout/MissingPage.vue') },
          ...features.flatMap((f) => f.routes),
          { path: ':rest(.*)*', name: 'missing', component: () => import('@/layout/MissingPage.vue'), meta: { title: 'missing.title' } },
        ],
      },
    ],
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  })

  router.beforeEach(async (to) => {
    if (to.meta.public) return true
    const session = useSession()
    if (!session.loaded) await session.load()
    if (!session.view) return { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
    if (session.view.must_change_password && to.name !== 'settings') return { name: 'settings', query: { password: '1' } }
    if (to.path === '/') return { name: home(session.can, session.agent), replace: true }
    if (to.meta.needs?.length && !session.can(...to.meta.needs)) return { name: 'missing', params: { rest: ['denied'] } }
    return true
  })
  router.afterEach((to) => {
    const t = i18n.global.t as (k: string) => string
    document.title = to.meta.title ? `${t(to.meta.title)} · ${t('app.name')}` : t('app.name')
  })
  return router
}
