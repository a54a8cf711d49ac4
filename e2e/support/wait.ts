export const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/** Polls until probe gives something truthy; the error says what it saw last. */
export async function eventually<T>(what: string, probe: () => Promise<T> | T, ms = 15_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + ms
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value) return value as NonNullable<T>
      last = value
    } catch (e) {
      last = e
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms; last: ${String(last)}`)
    await pause(100)
  }
}
