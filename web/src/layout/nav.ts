import { ref } from 'vue'

const key = 'heartline.nav'

/** Whether the left navigation shows only icons. */
export const narrow = ref(localStorage.getItem(key) === 'narrow' || (localStorage.getItem(key) === null && innerWidth < 1200))

export function toggleNav(): void {
  narrow.value = !narrow.value
  localStorage.setItem(key, narrow.value ? 'narrow' : 'wide')
}
