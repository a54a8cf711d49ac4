// The one WebSocket of a signed-in browser: live facts in, softphone signalling
// both ways. It reconnects by itself and asks to continue where it stopped.

export type Phase = 'idle' | 'connecting' | 'open' | 'waiting'

export interface LiveEvent {
  seq: number
  topic: string
  data: unknown
}

export class LiveError extends Error {
  readonly key: string
  readonly params?: Record<string, unknown>
  constructor(key: string, params?: Record<string, unknown>) {
    super(key)
    this.key = key
    this.params = params
  }
}

interface Handlers {
  phase(p: Phase): void
  event(e: LiveEvent): void
  resync(): void
  hello(now: string, resumed: boolean): void
  other(msg: Record<string, unknown>): void
  signedOut(): void
}

interface Pending {
  resolve(v: unknown): void
  reject(e: Error): void
  timer: ReturnType<typeof setTimeout>
}

const pingEvery = 15_000
const replyWithin = 12_000
const sessionOver = 4401 // the server's close code for a session that has ended
const backoff = [250, 500, 1000, 2000, 4000, 8000]

export class LiveSocket {
  private ws?: WebSocket
  private stream = ''
  private seq = 0
  private nextId = 1
  private tries = 0
  private stopped = true
  private retry?: ReturnType<typeof setTimeout>
  private heart?: ReturnType<typeof setInterval>
  private lastHeard = 0
  private readonly pending = new Map<number, Pending>()
  private readonly url: string
  private readonly handlers: Handlers
  private readonly make: (url: string) => WebSocket

  constructor(url: string, handlers: Handlers, make = (u: string) => new WebSocket(u)) {
    this.url = url
    this.handlers = handlers
    this.make = make
  }

  start(): void {
    if (!this.stopped) return
    this.stopped = false
    this.open()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.retry)
    clearInterval(this.heart)
    this.ws?.close(1000)
    this.ws = undefined
    this.stream = ''
    this.failPending()
    this.handlers.phase('idle')
  }

  /** Tries at once instead of waiting for the next attempt. */
  nudge(): void {
    if (this.stopped || this.ws) return
    clearTimeout(this.retry)
    this.open()
  }

  send(type: string, body: Record<string, unknown> = {}): boolean {
    if (this.ws?.readyState !== 1) return false
    this.ws.send(JSON.stringify({ type, ...body }))
    return true
  }

  request<T>(type: string, body: Record<string, unknown> = {}): Promise<T> {
    const id = this.nextId++
    return new Promise<T>((resolve, reject) => {
      if (!this.send(type, { id, ...body })) {
        reject(new LiveError('network'))
        return
      }
      const timer = setTimeout(() => {
        this.pending.delete(id)
        reject(new LiveError('timeout'))
      }, replyWithin)
      this.pending.set(id, { resolve: resolve as (v: unknown) => void, reject, timer })
    })
  }

  private open(): void {
    this.handlers.phase('connecting')
    const ws = this.make(this.url)
    this.ws = ws
    ws.onopen = () => {
      this.lastHeard = Date.now()
      this.heart = setInterval(() => this.beat(), pingEvery)
    }
    ws.onmessage = (m) => this.receive(String(m.data))
    ws.onclose = (e) => this.closed(ws, e?.code)
  }

  private beat(): void {
    if (Date.now() - this.lastHeard > 2 * pingEvery + 2000) this.ws?.close()
    else this.send('ping', { id: this.nextId++ })
  }

  private closed(ws: WebSocket, code = 0): void {
    if (this.ws !== ws) return
    this.ws = undefined
    clearInterval(this.heart)
    this.failPending()
    if (this.stopped) return
    if (code === sessionOver) {
      this.stop()
      this.handlers.signedOut()
      return
    }
    this.handlers.phase('waiting')
    const wait = backoff[Math.min(this.tries++, backoff.length - 1)]!
    this.retry = setTimeout(() => this.open(), wait * (0.75 + Math.random() * 0.5))
  }

  private failPending(): void {
    for (const p of this.pending.values()) {
      clearTimeout(p.timer)
      p.reject(new LiveError('network'))
    }
    this.pending.clear()
  }

  private receive(text: string): void {
    this.lastHeard = Date.now()
    let msg: Record<string, unknown>
    try {
      msg = JSON.parse(text) as Record<string, unknown>
    } catch {
      return
    }
    switch (msg.type) {
      case 'hello':
        return this.hello(msg)
      case 'event':
        if (typeof msg.seq === 'number') this.seq = Math.max(this.seq, msg.seq)
        return this.handlers.event({ seq: this.seq, topic: String(msg.topic ?? ''), data: msg.data })
      case 'resync':
        return this.handlers.resync()
      case 'reply':
        return this.reply(msg)
      case 'pong':
        return
      default:
        this.handlers.other(msg)
    }
  }

  private hello(msg: Record<string, unknown>): void {
    this.tries = 0
    const stream = String(msg.stream ?? '')
    const before = this.stream
    const last = this.seq
    this.stream = stream
    if (before !== stream || last === 0) this.seq = Number(msg.seq ?? 0)
    this.handlers.phase('open')
    // Resume must be the first message: the server holds events back for it.
    if (before && before === stream) this.request('resume', { stream, seq: last }).catch(() => this.handlers.resync())
    else if (before) this.handlers.resync()
    this.handlers.hello(String(msg.now ?? ''), before === stream)
  }

  private reply(msg: Record<string, unknown>): void {
    const p = this.pending.get(Number(msg.id))
    if (!p) return
    this.pending.delete(Number(msg.id))
    clearTimeout(p.timer)
    if (msg.ok) p.resolve(msg.data)
    else {
      const e = (msg.error ?? {}) as { key?: string; params?: Record<string, unknown> }
      p.reject(new LiveError(e.key ?? 'internal', e.params))
    }
  }
}
