// One shape for everything that can go wrong between the browser and the server.

export interface Problem {
  status: number
  key: string
  params?: Record<string, unknown>
  errors?: FieldProblem[]
  title?: string
  detail?: string
}

export interface FieldProblem {
  path: string
  key: string
  params?: Record<string, unknown>
}

export class ApiError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.key)
    this.name = 'ApiError'
    this.problem = problem
  }
  get status(): number {
    return this.problem.status
  }
}

export function toProblem(status: number, body: unknown): Problem {
  const b = (body && typeof body === 'object' ? body : {}) as Record<string, unknown>
  return {
    status,
    key: typeof b.key === 'string' && b.key ? b.key : defaultKey(status),
    params: (b.params as Record<string, unknown>) ?? undefined,
    errors: Array.isArray(b.errors) ? (b.errors as FieldProblem[]) : undefined,
    title: typeof b.title === 'string' ? b.title : undefined,
    detail: typeof b.detail === 'string' ? b.detail : undefined,
  }
}

export function defaultKey(status: number): string {
  switch (status) {
    case 0:
      return 'network'
    case 400:
    case 422:
      return 'invalid'
    case 401:
      return 'unauthenticated'
    case 403:
      return 'denied'
    case 404:
      return 'not_found'
    case 409:
      return 'conflict'
    case 429:
      return 'too_many'
    case 503:
      return 'unavailable'
    default:
      return 'internal'
  }
}

/** "body.phones[0].number" → "phones[0].number": the name a form uses. */
export function fieldName(path?: string): string {
  return (path ?? '').replace(/^(body|query|path)\.?/, '')
}

type Translate = (key: string, params?: Record<string, unknown>) => string
type Exists = (key: string) => boolean

/** The sentence a person reads: the server's key, else what the status means. */
export function describe(err: unknown, t: Translate, te: Exists): string {
  const p = err instanceof ApiError ? err.problem : toProblem(0, null)
  const exact = `error.${p.key}`
  if (te(exact)) return t(exact, p.params ?? {})
  return t(`error.${defaultKey(p.status)}`, p.params ?? {})
}

/** Messages per form field, for the fields the server complained about. */
export function fieldErrors(err: unknown, t: Translate, te: Exists): Record<string, string> {
  if (!(err instanceof ApiError)) return {}
  const out: Record<string, string> = {}
  for (const f of err.problem.errors ?? []) {
    const name = fieldName(f.path)
    const key = `error.${f.key}`
    if (name) out[name] = te(key) ? t(key, f.params ?? {}) : t('error.field_invalid')
  }
  return out
}
