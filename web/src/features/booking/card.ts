// The prepaid card of a person, as far as booking shows it.
import { useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import { ApiError } from '@/api/errors'
import { useSession } from '@/stores/session'

/** What is on the card; null for somebody without one. */
export function useCard(patient: Ref<string>) {
  const session = useSession()
  return useQuery({
    queryKey: ['ledger', 'account', patient],
    queryFn: async () => {
      try {
        return await unwrap(client.GET('/api/ledger/accounts/{id}', { params: { path: { id: patient.value } } }))
      } catch (err) {
        if (err instanceof ApiError && err.status === 404) return null
        throw err
      }
    },
    enabled: computed(() => patient.value !== '' && session.can('ledger.read')),
    staleTime: 15_000,
  })
}
