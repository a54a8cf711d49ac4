// Telling the person what happened, in their language.
import { ElMessage } from 'element-plus'
import { describe } from '@/api/errors'
import { i18n } from '@/i18n'
import { LiveError } from '@/live/socket'

const g = i18n.global as unknown as { t: (k: string, p?: Record<string, unknown>) => string; te: (k: string) => boolean }

export function explain(err: unknown): string {
  if (err instanceof LiveError) {
    const key = `error.${err.key}`
    return g.te(key) ? g.t(key, err.params ?? {}) : g.t('error.internal')
  }
  return describe(err, g.t, g.te)
}

export function failed(err: unknown): void {
  ElMessage({ type: 'error', message: explain(err), grouping: true, duration: 5000, showClose: true })
}

export function done(key: string, params: Record<string, unknown> = {}): void {
  ElMessage({ type: 'success', message: g.t(key, params), grouping: true, duration: 2500 })
}

/** Runs an action of the person; says so when it fails. True when it worked. */
export async function attempt(work: () => Promise<unknown>, okKey = ''): Promise<boolean> {
  try {
    await work()
    if (okKey) done(okKey)
    return true
  } catch (err) {
    failed(err)
    return false
  }
}
