// Who is signed in to the portal. A mark in the browser says whether it is
// worth asking, so that a first visit asks for nothing that it cannot have.
import { reactive, readonly } from 'vue'
import { ApiError } from '@/api/errors'
import { api, type Lang, type Me } from './api'

const mark = 'heartline.portal.in'
const state = reactive<{ me: Me | null }>({ me: null })
let asking: Promise<Me | null> | undefined

export const account = readonly(state)

export function forget(): void {
  state.me = null
  asking = undefined
  localStorage.removeItem(mark)
}

/** The account, asking the server at most once at a time. */
export function whoAmI(again = false): Promise<Me | null> {
  if (state.me && !again) return Promise.resolve(state.me)
  if (!localStorage.getItem(mark)) return Promise.resolve(null)
  asking ??= api
    .me()
    .then((me) => (state.me = me))
    .catch((err: unknown) => {
      if (!(err instanceof ApiError) || err.status !== 401) throw err
      forget()
      return null
    })
    .finally(() => (asking = undefined))
  return asking
}

export async function signIn(phone: string, code: string, lang: Lang): Promise<void> {
  state.me = await api.signIn(phone, code, lang)
  localStorage.setItem(mark, '1')
}

export async function signOut(everywhere: boolean): Promise<void> {
  await api.signOut(everywhere)
  forget()
}
