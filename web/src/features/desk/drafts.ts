// What the agent has typed about a call, kept until it is saved, even across a reload.
import { reactive, toRaw, watch } from 'vue'

export interface Draft {
  patientId: string
  disposition: string
  notes: string
  saved: boolean
}

const storageKey = 'heartline.drafts'
const keep = 12

function load(): Record<string, Draft> {
  try {
    return JSON.parse(sessionStorage.getItem(storageKey) ?? '{}') as Record<string, Draft>
  } catch {
    return {}
  }
}

const drafts = reactive<Record<string, Draft>>(load())

watch(drafts, (all) => sessionStorage.setItem(storageKey, JSON.stringify(all)), { deep: true })

export function draftOf(call: string): Draft {
  const raw = toRaw(drafts) // made quietly: reading a draft inside a computed must not wake it again
  if (!raw[call]) {
    const old = Object.keys(raw)
    for (const k of old.slice(0, Math.max(0, old.length - keep))) delete raw[k]
    raw[call] = { patientId: '', disposition: '', notes: '', saved: false }
  }
  return drafts[call]!
}

/** Nothing of one agent is left for the next at the same browser. */
export function forgetDrafts(): void {
  for (const k of Object.keys(drafts)) delete drafts[k]
}
