// A week of the timetable under a cursor, for pages that show one.
import { computed, ref, type Ref } from 'vue'
import { addDays } from '@/lib/format'
import { useNow } from '@/lib/clock'
import { days, layout, monday, move, type Direction } from './grid'
import { useTimetable, type TimetableAsk } from './queries'
import { today } from './words'

export function useWeek(filter: Ref<Omit<TimetableAsk, 'from' | 'to'>>, start = '') {
  const now = useNow()
  const day = today()
  const from = ref(monday(start || addDays(day, 1))) // who opens it on a Sunday plans the week to come
  const at = ref('')
  const dates = computed(() => days(from.value, 7))
  const query = useTimetable(computed(() => ({ ...filter.value, from: from.value, to: addDays(from.value, 6) })))
  const rows = computed(() => layout(query.data.value?.items ?? [], dates.value))
  const session = computed(() => rows.value.flatMap((r) => r.cells.flat()).find((s) => s.id === at.value))

  function turn(weeks: number): void {
    from.value = weeks ? addDays(from.value, 7 * weeks) : monday(day)
    at.value = ''
  }
  const arrows: Record<string, Direction> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' }
  /** Arrow keys over the grid, page keys over the weeks. True when the key meant something. */
  function key(e: KeyboardEvent): boolean {
    if (e.ctrlKey || e.metaKey || e.altKey || (e.target as HTMLElement).closest('input, textarea, select, [role="combobox"]')) return false
    const to = arrows[e.key]
    if (to) {
      const next = move(rows.value, at.value, to)
      if (next) at.value = next
      else if (to === 'right') turn(1)
      else if (to === 'left') turn(-1)
    } else if (e.key === 'PageDown') turn(1)
    else if (e.key === 'PageUp') turn(-1)
    else if (e.key === 'Home') turn(0)
    else return false
    e.preventDefault()
    return true
  }
  return { now, day, from, at, dates, query, rows, session, turn, key }
}
