/* An API session of a user, outside any browser. */

/* eslint-disable @typescript-eslint/no-explicit-any */
export class Session {
  private constructor(
    private readonly url: string,
    private readonly cookie: string,
    readonly user: string, // id
  ) {}

  static async open(url: string, login: string, password: string): Promise<Session> {
    const answer = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-heartline': '1' },
      body: JSON.stringify({ login, password }),
    })
    if (!answer.ok) throw new Error(`sign-in of ${login}: ${answer.status} ${await answer.text()}`)
    const cookie = answer.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ')
    return new Session(url, cookie, ((await answer.json()) as { user: { id: string } }).user.id)
  }

  call(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: { cookie: this.cookie, 'x-heartline': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  }

  async send(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await this.call(method, path, body)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  get(path: string): Promise<any> {
    return this.send('GET', path)
  }

  async items(path: string): Promise<any[]> {
    return ((await this.get(path)) as { items: any[] }).items
  }

  /** Sends a file as a form does. */
  async upload(path: string, name: string, text: string): Promise<any> {
    const form = new FormData()
    form.append('file', new Blob([text]), name)
    const answer = await fetch(this.url + path, { method: 'POST', headers: { cookie: this.cookie, 'x-heartline': '1' }, body: form })
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  async bytes(path: string): Promise<Buffer> {
    const answer = await this.call('GET', path)
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
    return Buffer.from(await answer.arrayBuffer())
  }
}
