import { createRouter, createWebHistory, type Router } from 'vue-router'
import { whoAmI } from './account'
import HomePage from './pages/HomePage.vue'

declare module 'vue-router' {
  interface RouteMeta {
    /** Only for signed-in patients. */
    own?: boolean
    /** Message key of the page's title. */
    title?: string
    /** Which entry of the menu is lit. */
    tab?: string
  }
}

export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory('/portal/'),
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
    routes: [
      { path: '/', name: 'home', component: HomePage, meta: { tab: 'home' } },
      { path: '/find', name: 'find', component: () => import('./pages/FindPage.vue'), meta: { tab: 'find', title: 'find.title' } },
      { path: '/departments/:id', name: 'department', component: () => import('./pages/DepartmentPage.vue'), meta: { tab: 'find', title: 'find.title' }, props: true },
      { path: '/doctors/:id', name: 'doctor', component: () => import('./pages/DoctorPage.vue'), meta: { tab: 'find', title: 'find.title' }, props: true },
      { path: '/sessions/:id', name: 'session', component: () => import('./pages/SessionPage.vue'), meta: { tab: 'find', title: 'slots.title' }, props: true },
      { path: '/sessions/:id/confirm', name: 'confirm', component: () => import('./pages/ConfirmPage.vue'), meta: { tab: 'find', own: true, title: 'confirm.title' }, props: true },
      { path: '/appointments', name: 'mine', component: () => import('./pages/MinePage.vue'), meta: { tab: 'mine', own: true, title: 'mine.title' } },
      { path: '/appointments/:id', name: 'appointment', component: () => import('./pages/AppointmentPage.vue'), meta: { tab: 'mine', own: true, title: 'appointment.title' }, props: true },
      { path: '/wait/new', name: 'wait-new', component: () => import('./pages/WaitNewPage.vue'), meta: { tab: 'find', own: true, title: 'wait.join' } },
      { path: '/me', name: 'me', component: () => import('./pages/MePage.vue'), meta: { tab: 'me', own: true, title: 'me.title' } },
      { path: '/me/add', name: 'add-member', component: () => import('./pages/AddMemberPage.vue'), meta: { tab: 'me', own: true, title: 'member.add' } },
      { path: '/card', name: 'card', component: () => import('./pages/CardPage.vue'), meta: { tab: 'me', own: true, title: 'card.title' } },
      { path: '/sign-in', name: 'sign-in', component: () => import('./pages/SignInPage.vue'), meta: { tab: 'me', title: 'signin.title' } },
      { path: '/info', name: 'info', component: () => import('./pages/InfoPage.vue'), meta: { tab: 'home', title: 'info.title' } },
      { path: '/:rest(.*)*', name: 'missing', component: () => import('./pages/MissingPage.vue'), meta: { title: 'missing.title' } },
    ],
  })
  router.beforeEach(async (to) => {
    if (!to.meta.own) return true
    const me = await whoAmI().catch(() => null)
    return me ? true : { name: 'sign-in', query: { next: to.fullPath }, replace: true }
  })
  return router
}
