import { useQuery } from '@tanstack/vue-query'
import type { Ref } from 'vue'
import { client, unwrap } from '@/api/client'

export function useCampuses() {
  return useQuery({ queryKey: ['directory', 'campuses'], queryFn: () => unwrap(client.GET('/api/campuses')), staleTime: 300_000 })
}
export function useDepartments(q: Ref<string>, campus: Ref<string>) {
  return useQuery({
    queryKey: ['directory', 'departments', q, campus],
    queryFn: () => unwrap(client.GET('/api/departments', { params: { query: { q: q.value || undefined, campus: campus.value || undefined } } })),
    placeholderData: (old) => old,
  })
}
export function useDoctors(q: Ref<string>, campus: Ref<string>, department: Ref<string>) {
  return useQuery({
    queryKey: ['directory', 'doctors', q, campus, department],
    queryFn: () => unwrap(client.GET('/api/doctors', { params: { query: { q: q.value || undefined, campus: campus.value || undefined, department: department.value || undefined, limit: 200 } } })),
    placeholderData: (old) => old,
  })
}
