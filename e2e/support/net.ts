// Free ports. They are given up before use, which is a race in theory only.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

export function freeTCP(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createServer()
    s.once('error', fail)
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address() as { port: number }
      s.close(() => done(port))
    })
  })
}

/** Free for UDP and, as SIP wants, for TCP. */
export async function freeUDP(): Promise<number> {
  for (;;) {
    const port = await freeTCP()
    const free = await new Promise<boolean>((done) => {
      const s = createSocket('udp4')
      s.once('error', () => done(false))
      s.bind(port, '127.0.0.1', () => s.close(() => done(true)))
    })
    if (free) return port
  }
}
