import { onScopeDispose, ref, shallowRef, watch, type Ref, type WatchSource } from 'vue'

export interface Loaded<T> {
  data: Ref<T | undefined>
  error: Ref<unknown>
  loading: Ref<boolean>
  reload: () => Promise<void>
}

/** Loads something, again whenever a source changes; an older answer never replaces a newer one. */
export function useLoad<T>(fn: () => Promise<T>, ...sources: WatchSource[]): Loaded<T> {
  const data = shallowRef<T>()
  const error = ref<unknown>()
  const loading = ref(false)
  let round = 0
  async function reload(): Promise<void> {
    const mine = ++round
    loading.value = true
    error.value = undefined
    try {
      const got = await fn()
      if (mine === round) data.value = got
    } catch (err) {
      if (mine === round) error.value = err
    } finally {
      if (mine === round) loading.value = false
    }
  }
  void reload()
  if (sources.length) watch(sources, () => void reload())
  onScopeDispose(() => (round = -1))
  return { data, error, loading, reload }
}
