// One ticking clock for every timer on the page, corrected by the server's time.
import { computed, onScopeDispose, ref, type ComputedRef, type Ref } from 'vue'

const now = ref(Date.now())
let skew = 0
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

export function setServerTime(iso: string): void {
  const t = Date.parse(iso)
  if (!Number.isNaN(t)) skew = t - Date.now()
}

export function serverNow(): number {
  return Date.now() + skew
}

export function useNow(): Ref<number> {
  users++
  now.value = serverNow()
  timer ??= setInterval(() => (now.value = serverNow()), 500)
  onScopeDispose(() => {
    if (--users === 0 && timer) {
      clearInterval(timer)
      timer = undefined
    }
  })
  return now
}

/** Milliseconds since an instant, live. */
export function useSince(at: () => string | null | undefined): ComputedRef<number | null> {
  const n = useNow()
  return computed(() => {
    const t = Date.parse(at() ?? '')
    return Number.isNaN(t) ? null : Math.max(0, n.value - t)
  })
}
