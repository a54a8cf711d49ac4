// Pages that show something with a name carry it into the window's title.
import { reactive, readonly } from 'vue'

const state = reactive({ name: '' })
export const pageTitle = readonly(state)

export function titled(name: string): void {
  state.name = name
}
