// One screen at a time; what is shown and who stands in front of the machine.
import { reactive } from 'vue'
import { ApiError } from '@/api/errors'
import { setZone } from '@/lib/format'
import { api } from './api'
import { setLang } from './i18n'
import type { Demo, Machine, Patient, Visit, Way } from './api'

export type Screen = 'loading' | 'setup' | 'home' | 'identify' | 'menu' | 'visits' | 'slip' | 'book' | 'card' | 'guide'

export const state = reactive({
  screen: 'loading' as Screen,
  way: 'code' as Way,
  after: 'menu' as Screen, // where an identification leads
  typed: '', // keys of a scanner that began at home
  machine: null as Machine | null,
  patient: null as Patient | null,
  visit: null as Visit | null, // the one whose slip is shown
  fresh: false, // that visit was checked in just now: its slip is printed
  left: 0, // seconds of the turn
  notice: '', // key of a message shown at home
  offline: false, // the server does not answer
  demo: null as Demo | null,
})

/** The kiosk gives up a little before the server does. */
const margin = 3
const idleSeconds = (): number => (state.machine?.idle_seconds ?? 60) - margin
/** How often an idle machine shows that it is there. */
const beat = 30_000

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

/** An answer that says the turn is over leads home, one that no longer knows
 *  the machine to its set-up; others are the caller's. */
export function lost(err: unknown): void {
  if (!(err instanceof ApiError)) return
  if (err.status === 401) {
    state.patient = state.visit = state.machine = null
    go('setup')
  } else if (err.problem.key === 'kiosk.turn_over') home('home.ended')
}

export function go(screen: Screen): void {
  state.screen = screen
  window.scrollTo(0, 0)
}

/** Leaves home for what needs no identification. */
export function browse(screen: Screen): void {
  touched()
  go(screen)
}

/** Asks who somebody is before a screen that is theirs alone. */
export function identify(way: Way, after: Screen, typed = ''): void {
  state.way = way
  state.after = after
  state.typed = typed
  state.notice = ''
  browse('identify')
}

export function begin(p: Patient): void {
  state.patient = p
  state.notice = ''
  pinged = Date.now()
  touched()
  go(state.after)
}

/** Shows the slip of a visit. */
export function slip(v: Visit, fresh = false): void {
  state.visit = v
  state.fresh = fresh
  go('slip')
}

/** Forgets whoever was there, here and at the server. */
export function home(notice = ''): void {
  const was = state.patient
  state.patient = state.visit = null
  state.notice = notice
  state.typed = ''
  if (state.machine) go('home')
  if (was) api.leave().catch(() => undefined).then(demo)
  void setLang('zh-CN')
}

function tick(): void {
  if (['home', 'setup', 'loading'].includes(state.screen)) return
  state.left = Math.max(0, Math.ceil((ends - Date.now()) / 1000))
  if (state.left === 0) home('home.ended')
}

/** An idle machine notices that the server is gone, or that it was signed out. */
async function heartbeat(): Promise<void> {
  if (state.screen !== 'home' && !state.offline) return
  try {
    const m = await api.session()
    if (state.screen === 'loading') welcome(m)
    state.machine = m
    state.offline = false
  } catch (err) {
    if (err instanceof ApiError && err.status === 401) {
      state.offline = false
      lost(err)
    } else state.offline = true
  }
}

async function demo(): Promise<void> {
  state.demo = await api.demo().catch(() => null)
}

export function welcome(m: Machine): void {
  state.machine = m
  state.offline = false
  setZone(m.time_zone)
  if (m.patient) void api.leave().catch(() => undefined) // a page that was reloaded starts afresh
  state.patient = null
  go('home')
}

/** Signs the machine in: by its cookie, or by a token behind the # of the address. */
export async function start(): Promise<void> {
  if (!timer) {
    timer = setInterval(tick, 250)
    setInterval(() => void heartbeat(), beat)
    for (const e of ['pointerdown', 'keydown'] as const) addEventListener(e, touched, { passive: true })
  }
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token) history.replaceState(null, '', location.pathname)
  void demo()
  try {
    welcome(token ? await api.signIn(token) : await api.session())
  } catch (err) {
    if (!token && err instanceof ApiError && err.status !== 401) {
      state.offline = true // a server that starts later is met by the heartbeat
      return
    }
    go('setup')
  }
}
