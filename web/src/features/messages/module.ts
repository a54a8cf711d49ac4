import { MessageSquareText } from '@lucide/vue'
import type { FeatureModule } from '../module'

const needs = ['message.read']

export const messages: FeatureModule = {
  routes: [
    { path: '/messages', name: 'messages', component: () => import('./MessagesPage.vue'), meta: { needs, title: 'menu.messages' } },
    { path: '/messages/templates', name: 'message-templates', component: () => import('./TemplatesPage.vue'), meta: { needs, title: 'message.templates' } },
  ],
  menu: [{ name: 'messages', label: 'menu.messages', icon: MessageSquareText, group: 'work', needs }],
}
