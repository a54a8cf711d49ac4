// The desk by keyboard. Keys work outside text fields; with Alt they work everywhere.
import { onBeforeUnmount, onMounted } from 'vue'

export interface Shortcut {
  /** As KeyboardEvent.code says it, so that the layout of the keyboard does not matter. */
  code: string
  shift?: boolean
  /** Characters that do as well, where they are on different keys of different keyboards. */
  chars?: string
  show: string
  label: string
  run(): void
}

function typing(e: KeyboardEvent): boolean {
  const el = e.target as HTMLElement | null
  return Boolean(el?.closest('input, textarea, select, [contenteditable="true"], [role="combobox"]'))
}

export function matches(s: Shortcut, e: KeyboardEvent, inField: boolean): boolean {
  if (e.ctrlKey || e.metaKey || e.repeat) return false
  if (![...(s.chars ?? '')].includes(e.key) && (s.code !== e.code || Boolean(s.shift) !== e.shiftKey)) return false
  return e.altKey || !inField
}

export function useShortcuts(list: () => Shortcut[], enabled: () => boolean): void {
  const onKey = (e: KeyboardEvent) => {
    if (!enabled() || e.defaultPrevented) return
    const hit = list().find((s) => matches(s, e, typing(e)))
    if (!hit) return
    e.preventDefault()
    hit.run()
  }
  onMounted(() => addEventListener('keydown', onKey))
  onBeforeUnmount(() => removeEventListener('keydown', onKey))
}
