// Free ports. They are given up before use, which is a race in theory only.
import { createSocket } from 'node:dgram'
import { connect, createServer, type Server, type Socket } from 'node:net'

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

/** A network cable between a browser and the server, which can be pulled out. Sound does not go through it. */
export class Cable {
  private readonly sockets = new Set<Socket>()
  private server?: Server

  private constructor(
    private readonly target: number,
    private readonly port: number,
  ) {}

  static async to(target: number): Promise<Cable> {
    const cable = new Cable(target, await freeTCP())
    await cable.plug()
    return cable
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  plug(): Promise<void> {
    this.server = createServer((near) => {
      const far = connect(this.target, '127.0.0.1')
      for (const [one, other] of [[near, far], [far, near]]) {
        this.sockets.add(one)
        one.pipe(other)
        one.on('error', () => {})
        one.on('close', () => {
          this.sockets.delete(one)
          other.destroy()
        })
      }
    })
    return new Promise((done) => this.server!.listen(this.port, '127.0.0.1', done))
  }

  async pull(): Promise<void> {
    const closed = new Promise((done) => (this.server ? this.server.close(done) : done(undefined)))
    this.server = undefined
    for (const s of this.sockets) s.destroy()
    await closed
  }
}
