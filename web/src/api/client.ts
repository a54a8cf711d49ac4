// The typed client over the server's OpenAPI document. `npm run api` writes
// schema.d.ts from ../api/openapi.json; nobody edits it by hand.
import createClient from 'openapi-fetch'
import { ApiError, toProblem } from './errors'
import type { paths } from './schema'

export const client = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? 'http://localhost' : location.origin,
  headers: { 'X-Heartline': '1' },
  querySerializer: { array: { style: 'form', explode: false } },
})

let onSignedOut: (() => void) | undefined

/** Called when the server no longer knows this browser. */
export function whenSignedOut(fn: () => void): void {
  onSignedOut = fn
}

export function signedOut(): void {
  onSignedOut?.()
}

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The body of a good answer; an ApiError for everything else. */
export async function unwrap<T>(pending: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await pending
  } catch {
    throw new ApiError(toProblem(0, null))
  }
  if (answer.response.ok) return answer.data as T
  const problem = toProblem(answer.response.status, answer.error)
  if (problem.status === 401 && !answer.response.url.endsWith('/api/session')) signedOut()
  throw new ApiError(problem)
}

/** Fetches a file with the session's cookie and saves it under the given name. */
export async function download(path: string, name: string): Promise<void> {
  // eslint-disable-next-line no-restricted-globals -- a file, not a JSON operation
  const res = await fetch(path, { credentials: 'same-origin' })
  if (!res.ok) throw new ApiError(toProblem(res.status, await res.json().catch(() => null)))
  const a = document.createElement('a')
  a.href = URL.createObjectURL(await res.blob())
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
}

/** Sends a file as the body of a PUT. */
export async function upload(path: string, body: Blob): Promise<void> {
  let res: Response
  try {
    // eslint-disable-next-line no-restricted-globals -- a file, not a JSON operation
    res = await fetch(path, { method: 'PUT', credentials: 'same-origin', headers: { 'X-Heartline': '1', 'Content-Type': body.type }, body })
  } catch {
    throw new ApiError(toProblem(0, null))
  }
  if (!res.ok) throw new ApiError(toProblem(res.status, await res.json().catch(() => null)))
}

/** Sends a file as the form of a POST and gives its answer. */
export async function uploadForm<T>(path: string, field: string, file: File): Promise<T> {
  const form = new FormData()
  form.append(field, file, file.name)
  let res: Response
  try {
    // eslint-disable-next-line no-restricted-globals -- a file, not a JSON operation
    res = await fetch(path, { method: 'POST', credentials: 'same-origin', headers: { 'X-Heartline': '1' }, body: form })
  } catch {
    throw new ApiError(toProblem(0, null))
  }
  const answer: unknown = await res.json().catch(() => null)
  if (!res.ok) throw new ApiError(toProblem(res.status, answer))
  return answer as T
}

/** Asks for a file with a JSON body and saves it under the name the server gives. */
export async function downloadWith(path: string, body: unknown, name: string): Promise<void> {
  let res: Response
  try {
    // eslint-disable-next-line no-restricted-globals -- a file, not a JSON operation
    res = await fetch(path, { method: 'POST', credentials: 'same-origin', headers: { 'X-Heartline': '1', 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  } catch {
    throw new ApiError(toProblem(0, null))
  }
  if (!res.ok) throw new ApiError(toProblem(res.status, await res.json().catch(() => null)))
  const a = document.createElement('a')
  a.href = URL.createObjectURL(await res.blob())
  a.download = /filename="([^"]+)"/.exec(res.headers.get('Content-Disposition') ?? '')?.[1] ?? name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
}
