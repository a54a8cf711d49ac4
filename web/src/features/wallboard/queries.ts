import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { client, unwrap } from '@/api/client'
import { addDays, dayStart, isoDay } from '@/lib/format'
import { attempt } from '@/lib/notify'
import { useSession } from '@/stores/session'
import { useSoftphone } from '@/stores/softphone'

export function useWallboard() {
  return useQuery({ queryKey: ['wallboard'], queryFn: () => unwrap(client.GET('/api/wallboard')), refetchInterval: 5000 })
}

export function useLiveCalls() {
  const session = useSession()
  return useQuery({
    queryKey: ['live-calls'],
    queryFn: () => unwrap(client.GET('/api/live-calls')),
    enabled: computed(() => session.can('supervise.monitor')),
    refetchInterval: 15_000,
  })
}

export function useAlarms() {
  return useQuery({ queryKey: ['alarms'], queryFn: () => unwrap(client.GET('/api/alarms')), refetchInterval: 60_000 })
}

/** Today by half hours, in the hospital's day. */
export function useTodayCurve() {
  const session = useSession()
  return useQuery({
    queryKey: ['reports', 'today'],
    queryFn: () => {
      const d = isoDay()
      const query = { from: dayStart(d).toISOString(), to: dayStart(addDays(d, 1)).toISOString(), interval: '1h' as const }
      return unwrap(client.GET('/api/reports/intervals', { params: { query } }))
    },
    enabled: computed(() => session.can('report.read')),
    refetchInterval: 60_000,
  })
}

export type MonitorMode = 'listen' | 'whisper' | 'barge'

export function useSupervision() {
  const phone = useSoftphone()
  const at = (id: string) => ({ params: { path: { id } } })
  return {
    async monitor(id: string, mode: MonitorMode): Promise<boolean> {
      if (!(await phone.ensure())) return false
      return attempt(() => unwrap(client.POST('/api/live-calls/{id}/monitor', { ...at(id), body: { mode } })))
    },
    leave: (id: string) => attempt(() => unwrap(client.DELETE('/api/live-calls/{id}/monitor', at(id)))),
    hangup: (id: string) => attempt(() => unwrap(client.POST('/api/live-calls/{id}/hangup', at(id)))),
    force: (agent: string, body: { ready?: boolean; reason?: string; sign_out?: boolean }) =>
      attempt(() => unwrap(client.PUT('/api/agents/{id}/state', { ...at(agent), body })), 'wall.state_set'),
  }
}
