import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { client, unwrap } from '@/api/client'
import type { About, SessionView } from '@/api/types'
import { setZone } from '@/lib/format'
import { setLocale } from '@/i18n'

/** Who is signed in and what this person may do. */
export const useSession = defineStore('session', () => {
  const view = ref<SessionView | null>(null)
  const about = ref<About | null>(null)
  const loaded = ref(false)
  const user = computed(() => view.value?.user ?? null)
  /** May handle calls and has a working profile at the telephone. */
  const agent = computed(() => Boolean(view.value?.agent) && can('call.handle'))
  const permissions = computed(() => new Set<string>(view.value?.permissions ?? []))

  function can(...any: string[]): boolean {
    return any.length === 0 || any.some((p) => permissions.value.has(p))
  }

  async function accept(v: SessionView): Promise<void> {
    view.value = v
    if (v.settings.locale) await setLocale(v.settings.locale)
  }

  /** What this installation is; known before anybody signs in. */
  async function loadAbout(): Promise<About> {
    if (!about.value) {
      about.value = await unwrap(client.GET('/api/about'))
      setZone(about.value!.time_zone)
    }
    return about.value!
  }

  async function load(): Promise<boolean> {
    try {
      void loadAbout().catch(() => undefined)
      await accept(await unwrap(client.GET('/api/session')))
    } catch {
      view.value = null
    }
    loaded.value = true
    return view.value !== null
  }

  async function signIn(login: string, password: string, totp: string): Promise<void> {
    await accept(await unwrap(client.POST('/api/session', { body: { login, password, totp: totp || undefined } })))
    loaded.value = true
  }

  async function signOut(): Promise<void> {
    try {
      await unwrap(client.DELETE('/api/session'))
    } finally {
      forget()
    }
  }

  function forget(): void {
    view.value = null
  }

  return { view, agent, about, loadAbout, user, permissions, loaded, can, load, accept, signIn, signOut, forget }
})
