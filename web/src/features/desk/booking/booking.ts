// The course of one booking at the desk: what is looked for, where the cursor
// is, what was typed ahead, what the server said. The panel only draws it.
import { useQuery } from '@tanstack/vue-query'
import { computed, inject, nextTick, reactive, ref, watch, type InjectionKey, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'
import { ApiError } from '@/api/errors'
import { firstOf, days, instead, keyLabels, layout, move, moveSlot, whyNot } from '@/features/booking/grid'
import { useBookingActions, useEligibility, useExams, useNumbers, useTimetable } from '@/features/booking/queries'
import { originOf, type Origin } from '@/features/booking/paper'
import type { Appointment, ClinicSession } from '@/features/booking/types'
import { newKey, today } from '@/features/booking/words'
import { useDepartments, useDoctors } from '@/features/directory/queries'
import { serverNow, useNow } from '@/lib/clock'
import { addDays } from '@/lib/format'
import type { Act, Stage } from './keys'

export interface Target {
  kind: 'department' | 'doctor' | 'exam'
  id: string
  name: string
  hint: string
  department: string
}

/** How a booking begins, when it is not from nothing. */
export interface Start {
  department?: string
  session?: string
  change?: Appointment
}

/** From where a booking comes: the telephone, another hospital, the window, paper; or a lane that only staff draws from. */
export type Via = 'desk' | 'referral' | 'onsite' | 'mail' | 'fax' | 'added' | 'vip'
export const vias: Via[] = ['desk', 'referral', 'onsite', 'mail', 'fax', 'added', 'vip']

export const slotColumns = 6
export const holdSeconds = 300
export const undoMs = 60_000
const pause = 70 // after the last letter

export function useBooking(patient: Ref<string>, start: Start, label: (x: { name: string; name_en?: string }) => string) {
  const now = useNow()
  const day = today()
  const stage = ref<Stage>('find')
  const who = ref(patient.value)
  const q = ref('')
  const sought = ref('')
  const targetAt = ref(0)
  const from = ref(day)
  const at = ref('')
  const slotAt = ref(-1) // the earliest free one, whichever it is then
  const via = ref<Via>('desk')
  const way = computed((): { channel: string; lane: '' | 'vip' | 'added' } => (via.value === 'added' || via.value === 'vip' ? { channel: 'desk', lane: via.value } : { channel: via.value, lane: '' }))
  const paper = reactive({ reference: '', received_on: day })
  const unnamed = ref(0) // counts the times that a booking lacked its paper
  /** The channel with its paper; asks for the paper when it is missing. */
  function origin(): Origin | undefined {
    const out = originOf(way.value.channel, paper)
    if (!out) unnamed.value++
    return out
  }
  const card = ref(false)
  const busy = ref(false)
  const refusal = ref<unknown>()
  const note = ref('') // what is not possible, as a message key
  const held = ref<Appointment>()
  const result = ref<Appointment>()
  const undone = ref(false)
  const waiting = ref(0) // counts the key that asks for the waitlist
  const doneAt = ref(0)
  const changing = ref<Appointment | undefined>(start.change)
  const fixed = ref<Target | undefined>()
  const actions = useBookingActions()
  let key = newKey()

  // What is looked for.
  const none = ref('')
  const departments = useDepartments(sought, none)
  const doctors = useDoctors(sought, none, none)
  const exams = useExams()
  const targets = computed<Target[]>(() => {
    const text = sought.value.toLowerCase()
    const depts = (departments.data.value?.items ?? []).filter((d) => d.clinical !== false).map((d): Target => ({ kind: 'department', id: d.id, name: label(d), hint: d.campus, department: d.id }))
    if (!text) return depts
    const people = (doctors.data.value?.items ?? []).slice(0, 6).map((d): Target => ({ kind: 'doctor', id: d.id, name: d.name, hint: d.department, department: d.department_id }))
    const items = (exams.data.value?.items ?? []).filter((x) => x.active && `${x.name} ${x.name_en} ${x.code}`.toLowerCase().includes(text)).map((x): Target => ({ kind: 'exam', id: x.id, name: label(x), hint: x.department, department: x.department_id }))
    const exact = people.filter((p) => p.name === sought.value.trim())
    return [...exact, ...depts.slice(0, 8), ...people.filter((p) => !exact.includes(p)), ...items.slice(0, 6)].slice(0, 12)
  })
  const target = computed<Target | undefined>(() => (q.value.trim() ? targets.value[targetAt.value] : (fixed.value ?? targets.value[targetAt.value])))
  let wait: ReturnType<typeof setTimeout>
  watch(q, (v) => {
    fixed.value = undefined
    clearTimeout(wait)
    wait = setTimeout(() => ((sought.value = v.trim()), (targetAt.value = 0)), pause)
  })

  // Its week.
  const dates = computed(() => days(from.value, 7))
  const ask = computed(() => ({
    from: from.value,
    to: addDays(from.value, 6),
    channel: way.value.channel,
    ...(target.value?.kind === 'department' ? { department: target.value.id } : target.value?.kind === 'doctor' ? { doctor: target.value.id } : { exam: target.value?.id }),
  }))
  const timetable = useTimetable(ask, computed(() => Boolean(target.value)))
  // Nothing found has no week: the one read before must not take the keys.
  const rows = computed(() => layout((target.value && timetable.data.value?.items) || [], dates.value))
  const all = computed(() => rows.value.flatMap((r) => r.cells.flat()))
  const session = computed<ClinicSession | undefined>(() => all.value.find((s) => s.id === at.value))
  watch(target, (a, b) => a?.id !== b?.id && ((at.value = ''), stage.value === 'week' && (stage.value = 'find')))

  // Its numbers, and whether this person may have one.
  const chosen = computed(() => (stage.value === 'slot' || stage.value === 'held' ? at.value : ''))
  const numbers = useNumbers(chosen, computed(() => (way.value.lane ? '' : way.value.channel)))
  const free = computed(() => (numbers.data.value?.items ?? []).filter((n) => n.state === 'free' && (!way.value.lane || n.lane === way.value.lane)))
  watch(free, (list) => slotAt.value >= list.length && (slotAt.value = -1))
  const verdict = useEligibility(who, computed(() => (stage.value === 'find' ? '' : at.value)), way)
  const others = computed(() => instead(rows.value, at.value, serverNow()))

  watch(patient, (id) => {
    who.value = id
    restart()
  })
  watch([who, at, slotAt, card, via, paper], () => ((key = newKey()), (refusal.value = undefined)))

  function restart(): void {
    stage.value = 'find'
    q.value = sought.value = at.value = note.value = ''
    targetAt.value = 0
    slotAt.value = -1
    from.value = day
    card.value = false
    via.value = 'desk'
    Object.assign(paper, { reference: '', received_on: day })
    undone.value = false
    changing.value = held.value = result.value = refusal.value = fixed.value = undefined
    typed.value = []
  }

  // Keys that came before the answer they concern wait for it, in their order.
  const typed = ref<Act[]>([])
  const settled = computed(() => {
    if (busy.value) return false
    if (stage.value === 'find' || stage.value === 'week') {
      const looking = q.value.trim() !== sought.value || (q.value.trim() !== '' && (departments.isFetching.value || doctors.isFetching.value))
      return !looking && (!target.value || (!timetable.isPending.value && !timetable.isPlaceholderData.value))
    }
    return stage.value !== 'slot' || !numbers.isPending.value
  })
  const patientActs = new Set(['pick', 'accept', 'hold', 'undo', 'wait'])
  function act(a: Act): void {
    if (!patientActs.has(a.do)) return run(a)
    typed.value.push(a)
    drain()
  }
  function drain(): void {
    while (settled.value && typed.value.length) run(typed.value.shift()!)
  }
  watch(settled, () => void nextTick(drain), { flush: 'post' })

  function run(a: Act): void {
    note.value = ''
    if (a.do === 'pick') pickLabel(a.label)
    else if (a.do === 'move') walk(a.to)
    else if (a.do === 'turn') turn(a.by)
    else if (a.do === 'accept') accept()
    else if (a.do === 'hold') void take(holdSeconds)
    else if (a.do === 'card') card.value = !card.value
    else if (a.do === 'undo') void undo()
    else if (a.do === 'wait') waiting.value++
  }

  function pickLabel(l: string): void {
    const id = [...keyLabels(rows.value, serverNow())].find(([, x]) => x === l)?.[0]
    if (id) choose(id)
    else note.value = 'booking.no_such_key'
  }

  function walk(to: 'left' | 'right' | 'up' | 'down'): void {
    if (stage.value === 'find') {
      const n = targets.value.length
      if (n) targetAt.value = (targetAt.value + (to === 'down' ? 1 : n - 1)) % n
      return
    }
    if (stage.value === 'slot') {
      slotAt.value = slotAt.value < 0 ? (to === 'right' ? 1 : 0) : moveSlot(free.value.length, slotAt.value, slotColumns, to)
      return
    }
    const next = move(rows.value, at.value, to)
    if (next) at.value = next
    else if (to === 'right') turn(1)
    else if (to === 'left') turn(-1)
    else if (to === 'up') stage.value = 'find'
  }

  function turn(by: 1 | -1): void {
    const next = addDays(from.value, 7 * by)
    if (next < day && by < 0 && from.value <= day) return
    from.value = next < day ? day : next
    at.value = ''
    if (stage.value === 'week') cursorWhenRead()
  }
  function cursorWhenRead(): void {
    const stop = watch([settled, rows], () => {
      if (!settled.value) return
      at.value = firstOf(rows.value, serverNow())
      void nextTick(() => stop())
    })
  }

  function accept(): void {
    if (stage.value === 'find') {
      at.value = firstOf(rows.value, serverNow())
      if (at.value) stage.value = 'week'
      else note.value = 'booking.no_sessions'
    } else if (stage.value === 'week') choose(at.value)
    else if (stage.value === 'slot') void take(0)
    else if (stage.value === 'held') void confirm()
    else if (stage.value === 'done') restart()
  }

  function choose(id: string): void {
    const s = all.value.find((x) => x.id === id)
    if (!s) return
    at.value = id
    slotAt.value = -1
    const why = whyNot(s, serverNow())
    if (why && why !== 'full') {
      note.value = `booking.why.${why}`
      stage.value = 'week'
    } else stage.value = 'slot'
  }

  /** Takes a number: at once, or as a hold for so many seconds. */
  async function take(seconds: number): Promise<void> {
    const s = session.value
    if (!s || !who.value || busy.value) return
    const from = origin()
    if (!from) return
    busy.value = true
    refusal.value = undefined
    try {
      const number_id = slotAt.value >= 0 ? free.value[slotAt.value]?.id : undefined
      const a = changing.value
        ? await actions.change(changing.value.id, { key, session_id: s.id, number_id, ...from })
        : await actions.book({ key, patient_id: who.value, session_id: s.id, number_id, lane: way.value.lane, ...from, use_card: card.value || undefined, hold_seconds: seconds || undefined })
      key = newKey()
      if (a.state === 'requested') {
        held.value = a
        stage.value = 'held'
      } else finish(a)
    } catch (err) {
      refuse(err)
    } finally {
      busy.value = false
    }
  }

  /** A definite no ends the request; after a lost answer the same key is sent again. */
  function refuse(err: unknown): void {
    refusal.value = err
    typed.value = []
    if (err instanceof ApiError && err.status >= 400 && err.status < 500) {
      key = newKey()
      slotAt.value = -1
      actions.again()
    }
  }

  function finish(a: Appointment): void {
    result.value = a
    held.value = undefined
    undone.value = false
    doneAt.value = serverNow()
    stage.value = 'done'
  }

  async function confirm(): Promise<void> {
    if (!held.value || busy.value) return
    busy.value = true
    try {
      finish(await actions.step(held.value.id, 'confirm'))
    } catch (err) {
      held.value = undefined
      stage.value = 'slot'
      refuse(err)
    } finally {
      busy.value = false
    }
  }

  async function release(): Promise<void> {
    const a = held.value
    held.value = undefined
    stage.value = 'slot'
    if (a) await actions.cancel(a.id, 'staff').catch(refuse)
  }

  const undoLeft = computed(() => (stage.value === 'done' && !undone.value ? Math.max(0, doneAt.value + undoMs - now.value) : 0))
  async function undo(): Promise<void> {
    if (!result.value || !undoLeft.value || busy.value) return
    busy.value = true
    try {
      result.value = await actions.cancel(result.value.id, 'staff')
      undone.value = true
    } catch (err) {
      refuse(err)
    } finally {
      busy.value = false
    }
  }

  /** One step back; false when there is nowhere to go back to. */
  function back(): boolean {
    note.value = ''
    typed.value = []
    refusal.value = undefined
    if (stage.value === 'held') void release()
    else if (stage.value === 'slot') stage.value = 'week'
    else if (stage.value === 'week') stage.value = 'find'
    else if (stage.value === 'find' && q.value) q.value = ''
    else return false
    return true
  }

  /** Begins with a department, a session or an appointment that moves elsewhere. */
  async function begin(): Promise<void> {
    const a = start.change
    const s = start.session ? await unwrap(client.GET('/api/booking/sessions/{id}', { params: { path: { id: start.session } } })) : undefined
    const dept = s?.department_id ?? a?.department_id ?? start.department
    const exam = s ? s.exam_id : a?.exam_id
    if (exam) fixed.value = { kind: 'exam', id: exam, name: s?.exam ?? a?.exam ?? '', hint: '', department: dept ?? '' }
    else if (dept) fixed.value = { kind: 'department', id: dept, name: s?.department ?? a?.department ?? '', hint: '', department: dept }
    if (s) {
      from.value = s.date > day ? s.date : day
      await nextTick()
      const stop = watch([settled, all], () => {
        if (!settled.value || !all.value.some((x) => x.id === s.id)) return
        choose(s.id)
        void nextTick(() => stop())
      }, { immediate: false })
      if (!settled.value || !all.value.some((x) => x.id === s.id)) return
      choose(s.id)
      stop()
    } else if (a) {
      from.value = a.date > day ? a.date : day
      stage.value = 'week'
      cursorWhenRead()
    }
  }
  function startChange(a: Appointment): void {
    restart()
    who.value = a.patient_id
    start = { change: a }
    changing.value = a
    void begin()
  }
  void begin()

  const query = useQuery({
    queryKey: ['directory', 'department', computed(() => target.value?.department ?? '')],
    queryFn: () => unwrap(client.GET('/api/departments/{id}', { params: { path: { id: target.value!.department } } })),
    enabled: computed(() => Boolean(target.value?.department)),
    staleTime: 120_000,
  })

  return {
    now, day, stage, who, q, targets, targetAt, target, fixed, from, dates, at, slotAt, via, paper, unnamed, origin, card, busy, refusal, note, held, result, undone, undoLeft, waiting, changing,
    settled, timetable, rows, session, numbers, free, verdict, others, department: query, act, back, choose, turn, restart, startChange, release,
  }
}
export type Booking = ReturnType<typeof useBooking>

export const bookingKey: InjectionKey<Booking> = Symbol('booking')
export function useTheBooking(): Booking {
  return inject(bookingKey)!
}
