// Lists of the configuration are described, not programmed: what a resource
// looks like in a table and in a form. ResourcePage.vue does the rest.
import { useQuery, useQueryClient } from '@tanstack/vue-query'
import type { Component } from 'vue'
import { computed, type Ref } from 'vue'
import { client, unwrap } from '@/api/client'

export type Row = Record<string, unknown> & { id?: string; code?: string }

export type OptionSource = 'roles' | 'departments' | 'users' | 'queues' | 'flows' | 'calendars' | 'extensions' | 'skills' | 'campuses' | 'permissions' | 'prompts'

export interface Field {
  key: string
  kind: 'text' | 'number' | 'select' | 'multi' | 'switch' | 'password' | 'textarea' | 'tags' | 'checks'
  required?: boolean
  /** Fixed choices, whose names are messages `${choice group}.${value}`. */
  choices?: string[]
  group?: string
  source?: OptionSource
  by?: 'id' | 'code' | 'number'
  min?: number
  max?: number
  unit?: 'seconds' | 'calls'
  when?: 'create' | 'update'
  hint?: boolean
  shown?: (form: Row) => boolean
}

export interface Column {
  key: string
  kind?: 'text' | 'strong' | 'mono' | 'bool' | 'number' | 'seconds' | 'code' | 'time' | 'codes' | 'names' | 'custom'
  group?: string
  source?: OptionSource
}

export interface Resource {
  name: string
  columns: Column[]
  fields: Field[]
  defaults: Row
  /** A part of the form that fields cannot express, and the keys it edits. */
  extra?: Component
  extraKeys?: string[]
  cell?: Component
  /** The key in the address; "id" unless said otherwise. */
  idKey?: 'id' | 'code'
  /** The server searches; without it the page filters what it has. */
  serverSearch?: boolean
  versioned?: boolean
  deleteWord?: 'delete' | 'deactivate'
  undeletable?: (row: Row) => boolean
}

interface ListAnswer {
  items: Row[]
  next_cursor?: string
}
// The paths of all resources follow one pattern; the server checks the bodies.
type Loose = { [M in 'GET' | 'POST' | 'PUT' | 'DELETE']: (path: string, init?: unknown) => Promise<{ data?: unknown; error?: unknown; response: Response }> }
const loose = client as unknown as Loose

const item = (r: Resource) => `/api/admin/${r.name}/{${r.idKey ?? 'id'}}`
const at = (r: Resource, id: string) => ({ params: { path: { [r.idKey ?? 'id']: id } } })

export function useResource(r: Resource, q: Ref<string>) {
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: ['admin', r.name, computed(() => (r.serverSearch ? q.value : ''))],
    queryFn: () => {
      const query: Record<string, unknown> = r.name === 'users' ? { limit: 200 } : {}
      if (r.serverSearch && q.value) query.q = q.value
      return unwrap(loose.GET(`/api/admin/${r.name}`, { params: { query } })) as Promise<ListAnswer>
    },
    placeholderData: (old) => old,
  })
  const again = () => void queries.invalidateQueries({ queryKey: ['admin'] })
  return {
    list,
    create: async (body: Row) => {
      await unwrap(loose.POST(`/api/admin/${r.name}`, { body }))
      again()
    },
    update: async (id: string, body: Row) => {
      await unwrap(loose.PUT(item(r), { ...at(r, id), body }))
      again()
    },
    remove: async (id: string) => {
      await unwrap(loose.DELETE(item(r), at(r, id)))
      again()
    },
  }
}

export function idOf(r: Resource, row: Row): string {
  return String(row[r.idKey ?? 'id'] ?? '')
}

/** Only what the server takes: the described fields, and the version for changes. */
export function bodyOf(r: Resource, form: Row, isNew: boolean): Row {
  const body: Row = {}
  for (const f of r.fields) {
    if ((f.when === 'create' && !isNew) || (f.when === 'update' && isNew)) continue
    const v = form[f.key]
    if (f.kind === 'password' && !v) continue
    if (f.kind === 'number') body[f.key] = v === undefined || v === null || v === '' ? undefined : Number(v)
    else body[f.key] = v ?? (f.kind === 'multi' || f.kind === 'tags' || f.kind === 'checks' ? [] : f.kind === 'switch' ? false : undefined)
  }
  for (const k of r.extraKeys ?? []) body[k] = form[k]
  if (!isNew && r.versioned !== false && form.version !== undefined) body.version = form.version
  return body
}

export interface Option {
  value: string
  label: string
  hint?: string
}

const sources: Record<OptionSource, string> = {
  roles: '/api/admin/roles', departments: '/api/departments', users: '/api/admin/users', queues: '/api/admin/queues', flows: '/api/admin/flows', calendars: '/api/admin/calendars',
  extensions: '/api/admin/extensions', skills: '/api/admin/skills', campuses: '/api/campuses', permissions: '/api/admin/permissions', prompts: '/api/admin/prompts',
}

/** What a field may be set to, from the list it refers to. */
export function useSource(source: OptionSource, enabled = true) {
  return useQuery({
    queryKey: ['admin', 'options', source],
    queryFn: async () => {
      const params = source === 'users' ? { query: { limit: 200 } } : {}
      return ((await unwrap(loose.GET(sources[source], { params }))) as { items: (Row | string)[] }).items
    },
    enabled,
    staleTime: 60_000,
  })
}

export function optionsOf(items: (Row | string)[] | undefined, by: 'id' | 'code' | 'number', locale: string): Option[] {
  return (items ?? []).map((x) => {
    if (typeof x === 'string') return { value: x, label: x }
    const name = String((locale === 'en' && x.name_en) || x.name || x.code || x.id || x.key)
    const value = String(x[by] ?? x.id ?? x.code ?? x.key)
    return { value, label: by === 'number' ? `${value} ${name}` : name, hint: typeof x.login === 'string' ? x.login : undefined }
  })
}
