import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import type { Patient, PatientCreate, PatientPatch } from '@/api/types'

export function usePatient(id: Ref<string>) {
  return useQuery({
    queryKey: ['patient', id],
    queryFn: () => unwrap(client.GET('/api/patients/{id}', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
    staleTime: 60_000, // every look is audited: no idle refetching
  })
}

/** The most hits that a search gives; who wants others says more. */
export const mostHits = 50

export function usePatientSearch(q: Ref<string>, enabled: Ref<boolean>, limit = 20) {
  return useQuery({
    queryKey: ['patients', 'search', q, limit],
    queryFn: () => unwrap(client.GET('/api/patients', { params: { query: { q: q.value, limit } } })),
    enabled,
    placeholderData: (old) => old,
    staleTime: 30_000,
  })
}

export interface TimelineFilter {
  kinds: string[]
  family: boolean
}

export function useTimeline(id: Ref<string>, filter: Ref<TimelineFilter>) {
  return useInfiniteQuery({
    queryKey: ['patient', id, 'timeline', filter],
    queryFn: ({ pageParam }) =>
      unwrap(
        client.GET('/api/patients/{id}/timeline', {
          params: { path: { id: id.value }, query: { kinds: filter.value.kinds.length ? filter.value.kinds : undefined, family: filter.value.family, cursor: pageParam || undefined, limit: 30 } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    enabled: computed(() => id.value !== ''),
  })
}

export function useFamily(id: Ref<string>) {
  return useQuery({
    queryKey: ['patient', id, 'family'],
    queryFn: () => unwrap(client.GET('/api/patients/{id}/family', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
  })
}

export function usePatientActions() {
  const queries = useQueryClient()
  return {
    async create(body: PatientCreate): Promise<Patient> {
      const p = await unwrap(client.POST('/api/patients', { body }))
      void queries.invalidateQueries({ queryKey: ['patients'] })
      queries.setQueryData(['patient', p.id], p)
      return p
    },
    async update(id: string, body: PatientPatch): Promise<Patient> {
      const p = await unwrap(client.PATCH('/api/patients/{id}', { params: { path: { id } }, body }))
      queries.setQueryData(['patient', id], p)
      void queries.invalidateQueries({ queryKey: ['patients'] })
      return p
    },
    async reveal(id: string, field: string, reason: string): Promise<string> {
      return (await unwrap(client.POST('/api/patients/{id}/reveal', { params: { path: { id } }, body: { field, reason } }))).value
    },
  }
}
