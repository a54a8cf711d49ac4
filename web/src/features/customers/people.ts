// What the pages around the record read. Lists page by cursor; a live fact of
// topic "people" or "patient" marks them stale (see live/realtime.ts).
import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'

interface Page<T> {
  items: T[]
  next_cursor?: string
}

/** A list that grows by "more". */
export function usePages<T>(key: unknown[], read: (cursor: string | undefined) => Promise<Page<T>>, enabled?: Ref<boolean>) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam || undefined),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    enabled,
  })
  return { query, rows: computed(() => query.data.value?.pages.flatMap((p) => p.items) ?? []) }
}

export function usePatientHistory(id: Ref<string>) {
  return usePages(['patient', id, 'history'], (cursor) => unwrap(client.GET('/api/patients/{id}/history', { params: { path: { id: id.value }, query: { cursor, limit: 50 } } })))
}

export function useConsents(id: Ref<string>) {
  return useQuery({ queryKey: ['consents', id], queryFn: () => unwrap(client.GET('/api/patients/{id}/consents', { params: { path: { id: id.value } } })), staleTime: 60_000 })
}

export function usePurposes() {
  return useQuery({ queryKey: ['consent-purposes'], queryFn: () => unwrap(client.GET('/api/consent-purposes')), staleTime: 300_000 })
}

export function useConsentTexts(code: Ref<string>) {
  return useQuery({
    queryKey: ['consent-texts', code],
    queryFn: () => unwrap(client.GET('/api/consent-purposes/{code}/texts', { params: { path: { code: code.value } } })),
    enabled: computed(() => code.value !== ''),
  })
}

export interface GroupAsk {
  q: string
  kind: string
}

type GroupKind = 'contract' | 'insurer' | 'community'

export function useGroups(ask: Ref<GroupAsk>) {
  return usePages(['groups', ask], (cursor) => unwrap(client.GET('/api/groups', { params: { query: { q: ask.value.q || undefined, kind: (ask.value.kind || undefined) as GroupKind | undefined, cursor, limit: 50 } } })))
}

export function useGroupsOf(id: Ref<string>) {
  return useQuery({ queryKey: ['patient', id, 'groups'], queryFn: () => unwrap(client.GET('/api/patients/{id}/groups', { params: { path: { id: id.value } } })) })
}

export interface DuplicateAsk {
  status: 'open' | 'dismissed' | 'merged'
  minScore: number
}

export function useDuplicates(ask: Ref<DuplicateAsk>) {
  return usePages(['duplicates', ask], (cursor) => unwrap(client.GET('/api/patients/duplicates', { params: { query: { status: ask.value.status, min_score: ask.value.minScore || undefined, cursor, limit: 30 } } })))
}

export function useMerges() {
  return usePages(['merges'], (cursor) => unwrap(client.GET('/api/patients/merges', { params: { query: { cursor, limit: 30 } } })))
}

export function useScan() {
  return useQuery({
    queryKey: ['duplicate-scan'],
    queryFn: () => unwrap(client.GET('/api/patients/duplicates/scan')),
    refetchInterval: (q) => (q.state.data && ['waiting', 'running'].includes(q.state.data.state) ? 1_500 : false),
  })
}

export const working = ['checking', 'running', 'undoing']

export function useImports() {
  return usePages(['imports'], (cursor) => unwrap(client.GET('/api/imports', { params: { query: { cursor, limit: 30 } } })))
}

export function useImport(id: Ref<string>) {
  return useQuery({
    queryKey: ['import', id],
    queryFn: () => unwrap(client.GET('/api/imports/{id}', { params: { path: { id: id.value } } })),
    refetchInterval: (q) => (q.state.data && working.includes(q.state.data.status) ? 1_000 : false),
  })
}

export function useImportRows(id: Ref<string>, enabled: Ref<boolean>) {
  return usePages(['import', id, 'rows'], (cursor) => unwrap(client.GET('/api/imports/{id}/rows', { params: { path: { id: id.value }, query: { cursor, limit: 50 } } })), enabled)
}

export interface PrivacyAsk {
  patient?: string
  kind: string
  status: string
  overdue: boolean
}

type PrivacyKind = 'export' | 'restrict' | 'lift' | 'delete'
type PrivacyStatus = 'open' | 'approved' | 'refused' | 'running' | 'done' | 'failed'

export function usePrivacyRequests(ask: Ref<PrivacyAsk>, enabled?: Ref<boolean>) {
  return usePages(
    ['privacy', ask],
    (cursor) => unwrap(
      client.GET('/api/privacy/requests', {
        params: { query: { patient: ask.value.patient, kind: (ask.value.kind || undefined) as PrivacyKind | undefined, status: (ask.value.status || undefined) as PrivacyStatus | undefined, overdue: ask.value.overdue || undefined, cursor, limit: 50 } },
      }),
    ),
    enabled,
  )
}

export function usePrivacyRequest(id: Ref<string>) {
  return useQuery({
    queryKey: ['privacy', 'one', id],
    queryFn: () => unwrap(client.GET('/api/privacy/requests/{id}', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
    refetchInterval: (q) => (q.state.data && ['approved', 'running'].includes(q.state.data.status) ? 1_000 : false),
  })
}

export function useAccesses(pending: Ref<boolean>) {
  return usePages(['accesses', pending], (cursor) => unwrap(client.GET('/api/privacy/accesses', { params: { query: { pending: pending.value || undefined, cursor, limit: 50 } } })))
}

export function useQuality() {
  return useQuery({ queryKey: ['quality'], queryFn: () => unwrap(client.GET('/api/patients/quality')) })
}

export function useFindings(rule: Ref<string>) {
  return usePages(['quality', 'findings', rule], (cursor) => unwrap(client.GET('/api/patients/quality/findings', { params: { query: { rule: rule.value, cursor, limit: 50 } } })), computed(() => rule.value !== ''))
}
