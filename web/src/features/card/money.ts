// How money is shown and asked for. Amounts travel as whole 分.
import { computed, ref } from 'vue'

/** 123456 → ¥1,234.56; a minus stands before the sign of the currency. */
export function money(cents: number): string {
  const n = Math.abs(cents)
  const whole = String(Math.floor(n / 100)).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${cents < 0 ? '−' : ''}¥${whole}.${String(n % 100).padStart(2, '0')}`
}

/** With its direction: +¥100.00, −¥8.00. */
export const change = (cents: number): string => (cents > 0 ? `+${money(cents)}` : money(cents))

/** What somebody typed as an amount in yuan, as 分; undefined when it is none. */
export function asCents(text: string): number | undefined {
  const m = /^([+-]?)(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text.trim().replace(/[,¥\s]/g, '').replace('−', '-'))
  if (!m) return undefined
  const cents = Number(m[2]) * 100 + Number((m[3] ?? '').padEnd(2, '0') || 0)
  return m[1] === '-' ? -cents : cents
}

/** A field for an amount. */
export function useAmount() {
  const text = ref('')
  const cents = computed(() => asCents(text.value))
  return { text, cents }
}
