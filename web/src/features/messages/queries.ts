import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref, watch, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import type { components } from '@/api/schema'
import { addDays, dayStart } from '@/lib/format'

export type MessageView = components['schemas']['MessageView']
export type MessageDetail = components['schemas']['MessageDetail']
export type MessageTemplate = components['schemas']['MessageTemplateView']
export type MessagePreview = components['schemas']['MessagePreview']
export type MessageChannel = components['schemas']['MessageChannelView']

export const states = ['queued', 'sent', 'delivered', 'failed', 'expired', 'received'] as const
export const classes = ['otp', 'service', 'reminder', 'marketing'] as const
export type MessageState = (typeof states)[number]
export type MessageClass = (typeof classes)[number]

export const tone = (state: string): string =>
  ({ delivered: 'ok', sent: 'info', received: 'violet', failed: 'bad', expired: 'warn' } as Record<string, string>)[state] ?? ''

export interface MessageFilter {
  box: '' | 'out' | 'in' | 'unhandled'
  state: '' | MessageState
  cls: '' | MessageClass
  from: string // days of the hospital, inclusive
  to: string
  q: string
  patient: string
}

/** The filter as the API wants it: nothing empty, instants instead of days. */
export function messageQuery(f: MessageFilter) {
  const box = f.box === 'unhandled' ? 'in' : f.box
  return {
    direction: box || undefined,
    unhandled: f.box === 'unhandled' ? true : undefined,
    status: f.state || undefined,
    class: f.cls || undefined,
    from: f.from ? dayStart(f.from).toISOString() : undefined,
    to: f.to ? dayStart(addDays(f.to, 1)).toISOString() : undefined,
    q: searchable(f.q),
    patient: f.patient || undefined,
  }
}

/** Less than four digits find nothing: the API is not asked for them. */
export function searchable(q: string): string | undefined {
  const digits = q.replace(/[^\d+]/g, '')
  return digits.replace('+', '').length >= 4 ? digits : undefined
}

export function useMessages(filter: Ref<MessageFilter>) {
  return useInfiniteQuery({
    queryKey: ['messages', 'list', filter],
    queryFn: ({ pageParam }) => unwrap(client.GET('/api/messages', { params: { query: { ...messageQuery(filter.value), cursor: pageParam || undefined, limit: 50 } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: (old) => old,
  })
}

export function useMessage(id: Ref<string>) {
  return useQuery({
    queryKey: ['messages', 'one', id],
    queryFn: () => unwrap(client.GET('/api/messages/{id}', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
  })
}

export function useChannels() {
  return useQuery({ queryKey: ['messages', 'channels'], queryFn: () => unwrap(client.GET('/api/message-channels')), refetchInterval: 15_000 })
}

export function useTemplates() {
  return useQuery({ queryKey: ['message-templates'], queryFn: () => unwrap(client.GET('/api/message-templates')) })
}

export function useVersions(name: Ref<string>, lang: Ref<'zh-CN' | 'en'>) {
  return useQuery({
    queryKey: ['message-templates', 'versions', name, lang],
    queryFn: () => unwrap(client.GET('/api/message-templates/versions', { params: { query: { name: name.value, lang: lang.value } } })),
    enabled: computed(() => name.value !== ''),
  })
}

/** What a text looks like on the telephone, a moment after the last key. */
export function usePreview(text: Ref<string>, name: Ref<string>, lang: Ref<'zh-CN' | 'en'>) {
  const settled = ref(text.value)
  let wait: ReturnType<typeof setTimeout>
  watch(text, (v) => {
    clearTimeout(wait)
    wait = setTimeout(() => (settled.value = v), 250)
  })
  return useQuery({
    queryKey: ['message-preview', settled, name, lang],
    queryFn: () => unwrap(client.POST('/api/message-templates/preview', { body: { text: settled.value, name: name.value || undefined, lang: lang.value } })),
    enabled: computed(() => settled.value.trim() !== ''),
    placeholderData: (old) => old,
    retry: false,
  })
}

export function useMessageActions() {
  const queries = useQueryClient()
  const stale = () => void queries.invalidateQueries({ queryKey: ['messages'] })
  return {
    retry: async (id: string) => {
      await unwrap(client.POST('/api/messages/{id}/retry', { params: { path: { id } } }))
      stale()
    },
    send: async (body: { to: string; text: string; key: string }) => {
      await unwrap(client.POST('/api/messages', { body }))
      stale()
    },
    save: async (t: MessageTemplate) => {
      const saved = await unwrap(client.PUT('/api/message-templates', { body: { name: t.name, lang: t.lang as 'zh-CN' | 'en', version: t.version, text: t.text, enabled: t.enabled } }))
      void queries.invalidateQueries({ queryKey: ['message-templates'] })
      return saved
    },
  }
}
