import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import type { CallEvent } from '@/api/types'
import { addDays, dayStart } from '@/lib/format'
import { useNames } from '@/lib/names'

export type Outcome = '' | 'answered' | 'abandoned' | 'short_abandoned' | 'ivr' | 'missed' | 'failed' | 'transferred_out'
export const outcomes: Outcome[] = ['answered', 'abandoned', 'short_abandoned', 'ivr', 'missed', 'failed', 'transferred_out']

export interface CallFilter {
  from: string // days of the hospital, inclusive
  to: string
  queue: string
  agent: string
  outcome: Outcome
  direction: '' | 'inbound' | 'outbound' | 'internal'
  q: string
  patient: string
}

/** The filter as the API wants it: instants instead of days, nothing empty. */
export function callQuery(f: CallFilter) {
  return {
    from: f.from ? dayStart(f.from).toISOString() : undefined,
    to: f.to ? dayStart(addDays(f.to, 1)).toISOString() : undefined,
    queue: f.queue || undefined,
    agent: f.agent || undefined,
    outcome: f.outcome || undefined,
    direction: f.direction || undefined,
    q: f.q.trim() || undefined,
    patient: f.patient || undefined,
  }
}

export function useCallList(filter: Ref<CallFilter>) {
  return useInfiniteQuery({
    queryKey: ['calls', filter],
    queryFn: ({ pageParam }) => unwrap(client.GET('/api/calls', { params: { query: { ...callQuery(filter.value), cursor: pageParam || undefined, limit: 50 } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: (old) => old,
  })
}

export function exportAddress(f: CallFilter): string {
  const q = new URLSearchParams(Object.entries(callQuery(f)).filter((e): e is [string, string] => Boolean(e[1])))
  return `/api/calls/export.csv?${q}`
}

export function useQueueNames() {
  return useQuery({ queryKey: ['names', 'queues'], queryFn: () => unwrap(client.GET('/api/queues')), staleTime: 300_000 })
}
/** The queue's name in the reader's language. */
export function useQueueLabel() {
  const queues = useQueueNames()
  const { label } = useNames()
  return (id: string, name: string): string => label(queues.data.value?.items.find((q) => q.id === id)) || name
}
export function useAgentNames() {
  return useQuery({ queryKey: ['names', 'agents'], queryFn: () => unwrap(client.GET('/api/agents')), staleTime: 300_000 })
}

export function useCall(id: Ref<string>) {
  return useQuery({
    queryKey: ['call', id],
    queryFn: () => unwrap(client.GET('/api/calls/{id}', { params: { path: { id: id.value } } })),
    refetchInterval: (q) => (q.state.data?.live ? 5000 : false),
  })
}

export function useCallEvents(id: Ref<string>, live: Ref<boolean>) {
  return useQuery({
    queryKey: ['call', id, 'events'],
    queryFn: async () => (await unwrap(client.GET('/api/calls/{id}/events', { params: { path: { id: id.value } } }))).items as CallEvent[],
    refetchInterval: computed(() => (live.value ? 5000 : false)),
  })
}

export function useRecording(id: Ref<string>) {
  const at = () => ({ params: { path: { id: id.value } } })
  const enabled = computed(() => id.value !== '')
  return {
    info: useQuery({ queryKey: ['recording', id], queryFn: () => unwrap(client.GET('/api/recordings/{id}', at())), enabled }),
    waveform: useQuery({
      queryKey: ['recording', id, 'waveform'],
      queryFn: () => unwrap(client.GET('/api/recordings/{id}/waveform', { params: { path: { id: id.value }, query: { points: 600 } } })),
      enabled,
      staleTime: Infinity,
    }),
  }
}

export function useSaveNotes() {
  const queries = useQueryClient()
  return async (id: string, body: { notes: string; disposition?: string; patient_id?: string }) => {
    const c = await unwrap(client.PUT('/api/calls/{id}/notes', { params: { path: { id } }, body }))
    queries.setQueryData(['call', id], c)
    void queries.invalidateQueries({ queryKey: ['calls'] })
  }
}
