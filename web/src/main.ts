import { VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { whenSignedOut } from './api/client'
import { i18n, initialLocale } from './i18n'
import { queryClient } from './query'
import { makeRouter } from './router'
import { useSession } from './stores/session'
import './styles/base.css'
import './styles/tokens.css'

async function start(): Promise<void> {
  await initialLocale()
  const app = createApp(App)
  app.use(createPinia())
  app.use(i18n)
  app.use(VueQueryPlugin, { queryClient })
  const session = useSession()
  const router = makeRouter()
  whenSignedOut(() => {
    if (!session.view) return
    session.forget()
    queryClient.clear()
    void router.push({ name: 'sign-in', query: { next: router.currentRoute.value.fullPath } })
  })
  app.use(router)
  app.mount('#app')
}

void start()
