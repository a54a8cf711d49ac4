// One screen at a time; what is shown and who stands in front of the machine.
import { reactive } from 'vue'
import { ApiError } from '@/api/errors'
import { setZone } from '@/lib/format'
import { api } from './api'
import { setLang } from './i18n'
import type { Machine, Patient, Visit, Way } from './api'

export type Screen = 'loading' | 'setup' | 'home' | 'identify' | 'menu' | 'visits' | 'slip' | 'book' | 'card' | 'guide'

export const state = reactive({
  screen: 'loading' as Screen,
  way: 'code' as Way,
  after: 'menu' as Screen, // where an identification leads
  machine: null as Machine | null,
  patient: null as Patient | null,
  visit: null as Visit | null, // the one whose slip is shown
  left: 0, // seconds of the turn
  notice: '', // key of a message shown at home
})

/** The kiosk gives up a little before the server does. */
const margin = 3
const idleSeconds = (): number => (state.machine?.idle_seconds ?? 60) - margin

let ends = 0
let pinged = 0
let timer: ReturnType<typeof setInterval> | undefined

/** Somebody touched the screen. The server hears of it now and then. */
export function touched(): void {
  ends = Date.now() + idleSeconds() * 1000
  state.left = idleSeconds()
  if (state.patient && Date.now() - pinged > 8000) {
    pinged = Date.now()
    api.touch().catch(lost)
  }
}

/** An answer that says the turn is over leads home; others are the caller's. */
export function lost(err: unknown): void {
  if (err instanceof ApiError && (err.problem.key === 'kiosk.turn_over' || err.status === 401)) home(err.status === 401 ? '' : 'home.ended')
}

export function go(screen: Screen): void {
  state.screen = screen
  window.scrollTo(0, 0)
}

/** Asks who somebody is before a screen that is theirs alone. */
export function identify(way: Way, after: Screen): void {
  state.way = way
  state.after = after
  go('identify')
}

export function begin(p: Patient): void {
  state.patient = p
  state.notice = ''
  pinged = Date.now()
  touched()
  go(state.after)
}

/** Forgets whoever was there, here and at the server. */
export function home(notice = ''): void {
  const was = state.patient
  state.patient = state.visit = null
  state.notice = notice
  if (state.machine) go('home')
  if (was) api.leave().catch(() => undefined)
  void setLang('zh-CN')
}

function tick(): void {
  if (['home', 'setup', 'loading'].includes(state.screen)) return
  state.left = Math.max(0, Math.ceil((ends - Date.now()) / 1000))
  if (state.left === 0) home('home.ended')
}

export function welcome(m: Machine): void {
  state.machine = m
  setZone(m.time_zone)
  if (m.patient) void api.leave().catch(() => undefined) // a page that was reloaded starts afresh
  state.patient = null
  go('home')
}

/** Signs the machine in: by its cookie, or by a token behind the # of the address. */
export async function start(): Promise<void> {
  timer ??= setInterval(tick, 250)
  for (const e of ['pointerdown', 'keydown'] as const) addEventListener(e, touched, { passive: true })
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token) history.replaceState(null, '', location.pathname)
  try {
    welcome(token ? await api.signIn(token) : await api.session())
  } catch {
    go('setup')
  }
}
