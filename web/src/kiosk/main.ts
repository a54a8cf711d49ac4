import { createApp, h } from 'vue'

createApp({ render: () => h('main', '自助服务 Self-service') }).mount('#app')
