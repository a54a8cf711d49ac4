import { createApp } from 'vue'
import { whenSignedOut } from '@/api/client'
import { setZone } from '@/lib/format'
import App from './App.vue'
import { forget } from './account'
import { firstLang, i18n, setLang, useZone } from './i18n'
import { hospital, loadHospital } from './hospital'
import { makeRouter } from './router'
import '@/styles/tokens.css'
import './portal.css'

async function start(): Promise<void> {
  await setLang(firstLang())
  const router = makeRouter()
  whenSignedOut(() => {
    const here = router.currentRoute.value
    forget()
    if (here.meta.own) void router.replace({ name: 'sign-in', query: { next: here.fullPath } })
  })
  createApp(App).use(i18n).use(router).mount('#app')
  await loadHospital()
  if (hospital.info) {
    setZone(hospital.info.time_zone)
    useZone(hospital.info.time_zone)
  }
}

void start()
