// The demo caller's line: its own small WebSocket, its own sound, no sign-in.
import { ref, shallowRef } from 'vue'
import { LevelMeter, micReason, openMicrophone, unlockAudio } from '@/softphone/audio'
import { SoundConnection } from '@/softphone/connection'

export type LineState = 'idle' | 'opening' | 'dialling' | 'ringing' | 'answered' | 'ended' | 'failed'

interface Waiting {
  resolve(v: Record<string, unknown>): void
  reject(e: Error): void
}

export class TryLine {
  readonly state = ref<LineState>('idle')
  readonly cause = ref('')
  readonly since = ref<string>('')
  readonly muted = ref(false)
  readonly problem = ref('')
  readonly stream = shallowRef<MediaStream>()
  private ws?: WebSocket
  private sound?: SoundConnection
  private readonly out = new Audio()
  private readonly waiting = new Map<number, Waiting>()
  private nextId = 1

  async dial(number: string, caller: string): Promise<void> {
    unlockAudio()
    this.problem.value = ''
    this.cause.value = ''
    this.state.value = 'opening'
    try {
      await this.open()
      await this.connectSound()
    } catch (err) {
      this.problem.value ||= err instanceof DOMException ? `phone.blocked.${micReason(err)}` : 'try.no_line'
      this.state.value = 'failed'
      return
    }
    this.state.value = 'dialling'
    this.since.value = new Date().toISOString()
    try {
      await this.request('dial', { number, caller })
    } catch (err) {
      this.problem.value = `error.${(err as Error).message}`
      this.state.value = 'failed'
    }
  }

  digits(d: string): void {
    if (['ringing', 'answered', 'dialling'].includes(this.state.value)) void this.request('dtmf', { digits: d }).catch(() => undefined)
  }

  hangup(): void {
    void this.request('hangup').catch(() => undefined)
    this.finish('')
  }

  mute(on: boolean): void {
    this.muted.value = on
    this.stream.value?.getAudioTracks().forEach((t) => (t.enabled = !on))
  }

  meter(): LevelMeter | undefined {
    return this.stream.value ? new LevelMeter(this.stream.value) : undefined
  }

  close(): void {
    this.sound?.close()
    this.sound = undefined
    this.ws?.close()
    this.ws = undefined
    this.stream.value?.getTracks().forEach((t) => t.stop())
    this.stream.value = undefined
  }

  private finish(cause: string): void {
    if (this.state.value === 'idle' || this.state.value === 'failed') return
    this.cause.value = cause
    this.state.value = 'ended'
    this.mute(false)
  }

  private open(): Promise<void> {
    if (this.ws?.readyState === WebSocket.OPEN) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/try/ws`)
      this.ws = ws
      ws.onopen = () => resolve()
      ws.onmessage = (m) => this.receive(String(m.data))
      ws.onclose = () => {
        reject(new Error('closed'))
        this.waiting.forEach((w) => w.reject(new Error('network')))
        this.waiting.clear()
        if (['dialling', 'ringing', 'answered'].includes(this.state.value)) this.finish('disconnected')
      }
    })
  }

  private async connectSound(): Promise<void> {
    this.stream.value ??= await openMicrophone()
    this.sound?.close()
    await new Promise<void>((resolve, reject) => {
      const giveUp = setTimeout(() => reject(new Error('timeout')), 10_000)
      const up = () => {
        clearTimeout(giveUp)
        resolve()
      }
      this.sound = new SoundConnection(
        {
          offer: async (sdp) => String((await this.request('rtc.offer', { sdp })).sdp ?? ''),
          candidate: (candidate) => void this.request('rtc.candidate', { candidate }).catch(() => undefined),
        },
        { up, down: () => this.finish('disconnected'), remote: (s) => this.play(s) },
      )
      this.sound.connect(this.stream.value!.getAudioTracks()[0]!, this.stream.value!).catch(reject)
    })
  }

  private play(s: MediaStream): void {
    this.out.srcObject = s
    void this.out.play().catch(() => (this.problem.value = 'phone.needs_click'))
  }

  private request(type: string, body: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      if (this.ws?.readyState !== WebSocket.OPEN) return reject(new Error('network'))
      this.waiting.set(id, { resolve, reject })
      this.ws.send(JSON.stringify({ id, type, ...body }))
    })
  }

  private receive(text: string): void {
    let m: Record<string, unknown>
    try {
      m = JSON.parse(text) as Record<string, unknown>
    } catch {
      return
    }
    if (m.type === 'reply') {
      const w = this.waiting.get(Number(m.id))
      this.waiting.delete(Number(m.id))
      if (m.ok) w?.resolve((m.data ?? {}) as Record<string, unknown>)
      else w?.reject(new Error(String((m.error as { key?: string })?.key ?? 'internal')))
    } else if (m.type === 'state') {
      this.changed(String(m.state), String(m.cause ?? ''))
    }
  }

  private changed(state: string, cause: string): void {
    switch (state) {
      case 'dialling':
      case 'ringing':
        this.state.value = state
        return
      case 'answered':
        this.state.value = 'answered'
        this.since.value = new Date().toISOString()
        return
      case 'ended':
      case 'disconnected':
        this.finish(cause || (state === 'disconnected' ? 'disconnected' : ''))
    }
  }
}
