// Requests that come on paper: by which channels, and what has to be named.
import { reactive, ref, watch } from 'vue'
import { today } from './words'

/** From where staff takes a request: the telephone, the window, paper, another hospital. */
export const requestChannels = ['desk', 'onsite', 'mail', 'fax', 'referral'] as const
export type RequestChannel = (typeof requestChannels)[number]

/** Which channels come on paper, and which never without naming it. */
export const onPaper = (channel: string): boolean => ['mail', 'fax', 'referral'].includes(channel)
export const mustName = (channel: string): boolean => ['mail', 'fax'].includes(channel)

export interface Origin {
  channel: string
  reference?: string
  received_on?: string
}
export interface Paper {
  reference: string
  received_on: string
}

/** A channel with its paper; nothing when the paper has to be named first. */
export function originOf(channel: string, paper: Paper): Origin | undefined {
  if (mustName(channel) && paper.reference.trim().length < 2) return undefined
  return onPaper(channel) && paper.reference.trim() !== '' ? { channel, ...paper } : { channel }
}

/** How a request came, for the forms that ask it. */
export function useOrigin() {
  const channel = ref<RequestChannel>('desk')
  const paper = reactive<Paper>({ reference: '', received_on: today() })
  const unnamed = ref(0) // counts the times that the paper was missing
  const refusal = ref<unknown>()
  watch([channel, paper], () => (refusal.value = undefined))
  function reset(): void {
    channel.value = 'desk'
    Object.assign(paper, { reference: '', received_on: today() })
  }
  /** What is sent; asks for the paper when it is missing. */
  function take(): Origin | undefined {
    const out = originOf(channel.value, paper)
    if (!out) unnamed.value++
    return out
  }
  /** Runs work and keeps its refusal for the fields. */
  async function told<T>(work: Promise<T>): Promise<T> {
    refusal.value = undefined
    try {
      return await work
    } catch (err) {
      refusal.value = err
      throw err
    }
  }
  return { channel, paper, unnamed, refusal, reset, take, told }
}
export type OriginState = ReturnType<typeof useOrigin>
