import { useQueryClient } from '@tanstack/vue-query'
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { signedOut } from '@/api/client'
import { setServerTime } from '@/lib/clock'
import { apply, Coalescer } from '@/live/realtime'
import { LiveSocket, type Phase } from '@/live/socket'

type Listener = (data: unknown) => void

/** The live connection of this window: its state, its events, its requests. */
export const usePresence = defineStore('presence', () => {
  const queries = useQueryClient()
  const phase = ref<Phase>('idle')
  const everOpen = ref(false)
  const listeners = new Map<string, Set<Listener>>()
  const stale = new Coalescer((keys) => keys.forEach((queryKey) => void queries.invalidateQueries({ queryKey })))
  let socket: LiveSocket | undefined

  function emit(topic: string, data: unknown): void {
    listeners.get(topic)?.forEach((fn) => fn(data))
  }

  /** Hears events of a topic; "@hello", "@rtc" and "@resync" are the connection's own. */
  function on(topic: string, fn: Listener): () => void {
    const set = listeners.get(topic) ?? new Set<Listener>()
    listeners.set(topic, set.add(fn))
    return () => void set.delete(fn)
  }

  function start(): void {
    if (socket) return
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    socket = new LiveSocket(`${scheme}://${location.host}/api/live`, {
      phase: (p) => {
        phase.value = p
        if (p === 'open') everOpen.value = true
      },
      event: (e) => {
        apply(queries, stale, e.topic, e.data)
        emit(e.topic, e.data)
      },
      resync: () => {
        void queries.invalidateQueries()
        emit('@resync', null)
      },
      hello: (now, resumed) => {
        setServerTime(now)
        emit('@hello', resumed)
      },
      other: (msg) => emit(`@${String(msg.type)}`, msg),
      signedOut,
    })
    socket.start()
    addEventListener('online', nudge)
  }

  function stop(): void {
    socket?.stop()
    socket = undefined
    removeEventListener('online', nudge)
    everOpen.value = false
  }

  function nudge(): void {
    socket?.nudge()
  }

  function request<T>(type: string, body: Record<string, unknown> = {}): Promise<T> {
    return socket ? socket.request<T>(type, body) : Promise.reject(new Error('live: not started'))
  }

  function send(type: string, body: Record<string, unknown> = {}): boolean {
    return socket?.send(type, body) ?? false
  }

  return { phase, everOpen, on, start, stop, nudge, request, send }
})
