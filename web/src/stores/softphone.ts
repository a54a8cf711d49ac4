import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import { devices, LevelMeter, micReason, openMicrophone, Ringtone, unlockAudio, type Device } from '@/softphone/audio'
import { SoundConnection } from '@/softphone/connection'
import { initial, step, type Phone, type PhoneEffect, type PhoneEvent } from '@/softphone/machine'
import { usePresence } from './presence'

interface Choice {
  mic: string
  speaker: string
  ring: number
  notify: boolean
}

const storageKey = 'heartline.phone'
const testedKey = 'heartline.mic-tested'

function readChoice(): Choice {
  const fallback: Choice = { mic: '', speaker: '', ring: 0.7, notify: true }
  try {
    return { ...fallback, ...(JSON.parse(localStorage.getItem(storageKey) ?? '{}') as Partial<Choice>) }
  } catch {
    return fallback
  }
}

/** The agent's telephone in this window. The server owns the calls; this owns the sound. */
export const useSoftphone = defineStore('softphone', () => {
  const presence = usePresence()
  const phone = ref<Phone>(initial)
  const choice = ref<Choice>(readChoice())
  const microphones = ref<Device[]>([])
  const speakers = ref<Device[]>([])
  const tested = ref(sessionStorage.getItem(testedKey) === '1')
  const needsClick = ref(false)
  const iceServers = ref<RTCIceServer[]>([])
  const stream = shallowRef<MediaStream>()
  const out = typeof Audio === 'undefined' ? undefined : new Audio()
  const ringtone = new Ringtone()
  let connection: SoundConnection | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let hooked = false

  const state = computed(() => phone.value.state)
  const ready = computed(() => phone.value.state === 'connected')

  function send(e: PhoneEvent): void {
    const [next, effects] = step(phone.value, e)
    phone.value = next
    effects.forEach(run)
  }

  function run(effect: PhoneEffect): void {
    switch (effect) {
      case 'acquire':
        return void acquire()
      case 'offer':
        return void offer()
      case 'close':
        connection?.close()
        connection = undefined
        return
      case 'release':
        clearTimeout(timer)
        release()
        return
      case 'retry_soon':
      case 'retry_later':
        clearTimeout(timer)
        timer = setTimeout(() => send({ type: 'retry' }), effect === 'retry_soon' ? 400 * phone.value.attempts : 8000)
    }
  }

  function release(): void {
    stream.value?.getTracks().forEach((t) => t.stop())
    stream.value = undefined
  }

  async function acquire(): Promise<void> {
    try {
      if (!navigator.mediaDevices) throw new Error('insecure context')
      const s = await openMicrophone(choice.value.mic)
      release()
      stream.value = s
      const track = s.getAudioTracks()[0]!
      track.onended = () => send({ type: 'device_changed' })
      await listDevices()
      connection?.close()
      send({ type: 'mic', ok: true })
    } catch (err) {
      send({ type: 'mic', ok: false, reason: micReason(err) })
    }
  }

  async function offer(): Promise<void> {
    const track = stream.value?.getAudioTracks()[0]
    if (!track || !stream.value) return
    connection?.close()
    const mine: SoundConnection = new SoundConnection(
      {
        offer: async (sdp) => (await presence.request<{ sdp: string }>('rtc.offer', { sdp })).sdp,
        candidate: (candidate) => void presence.request('rtc.candidate', { candidate }).catch(() => undefined),
      },
      {
        up: () => mine === connection && send({ type: 'up' }),
        down: () => mine === connection && send({ type: 'down' }),
        remote: (s) => void play(s),
      },
      iceServers.value,
    )
    connection = mine
    try {
      await mine.connect(track, stream.value)
    } catch {
      if (mine === connection) send({ type: 'refused' })
    }
  }

  async function play(s?: MediaStream): Promise<void> {
    if (!out) return
    if (s) out.srcObject = s
    try {
      if (choice.value.speaker && 'setSinkId' in out) await out.setSinkId(choice.value.speaker)
    } catch {
      choice.value = { ...choice.value, speaker: '' }
    }
    try {
      await out.play()
      needsClick.value = false
    } catch (err) {
      needsClick.value = err instanceof DOMException && err.name === 'NotAllowedError'
    }
  }

  async function listDevices(): Promise<void> {
    microphones.value = await devices('audioinput')
    speakers.value = await devices('audiooutput')
  }

  function hook(): void {
    if (hooked) return
    hooked = true
    // A new stream id means a new server process: it knows nothing of the old sound.
    presence.on('@hello', (resumed) => (resumed && ready.value ? undefined : ready.value ? send({ type: 'down' }) : send({ type: 'server_back' })))
    presence.on('@rtc', (m) => {
      const msg = m as { event?: string; session?: string }
      if (msg.session && msg.session !== connection?.session) return
      if (msg.event === 'replaced') send({ type: 'replaced' })
      else if (msg.event === 'closed') send({ type: 'down' })
    })
    navigator.mediaDevices?.addEventListener?.('devicechange', () => void listDevices())
  }

  function start(): void {
    hook()
    send({ type: 'start' })
  }

  /** Opens the sound where it is not open yet; true once it works. */
  function ensure(): Promise<boolean> {
    unlock()
    start()
    if (ready.value) return Promise.resolve(true)
    return new Promise((resolve) => {
      const settle = (ok: boolean) => {
        off()
        clearTimeout(late)
        resolve(ok)
      }
      const off = watch(state, (s) => (s === 'connected' ? settle(true) : s === 'blocked' || s === 'failed' ? settle(false) : undefined))
      const late = setTimeout(() => settle(false), 12_000)
    })
  }

  function save(c: Partial<Choice>): void {
    const before = choice.value
    choice.value = { ...before, ...c }
    localStorage.setItem(storageKey, JSON.stringify(choice.value))
    if (c.mic !== undefined && c.mic !== before.mic) send({ type: 'device_changed' })
    if (c.speaker !== undefined && c.speaker !== before.speaker) void play()
  }

  function markTested(): void {
    tested.value = true
    sessionStorage.setItem(testedKey, '1')
  }

  /** From a click: lets the page make sound. */
  function unlock(): void {
    unlockAudio()
    if (out?.srcObject) void play()
  }

  return {
    phone, state, ready, choice, microphones, speakers, tested, needsClick, iceServers, stream,
    start, ensure, stop: () => send({ type: 'stop' }), retry: () => send({ type: phone.value.state === 'failed' ? 'retry' : 'start' }),
    save, markTested, unlock, listDevices,
    ring: () => ringtone.start(choice.value.ring), silence: () => ringtone.stop(),
    meter: () => (stream.value ? new LevelMeter(stream.value) : undefined),
  }
})
