import { createI18n, useI18n } from 'vue-i18n'
import { ApiError, defaultKey, fieldName, toProblem } from '@/api/errors'
import { setFormatLocale, time } from '@/lib/format'
import { nearness, readable } from './logic'
import type { Lang } from './api'

type Messages = Record<string, string>

// The words that the server chooses come from the desk's messages.
const load: Record<Lang, () => Promise<[{ default: Messages }, { default: Messages }]>> = {
  'zh-CN': () => Promise.all([import('virtual:shared-messages/zh-CN'), import('./locales/zh-CN.json')]),
  en: () => Promise.all([import('virtual:shared-messages/en'), import('./locales/en.json')]),
}
const storageKey = 'heartline.portal.lang'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN',
  fallbackLocale: 'zh-CN',
  messages: {} as Record<string, Messages>,
  messageResolver: (obj, path) => (obj as Messages)[path] ?? null,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
})

export function lang(): Lang {
  return i18n.global.locale.value as Lang
}

export async function setLang(l: Lang): Promise<void> {
  if (!i18n.global.availableLocales.includes(l)) {
    const [shared, own] = await load[l]()
    i18n.global.setLocaleMessage(l, { ...shared.default, ...own.default })
  }
  ;(i18n.global.locale as { value: string }).value = l
  setFormatLocale(l)
  document.documentElement.lang = l
  localStorage.setItem(storageKey, l)
}

/** The language chosen before, else that of the browser, else Chinese. */
export function firstLang(): Lang {
  const saved = localStorage.getItem(storageKey)
  if (saved === 'en' || saved === 'zh-CN') return saved
  return /^(zh|$)/i.test(navigator.language) ? 'zh-CN' : 'en'
}

/** Words and dates for pages. */
export function useWords() {
  const { t, te } = useI18n()
  const format = (date: string, o: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(lang(), { timeZone: 'UTC', ...o }).format(new Date(`${date}T00:00:00Z`))
  const weekday = (date: string): string => format(date, { weekday: 'short' })
  const monthDay = (date: string): string => format(date, { month: lang() === 'en' ? 'short' : 'long', day: 'numeric' })
  const dated = (date: string): string => (lang() === 'en' ? `${weekday(date)}, ${monthDay(date)}` : `${monthDay(date)} ${weekday(date)}`)
  const fullDay = (date: string): string => {
    const near = nearness(date)
    const plain = dated(date)
    return near ? `${plain} · ${t(`day.${near}`)}` : plain
  }
  const localDay = (at: string): string => new Intl.DateTimeFormat('en-CA', { timeZone: zone(), dateStyle: 'short' }).format(new Date(at))
  const moment = (at: string): string => `${dated(localDay(at))} ${time(at)}`
  const name = (zh: string, en: string): string => (lang() === 'en' && en ? en : zh)

  /** A sentence for a key with parameters that the server chose. */
  const say = (key: string, params?: Record<string, unknown>, otherwise = 'invalid'): string => {
    const p = readable(params, moment, dated)
    const code = (group: string, v: unknown): unknown => (te(`${group}.${String(v)}`) ? t(`${group}.${String(v)}`) : v)
    Object.assign(p, { scope: code('scope', p.scope), per: code('per', p.per) })
    return te(`error.${key}`) ? t(`error.${key}`, p) : t(`error.${otherwise}`, p)
  }
  const sayError = (err: unknown): string => {
    const p = err instanceof ApiError ? err.problem : toProblem(0, null)
    const field = p.key === 'invalid' ? p.errors?.[0] : undefined
    if (field && te(`error.${field.key}`)) return say(field.key, field.params)
    return say(p.key, p.params, defaultKey(p.status))
  }
  const sayFields = (err: unknown): Record<string, string> => {
    if (!(err instanceof ApiError)) return {}
    return Object.fromEntries((err.problem.errors ?? []).map((f) => [fieldName(f.path), say(f.key, f.params, 'field_invalid')]))
  }
  return { t, te, weekday, monthDay, fullDay, moment, name, say, sayError, sayFields, time }
}

let hospitalZone = 'Asia/Shanghai'
export function zone(): string {
  return hospitalZone
}
export function useZone(z: string): void {
  hospitalZone = z
}
