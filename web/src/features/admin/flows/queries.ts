import { useQuery, useQueryClient } from '@tanstack/vue-query'
import type { Ref } from 'vue'
import { client, unwrap } from '@/api/client'

const at = (id: string) => ({ params: { path: { id } } })

export function useFlows() {
  return useQuery({ queryKey: ['admin', 'flows'], queryFn: () => unwrap(client.GET('/api/admin/flows')) })
}
export function useFlow(id: Ref<string>) {
  return useQuery({ queryKey: ['admin', 'flow', id], queryFn: () => unwrap(client.GET('/api/admin/flows/{id}', at(id.value))), staleTime: Infinity })
}
export function useFlowVersions(id: Ref<string>) {
  return useQuery({ queryKey: ['admin', 'flow', id, 'versions'], queryFn: () => unwrap(client.GET('/api/admin/flows/{id}/versions', at(id.value))) })
}

export function useFlowActions() {
  const queries = useQueryClient()
  const again = () => void queries.invalidateQueries({ queryKey: ['admin', 'flows'] })
  const fresh = (id: string) => {
    again()
    void queries.invalidateQueries({ queryKey: ['admin', 'flow', id] })
  }
  return {
    async create(name: string) {
      const f = await unwrap(client.POST('/api/admin/flows', { body: { name, language: 'zh-CN' } }))
      again()
      return f
    },
    async save(id: string, graph: unknown, note: string) {
      const r = await unwrap(client.PUT('/api/admin/flows/{id}/draft', { ...at(id), body: { graph, note: note || undefined } }))
      fresh(id)
      return r
    },
    check: (id: string, graph: unknown) => unwrap(client.POST('/api/admin/flows/{id}/check', { ...at(id), body: { graph } })),
    async publish(id: string, note: string) {
      await unwrap(client.POST('/api/admin/flows/{id}/publish', { ...at(id), body: { note: note || undefined } }))
      fresh(id)
    },
    async rollback(id: string, number: number) {
      await unwrap(client.POST('/api/admin/flows/{id}/rollback', { ...at(id), body: { number } }))
      fresh(id)
    },
  }
}
