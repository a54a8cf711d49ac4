import { createI18n, useI18n } from 'vue-i18n'
import { ApiError, defaultKey, toProblem } from '@/api/errors'
import { setFormatLocale } from '@/lib/format'

export type Lang = 'zh-CN' | 'en'
type Messages = Record<string, string>

// The words that the server chooses come from the desk's messages.
const load: Record<Lang, () => Promise<[{ default: Messages }, { default: Messages }]>> = {
  'zh-CN': () => Promise.all([import('virtual:shared-messages/zh-CN'), import('./locales/zh-CN.json')]),
  en: () => Promise.all([import('virtual:shared-messages/en'), import('./locales/en.json')]),
}

export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN',
  fallbackLocale: 'zh-CN',
  messages: {} as Record<string, Messages>,
  messageResolver: (obj, path) => (obj as Messages)[path] ?? null,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
})

export const lang = (): Lang => i18n.global.locale.value as Lang

export async function setLang(l: Lang): Promise<void> {
  if (!i18n.global.availableLocales.includes(l)) {
    const [shared, own] = await load[l]()
    i18n.global.setLocaleMessage(l, { ...shared.default, ...own.default })
  }
  ;(i18n.global.locale as { value: string }).value = l
  setFormatLocale(l)
  document.documentElement.lang = l
}

/** Words, days and amounts for screens. */
export function useWords() {
  const { t, te } = useI18n()
  const day = (date: string): string =>
    new Intl.DateTimeFormat(lang(), { timeZone: 'UTC', month: lang() === 'en' ? 'short' : 'long', day: 'numeric', weekday: 'short' }).format(
      new Date(`${date}T00:00:00Z`),
    )
  const name = (zh: string, en: string): string => (lang() === 'en' && en ? en : zh)
  const money = (cents: number): string => `¥${(cents / 100).toFixed(2)}`
  /** The sentence for what went wrong. */
  const say = (err: unknown): string => {
    const p = err instanceof ApiError ? err.problem : toProblem(0, null)
    const field = p.key === 'invalid' ? p.errors?.[0] : undefined
    for (const k of [field?.key, p.key, defaultKey(p.status)]) if (k && te(`error.${k}`)) return t(`error.${k}`, p.params ?? {})
    return t('error.internal')
  }
  return { t, te, day, name, money, say }
}
