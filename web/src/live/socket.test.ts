import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveSocket, type LiveEvent } from './socket'

class FakeSocket {
  readyState = 1
  sent: Record<string, unknown>[] = []
  onopen?: () => void
  onmessage?: (m: { data: string }) => void
  onclose?: (e?: { code: number }) => void
  send(s: string): void {
    this.sent.push(JSON.parse(s) as Record<string, unknown>)
  }
  close(): void {
    this.readyState = 3
    this.onclose?.({ code: 1000 })
  }
  say(m: unknown): void {
    this.onmessage?.({ data: JSON.stringify(m) })
  }
}

describe('the live connection', () => {
  let sockets: FakeSocket[]
  let log: string[]
  let events: LiveEvent[]
  let live: LiveSocket
  const last = () => sockets.at(-1)!
  const hello = (stream = 's1', seq = 5) => last().say({ type: 'hello', stream, seq, now: '2026-11-22T00:00:00Z' })

  beforeEach(() => {
    vi.useFakeTimers()
    sockets = []
    log = []
    events = []
    live = new LiveSocket(
      'ws://x/api/live',
      {
        phase: (p) => log.push(p),
        event: (e) => events.push(e),
        resync: () => log.push('resync'),
        hello: (_now, resumed) => log.push(resumed ? 'hello again' : 'hello'),
        other: (m) => log.push(`other ${String(m.type)}`),
        signedOut: () => log.push('signed out'),
      },
      () => {
        const s = new FakeSocket()
        sockets.push(s)
        return s as unknown as WebSocket
      },
    )
    live.start()
    last().onopen?.()
  })
  afterEach(() => {
    live.stop()
    vi.useRealTimers()
  })

  it('continues after a cut where it stopped, before saying anything else', () => {
    hello()
    last().say({ type: 'event', seq: 9, topic: 'call', data: {} })
    last().onclose?.({ code: 1006 })
    vi.advanceTimersByTime(1000)
    hello('s1', 20)
    expect(last().sent[0]).toMatchObject({ type: 'resume', stream: 's1', seq: 9 })
    expect(log).toContain('hello again')
    expect(log).not.toContain('resync')
  })
  it('reads everything again after the server was restarted', () => {
    hello()
    last().onclose?.({ code: 1006 })
    vi.advanceTimersByTime(1000)
    hello('s2', 0)
    expect(last().sent).toEqual([])
    expect(log).toContain('resync')
  })
  it('reads everything again when the server refuses to resume', async () => {
    hello()
    last().onclose?.({ code: 1006 })
    vi.advanceTimersByTime(1000)
    hello('s1', 20)
    last().say({ type: 'reply', id: last().sent[0]!.id, ok: false, error: { key: 'live.resumed_already' } })
    await vi.waitFor(() => expect(log).toContain('resync'))
  })
  it('matches replies to requests and refuses with the key of the server', async () => {
    hello()
    const good = live.request<{ sdp: string }>('rtc.offer', { sdp: 'o' })
    const bad = live.request('rtc.offer')
    const [a, b] = last().sent
    last().say({ type: 'reply', id: b!.id, ok: false, error: { key: 'call.draining' } })
    last().say({ type: 'reply', id: a!.id, ok: true, data: { sdp: 'answer' } })
    await expect(good).resolves.toEqual({ sdp: 'answer' })
    await expect(bad).rejects.toMatchObject({ key: 'call.draining' })
  })
  it('fails open requests at a cut instead of leaving them', async () => {
    hello()
    const pending = live.request('rtc.offer')
    last().onclose?.({ code: 1006 })
    await expect(pending).rejects.toMatchObject({ key: 'network' })
  })
  it('does not come back once the session is over', () => {
    hello()
    last().onclose?.({ code: 4401 })
    vi.advanceTimersByTime(60_000)
    expect(sockets).toHaveLength(1)
    expect(log).toContain('signed out')
  })
  it('waits longer and longer while the server is away', () => {
    for (let i = 0; i < 4; i++) {
      last().onclose?.({ code: 1006 })
      vi.advanceTimersByTime(12_000)
    }
    expect(sockets.length).toBe(5)
    last().onclose?.({ code: 1006 })
    vi.advanceTimersByTime(500)
    expect(sockets.length).toBe(5)
  })
  it('ignores what is not JSON and hands unknown messages on', () => {
    hello()
    last().onmessage?.({ data: '{' })
    last().say({ type: 'rtc', event: 'replaced', session: '1' })
    expect(log.at(-1)).toBe('other rtc')
    expect(events).toEqual([])
  })
})
