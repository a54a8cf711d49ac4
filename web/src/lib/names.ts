// Names of codes in the reader's language.
import { useI18n } from 'vue-i18n'

interface Named {
  name: string
  name_en?: string
}

export function useNames() {
  const { t, te, locale } = useI18n()
  /** The name in the language of the screen, when there is one. */
  const label = (x?: Named | null): string => (x ? (locale.value === 'en' && x.name_en) || x.name : '')
  /** A code of the program ("outcome.answered"); an unknown one stays as it is. */
  const code = (group: string, value?: string | null): string => {
    if (!value) return '–'
    const key = `${group}.${value}`
    return te(key) ? t(key) : value
  }
  const sexAge = (p: { sex: string; age: number }): string =>
    [p.sex === 'male' || p.sex === 'female' ? t(`sex.${p.sex}`) : '', p.age >= 0 ? t('age', { n: p.age }) : ''].filter(Boolean).join(' · ')
  return { t, te, locale, label, code, sexAge }
}
