import { useQuery } from '@tanstack/vue-query'
import type { Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import { addDays, dayStart } from '@/lib/format'

export interface ReportFilter {
  from: string
  to: string
  queue: string
  interval: '15m' | '1h' | '1d'
}

function period(f: ReportFilter) {
  return { from: dayStart(f.from).toISOString(), to: dayStart(addDays(f.to, 1)).toISOString(), queue: f.queue || undefined }
}

export function useSummary(f: Ref<ReportFilter>) {
  return useQuery({ queryKey: ['reports', 'summary', f], queryFn: () => unwrap(client.GET('/api/reports/summary', { params: { query: period(f.value) } })), placeholderData: (old) => old })
}
export function useIntervals(f: Ref<ReportFilter>) {
  return useQuery({
    queryKey: ['reports', 'intervals', f],
    queryFn: () => unwrap(client.GET('/api/reports/intervals', { params: { query: { ...period(f.value), interval: f.value.interval } } })),
    placeholderData: (old) => old,
  })
}
export function useAgentReport(f: Ref<ReportFilter>) {
  return useQuery({ queryKey: ['reports', 'agents', f], queryFn: () => unwrap(client.GET('/api/reports/agents', { params: { query: period(f.value) } })), placeholderData: (old) => old })
}
