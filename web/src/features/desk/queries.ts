import { useQuery, useQueryClient, type QueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import type { DeskCall, DeskView } from '@/api/types'
import { useNames } from '@/lib/names'
import { attempt } from '@/lib/notify'
import { withNumbers } from '@/live/realtime'
import { useSession } from '@/stores/session'

export const deskKey = ['desk', 'view'] as const

const updates = (queries: QueryClient): number => queries.getQueryState(deskKey)?.dataUpdateCount ?? 0

export function useDesk() {
  const session = useSession()
  const queries = useQueryClient()
  const query = useQuery({
    queryKey: deskKey,
    // An event that came while this was read is newer; what was read adds the numbers in full.
    queryFn: async () => {
      const seen = updates(queries)
      const read = await unwrap(client.GET('/api/desk'))
      const now = queries.getQueryData<DeskView>(deskKey)
      return now && updates(queries) !== seen ? withNumbers(now, read) : read
    },
    enabled: computed(() => session.agent),
    refetchInterval: 20_000, // events keep it fresh; this covers a lost one
  })
  const desk = computed<DeskView | undefined>(() => query.data.value)
  const calls = computed(() => desk.value?.calls.filter((c) => c.state !== 'ended') ?? [])
  const ringing = computed(() => calls.value.find((c) => c.state === 'ringing'))
  const current = computed(() => foremost(calls.value))
  return { query, desk, calls, ringing, current }
}

const order: DeskCall['state'][] = ['talking', 'dialing', 'ringing', 'held', 'parked']

/** The call that the controls concern. */
export function foremost(calls: DeskCall[]): DeskCall | undefined {
  return [...calls].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0]
}

/** Routing counts an agent whom a colleague rings as taken; to the agent it rings. */
export function shownState(desk: DeskView): DeskView['agent']['state'] {
  return desk.agent.state === 'talking' && foremost(desk.calls)?.state === 'ringing' ? 'ringing' : desk.agent.state
}

export function useDeskOptions() {
  return useQuery({ queryKey: ['desk', 'options'], queryFn: () => unwrap(client.GET('/api/desk/options')), staleTime: 60_000 })
}

export function useTargets(q: Ref<string>, enabled: Ref<boolean>) {
  return useQuery({
    queryKey: ['desk', 'targets', q],
    queryFn: () => unwrap(client.GET('/api/desk/targets', { params: { query: { q: q.value } } })),
    enabled,
    placeholderData: (old) => old,
  })
}

export function useDeskHistory() {
  const session = useSession()
  return useQuery({
    queryKey: ['desk', 'history'],
    queryFn: () => unwrap(client.GET('/api/calls', { params: { query: { agent: session.user?.id, limit: 30 } } })),
  })
}

export function usePop(call: Ref<string>) {
  return useQuery({
    queryKey: ['pop', call],
    queryFn: () => unwrap(client.GET('/api/calls/{id}/pop', { params: { path: { id: call.value } } })),
    enabled: computed(() => call.value !== ''),
    staleTime: 30_000,
  })
}

type Kind = 'agent' | 'extension' | 'queue' | 'external'
type Simple = 'answer' | 'reject' | 'hold' | 'resume' | 'hangup' | 'help'

/** What an agent can do. Every action answers true when it worked and says why when it did not. */
export function useDeskActions() {
  const queries = useQueryClient()
  const refresh = () => void queries.invalidateQueries({ queryKey: deskKey })
  /** Shows the desk as answered, unless an event was faster. */
  const put = async (answer: Promise<DeskView | undefined>) => {
    const seen = updates(queries)
    const v = await answer
    if (v && updates(queries) === seen) queries.setQueryData(deskKey, v)
    else refresh()
  }
  const at = (id: string) => ({ params: { path: { id } } })

  const act = async (work: () => Promise<unknown>, okKey = '') => {
    const ok = await attempt(work, okKey)
    refresh()
    return ok
  }
  return {
    signIn: (seat: 'browser' | 'extension', extension = '') =>
      attempt(() => put(unwrap(client.POST('/api/desk/sign-in', { body: { seat, extension: extension || undefined } })))),
    signOut: () => attempt(() => put(unwrap(client.POST('/api/desk/sign-out')))),
    setState: (ready: boolean, reason = '') =>
      attempt(() => put(unwrap(client.PUT('/api/desk/state', { body: { ready, reason: reason || undefined } })))),
    dial: (to: string, patientId = '') => act(() => unwrap(client.POST('/api/desk/dial', { body: { to, patient_id: patientId || undefined } }))),
    call: (id: string, what: Simple) => act(() => simple(id, what), what === 'help' ? 'desk.help_sent' : ''),
    mute: (id: string, on: boolean) => act(() => unwrap(client.PUT('/api/desk/calls/{id}/mute', { ...at(id), body: { on } }))),
    dtmf: (id: string, digits: string) => attempt(() => unwrap(client.POST('/api/desk/calls/{id}/dtmf', { ...at(id), body: { digits } }))),
    transfer: (id: string, kind: Kind, target: string) =>
      act(() => unwrap(client.POST('/api/desk/calls/{id}/transfer', { ...at(id), body: { kind, target } })), 'desk.transfer_sent'),
    conference: (id: string, kind: Kind, target: string) =>
      act(() => unwrap(client.POST('/api/desk/calls/{id}/conference', { ...at(id), body: { kind, target } })), 'desk.conference_sent'),
    recording: (id: string, action: 'pause' | 'resume') =>
      act(() => unwrap(client.POST('/api/desk/calls/{id}/recording', { ...at(id), body: { action } }))),
    wrapUp: (id: string, body: { disposition: string; notes: string; patient_id?: string }) =>
      act(() => unwrap(client.PUT('/api/desk/calls/{id}/wrap-up', { ...at(id), body })), 'common.saved'),
    wrapUpDone: () => attempt(() => put(unwrap(client.POST('/api/desk/wrap-up/done')))),
  }
}

function simple(id: string, what: Simple): Promise<unknown> {
  const at = { params: { path: { id } } }
  switch (what) {
    case 'answer':
      return unwrap(client.POST('/api/desk/calls/{id}/answer', at))
    case 'reject':
      return unwrap(client.POST('/api/desk/calls/{id}/reject', at))
    case 'hold':
      return unwrap(client.POST('/api/desk/calls/{id}/hold', at))
    case 'resume':
      return unwrap(client.POST('/api/desk/calls/{id}/resume', at))
    case 'hangup':
      return unwrap(client.POST('/api/desk/calls/{id}/hangup', at))
    case 'help':
      return unwrap(client.POST('/api/desk/calls/{id}/help', at))
  }
}

/** The hospital's own words for not-ready reasons and dispositions. */
export function useDeskNames() {
  const session = useSession()
  const { label, code } = useNames()
  const options = useQuery({
    queryKey: ['desk', 'options'],
    queryFn: () => unwrap(client.GET('/api/desk/options')),
    staleTime: 60_000,
    enabled: computed(() => session.can('call.handle')),
  })
  return {
    reason: (c: string): string => (c ? label(options.data.value?.reasons.find((r) => r.code === c)) || code('reason', c) : ''),
    disposition: (c: string): string => (c ? label(options.data.value?.dispositions.find((r) => r.code === c)) || code('disposition', c) : ''),
  }
}
