import { createApp } from 'vue'
import App from './App.vue'
import { i18n, setLang } from './i18n'
import { start } from './state'
import '@/styles/tokens.css'
import './kiosk.css'

await setLang('zh-CN')
createApp(App).use(i18n).mount('#app')
await start()
