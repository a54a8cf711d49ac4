// What everybody may know of the hospital; the pages' frame shows its name.
import { reactive, readonly } from 'vue'
import { api, type Info } from './api'

const state = reactive<{ info: Info | null; failed: boolean }>({ info: null, failed: false })
export const hospital = readonly(state)

export async function loadHospital(): Promise<void> {
  state.failed = false
  try {
    state.info = await api.info()
  } catch {
    state.failed = true // the pages say so where it matters
  }
}

/** A site's English name, "" when it has none. */
export function campusEN(campus: string): string {
  return state.info?.campuses.find((c) => c.name === campus)?.name_en ?? ''
}
