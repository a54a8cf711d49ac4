import { createI18n } from 'vue-i18n'
import { setFormatLocale } from '@/lib/format'

export type Locale = 'zh-CN' | 'en'
export const locales: { value: Locale; label: string }[] = [
  { value: 'zh-CN', label: '简体中文' },
  { value: 'en', label: 'English' },
]

type Messages = Record<string, string>
const load: Record<Locale, () => Promise<{ default: Messages }>> = {
  'zh-CN': () => import('@/locales/zh-CN.json'),
  en: () => import('@/locales/en.json'),
}
const storageKey = 'heartline.locale'

// Message files are flat: "desk.state.ready" is one key, not a path.
export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN',
  fallbackLocale: 'zh-CN',
  messages: {} as Record<string, Messages>,
  messageResolver: (obj, path) => (obj as Messages)[path] ?? null,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
})

export function currentLocale(): Locale {
  return i18n.global.locale.value as Locale
}

export async function setLocale(l: Locale): Promise<void> {
  const known = load[l] ? l : 'zh-CN'
  if (!i18n.global.availableLocales.includes(known)) i18n.global.setLocaleMessage(known, (await load[known]()).default)
  ;(i18n.global.locale as { value: string }).value = known
  setFormatLocale(known)
  document.documentElement.lang = known
  localStorage.setItem(storageKey, known)
}

export async function initialLocale(): Promise<void> {
  const saved = localStorage.getItem(storageKey) as Locale | null
  await setLocale(saved && load[saved] ? saved : 'zh-CN')
}
