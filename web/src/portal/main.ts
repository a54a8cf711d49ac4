import { createApp, h } from 'vue'
import { createI18n } from 'vue-i18n'
import { createRouter, createWebHistory, RouterView } from 'vue-router'

const app = createApp({ render: () => h('main', [h('p', '预约挂号 Appointments'), h(RouterView)]) })
app.use(createI18n({ legacy: false, locale: 'zh-CN' }))
app.use(createRouter({ history: createWebHistory('/portal/'), routes: [{ path: '/:rest(.*)*', component: { render: () => h('p') } }] }))
app.mount('#app')
