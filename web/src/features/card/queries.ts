// What the pages of the card read and do. Every movement of money carries a
// key, so that sending it again after a lost answer moves it once.
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import type { components } from '@/api/schema'

export type CardEntry = components['schemas']['LedgerEntryView']
export type Adjustment = components['schemas']['AdjustmentView']
export type Method = 'cash' | 'bank_card' | 'wechat' | 'alipay' | 'bank_transfer'

export function useAccount(patient: Ref<string>) {
  return useQuery({
    queryKey: ['ledger', 'account', patient],
    queryFn: () => unwrap(client.GET('/api/ledger/accounts/{id}', { params: { path: { id: patient.value } } })),
    enabled: computed(() => patient.value !== ''),
    staleTime: 15_000, // every look is audited
  })
}

export function useEntries(patient: Ref<string>) {
  return useInfiniteQuery({
    queryKey: ['ledger', 'entries', patient],
    queryFn: ({ pageParam }) => unwrap(client.GET('/api/ledger/accounts/{id}/entries', { params: { path: { id: patient.value }, query: { cursor: pageParam || undefined, limit: 30 } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    enabled: computed(() => patient.value !== ''),
    staleTime: 15_000,
  })
}

export function useAdjustments(state: Ref<'' | 'pending' | 'approved' | 'rejected'>) {
  return useQuery({
    queryKey: ['ledger', 'adjustments', state],
    queryFn: () => unwrap(client.GET('/api/ledger/adjustments', { params: { query: { state: state.value || undefined } } })),
    staleTime: 5_000,
    placeholderData: (old) => old,
  })
}

export function useReconciliation(date: Ref<string>) {
  return useQuery({
    queryKey: ['ledger', 'reconciliation', date],
    queryFn: () => unwrap(client.GET('/api/ledger/reconciliation', { params: { query: { date: date.value } } })),
    staleTime: 0,
  })
}

export function useCardActions() {
  const queries = useQueryClient()
  const again = async <T>(work: Promise<T>): Promise<T> => {
    const out = await work
    await queries.invalidateQueries({ queryKey: ['ledger'] })
    return out
  }
  const at = (id: string) => ({ params: { path: { id } } })
  return {
    topUp: (id: string, body: { key: string; amount_cents: number; method: Method; reference?: string }) => again(unwrap(client.POST('/api/ledger/accounts/{id}/top-up', { ...at(id), body }))),
    payOut: (id: string, body: { key: string; amount_cents: number; method: Method; reason: string }) => again(unwrap(client.POST('/api/ledger/accounts/{id}/refund', { ...at(id), body }))),
    setPin: (id: string, pin: string) => again(unwrap(client.PUT('/api/ledger/accounts/{id}/pin', { ...at(id), body: { pin } }))),
    removePin: (id: string) => again(unwrap(client.DELETE('/api/ledger/accounts/{id}/pin', at(id)))),
    propose: (body: { key: string; patient_id: string; amount_cents: number; reason: string }) => again(unwrap(client.POST('/api/ledger/adjustments', { body }))),
    approve: (id: string, note: string) => again(unwrap(client.POST('/api/ledger/adjustments/{id}/approve', { ...at(id), body: { note: note || undefined } }))),
    reject: (id: string, note: string) => again(unwrap(client.POST('/api/ledger/adjustments/{id}/reject', { ...at(id), body: { note: note || undefined } }))),
    count: (body: { date: string; method: Method; counted_cents: number; note?: string }) => again(unwrap(client.POST('/api/ledger/reconciliation', { body }))),
  }
}
