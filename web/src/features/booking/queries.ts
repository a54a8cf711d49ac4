// What the pages of booking read and do. Every write carries a key, so that
// sending it again after a lost answer gives the same appointment.
import { useInfiniteQuery, useQueries, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, unref, type MaybeRef, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import type { paths } from '@/api/schema'
import type { Origin } from './paper'
import type { Appointment, BookInput, ClinicSession } from './types'

type TimetableQuery = NonNullable<paths['/api/booking/timetable']['get']['parameters']['query']>

export interface TimetableAsk {
  from: string
  to: string
  department?: string
  doctor?: string
  exam?: string
  campus?: string
  type?: string
  channel?: string
  only_free?: boolean
}

/** Only what was set goes over the wire. */
export function asked<T extends object>(q: T): T {
  return Object.fromEntries(Object.entries(q).filter(([, v]) => v !== '' && v !== undefined && v !== false && !(Array.isArray(v) && !v.length))) as T
}

export function useTimetable(ask: Ref<TimetableAsk>, enabled?: Ref<boolean>) {
  return useQuery({
    queryKey: ['booking', 'timetable', ask],
    queryFn: () => unwrap(client.GET('/api/booking/timetable', { params: { query: asked(ask.value) as TimetableQuery } })),
    enabled,
    staleTime: 5_000,
    placeholderData: (old) => old,
  })
}

/** The numbers of a session; of all lanes when the channel is empty. */
export function useNumbers(session: Ref<string>, channel: MaybeRef<string>) {
  return useQuery({
    queryKey: ['booking', 'numbers', session, channel],
    queryFn: () => unwrap(client.GET('/api/booking/sessions/{id}/numbers', { params: { path: { id: session.value }, query: { channel: unref(channel) || undefined } } })),
    enabled: computed(() => session.value !== ''),
    staleTime: 2_000,
  })
}

export function useEligibility(patient: Ref<string>, session: Ref<string>, way: Ref<{ channel: string; lane: '' | 'vip' | 'added' }>) {
  return useQuery({
    queryKey: ['booking', 'eligibility', patient, session, way],
    queryFn: () => unwrap(client.GET('/api/booking/eligibility', { params: { query: asked({ patient: patient.value, session: session.value, ...way.value }) } })),
    enabled: computed(() => patient.value !== '' && session.value !== ''),
    staleTime: 5_000,
  })
}

const active = ['requested', 'scheduled', 'arrived', 'checked_in']

/** What is booked for each of these people from today on. */
export function useUpcoming(people: Ref<string[]>, from: string) {
  return useQueries({
    queries: computed(() =>
      people.value.map((p) => ({
        queryKey: ['booking', 'appointments', 'of', p, from],
        queryFn: () => unwrap(client.GET('/api/booking/appointments', { params: { query: { patient: p, from, state: active, limit: 50 } } })),
        staleTime: 10_000,
      })),
    ),
    combine: (answers) => ({
      loading: answers.some((a) => a.isPending),
      error: answers.find((a) => a.error)?.error,
      rows: answers.flatMap((a) => a.data?.items ?? []).sort((a, b) => a.start_at.localeCompare(b.start_at)) as Appointment[],
    }),
  })
}

export interface ListAsk {
  patient?: string
  session?: string
  department?: string
  doctor?: string
  from?: string
  to?: string
  state?: string[]
  channel?: string[]
  lane?: string[]
  code?: string
  limit?: number
}

export function useAppointments(ask: Ref<ListAsk>, enabled?: Ref<boolean>) {
  return useInfiniteQuery({
    queryKey: ['booking', 'appointments', 'list', ask],
    queryFn: ({ pageParam }) => unwrap(client.GET('/api/booking/appointments', { params: { query: { ...asked(ask.value), cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    enabled,
    placeholderData: (old) => old,
  })
}

export function useAppointment(id: Ref<string>) {
  return useQuery({
    queryKey: ['booking', 'appointment', id],
    queryFn: () => unwrap(client.GET('/api/booking/appointments/{id}', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
  })
}

export function useHistory(id: Ref<string>) {
  return useQuery({
    queryKey: ['booking', 'appointment', id, 'history'],
    queryFn: () => unwrap(client.GET('/api/booking/appointments/{id}/history', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
  })
}

/** What giving an appointment back now would mean. */
export function useCancelTerms(id: Ref<string>) {
  return useQuery({
    queryKey: ['booking', 'terms', id],
    queryFn: () => unwrap(client.GET('/api/booking/appointments/{id}/terms', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
    staleTime: 0,
  })
}

export function usePenalties(ask: Ref<{ patient?: string; status?: string }>, enabled?: Ref<boolean>) {
  return useQuery({
    queryKey: ['booking', 'penalties', ask],
    queryFn: () => unwrap(client.GET('/api/booking/penalties', { params: { query: asked(ask.value) as object } })),
    enabled,
    staleTime: 20_000,
  })
}

export function useExams() {
  return useQuery({ queryKey: ['booking', 'exams'], queryFn: () => unwrap(client.GET('/api/booking/exams')), staleTime: 120_000 })
}

export function useWaitlist(ask: Ref<{ patient?: string; department?: string; state?: string[] }>, enabled?: Ref<boolean>) {
  return useQuery({
    queryKey: ['booking', 'waitlist', ask],
    queryFn: () => unwrap(client.GET('/api/booking/waitlist', { params: { query: asked(ask.value) as object } })),
    enabled,
    staleTime: 5_000,
    placeholderData: (old) => old,
  })
}

export function useSeriesList(ask: Ref<{ patient?: string; state?: string }>) {
  return useQuery({
    queryKey: ['booking', 'series', 'list', ask],
    queryFn: () => unwrap(client.GET('/api/booking/series', { params: { query: asked(ask.value) as object } })),
    staleTime: 10_000,
    placeholderData: (old) => old,
  })
}

export function useSeries(id: Ref<string>) {
  return useQuery({
    queryKey: ['booking', 'series', 'one', id],
    queryFn: () => unwrap(client.GET('/api/booking/series/{id}', { params: { path: { id: id.value } } })),
    enabled: computed(() => id.value !== ''),
    staleTime: 10_000,
  })
}

export type Step = 'confirm' | 'acknowledge' | 'arrive' | 'check-in' | 'complete' | 'miss'

export function useBookingActions() {
  const queries = useQueryClient()
  /** What an appointment touches is read again; the appointment itself is put in place. */
  const again = (a?: Appointment) => {
    if (a) queries.setQueryData(['booking', 'appointment', a.id], a)
    void queries.invalidateQueries({ queryKey: ['booking'] })
    if (a) void queries.invalidateQueries({ queryKey: ['patient', a.patient_id, 'timeline'] })
    return a
  }
  const at = (id: string) => ({ params: { path: { id } } })
  return {
    again,
    book: async (body: BookInput) => again(await unwrap(client.POST('/api/booking/appointments', { body })))!,
    change: async (id: string, body: { key: string; session_id: string; number_id?: string } & Origin) => again(await unwrap(client.POST('/api/booking/appointments/{id}/change', { ...at(id), body })))!,
    cancel: async (id: string, reason: 'patient' | 'staff', from: Origin = { channel: 'desk' }) => again(await unwrap(client.POST('/api/booking/appointments/{id}/cancel', { ...at(id), body: { reason, ...from } })))!,
    step: async (id: string, what: Step) => again(await step(id, what))!,
  }
}

function step(id: string, what: Step): Promise<Appointment> {
  const at = { params: { path: { id } } }
  switch (what) {
    case 'confirm':
      return unwrap(client.POST('/api/booking/appointments/{id}/confirm', at))
    case 'acknowledge':
      return unwrap(client.POST('/api/booking/appointments/{id}/acknowledge', { ...at, body: { answer: 'confirm', channel: 'desk' } }))
    case 'arrive':
      return unwrap(client.POST('/api/booking/appointments/{id}/arrive', at))
    case 'check-in':
      return unwrap(client.POST('/api/booking/appointments/{id}/check-in', at))
    case 'complete':
      return unwrap(client.POST('/api/booking/appointments/{id}/complete', at))
    case 'miss':
      return unwrap(client.POST('/api/booking/appointments/{id}/miss', at))
  }
}

/** The department's part of a session, for titles. */
export const placeOf = (s: ClinicSession): string => [s.campus, s.room].filter(Boolean).join(' · ')
