/** Clients of the installation's API, its cluster and its Hub, for a test file. */
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import type { AnalysisRecord } from '../../sandbox/hub-world.ts'
import { type Api, createApi, eventually, KINDS_OF_RUNS } from '../api.ts'
import { clusterEnvironment } from '../environment.ts'
import { createBody } from '../world.ts'
import type { Installation } from './installation.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
export type Statuses = Readonly<Record<string, { readonly status: string; readonly progress: number }>>
export type Logs = { readonly analysis: Record<string, string[]>; readonly nginx: Record<string, string[]> }

export const OWNED = 'flame-po/analysis-id'
/** A token is renewed when its remaining lifetime is shorter. */
const RENEW_MS = 20_000
const FORWARDED_AGAIN_MS = 2000

export function tokens({ url, realm, clientId, clientSecret }: Installation['realm']) {
  let current: { readonly token: string; readonly until: number } | undefined
  return async (): Promise<string> => {
    if (current && current.until - Date.now() > RENEW_MS) return current.token
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
    const answer = await fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
    const { access_token, expires_in } = (await answer.json()) as { access_token: string; expires_in: number }
    current = { token: access_token, until: Date.now() + expires_in * 1000 }
    return access_token
  }
}

/** Undefined if Keycloak has no such client. */
async function clientsOf({ url, realm }: Installation['realm'], token: string, id: string): Promise<unknown[]> {
  const answer = await fetch(`${url}/admin/realms/${realm}/clients?clientId=${id}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  if (!answer.ok) throw new Error(`clients of ${id}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as unknown[]
}

export function openNode() {
  const installation = inject('installation')
  const environment = clusterEnvironment()
  const api: Api = createApi(environment.kubeconfig, installation.namespace)
  const token = tokens(installation.realm)

  const send = async (method: Method, path: string, body?: object): Promise<Response> => {
    const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' }
    const ask = () =>
      fetch(`${installation.url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    // A forwarded port breaks with its pod, and reconnects within a moment.
    return ask().catch(() => sleep(FORWARDED_AGAIN_MS).then(ask))
  }

  /** @throws unless the status is 200 */
  async function call<T>(method: Method, path: string, body?: object): Promise<T> {
    const answer = await send(method, path, body)
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as T
  }

  const statusOf = async (id: string) => (await call<Statuses>('GET', `/po/status/${id}`))[id]

  const left = async (selector: string): Promise<readonly string[]> => {
    const lists = KINDS_OF_RUNS.map(async (kind) =>
      (await api.list(kind, selector)).map(({ metadata }) => `${kind} ${metadata.name}`),
    )
    return (await Promise.all(lists)).flat()
  }

  /** The reports about an analysis, in order. */
  async function told(id: string): Promise<AnalysisRecord> {
    const answer = await fetch(`${installation.hubUrl}/_sandbox/analyses/${id}`)
    return (await answer.json()) as AnalysisRecord
  }

  return {
    installation,
    environment,
    api,
    token,
    send,
    call,
    create: (id: string, image: string) => call<Record<string, string>>('POST', '/po/', createBody(id, image)),
    statusOf,
    untilStatus: (id: string, word: string, limitMs?: number) =>
      eventually(`${id} is ${word}`, async () => (await statusOf(id))?.status === word, limitMs),
    logsOf: (id: string) => call<Logs>('GET', `/po/logs/${id}`),
    historyOf: (id: string) => call<Logs>('GET', `/po/history/${id}`),
    podsOf: (id: string) => api.pods(`component=flame-analysis,${OWNED}=${id}`),
    left,
    untilGone: (id: string, limitMs?: number) =>
      eventually(`nothing is left of ${id}`, async () => (await left(`${OWNED}=${id}`)).length === 0, limitMs),
    told,
    /** Waits for the terminal status at the Hub; the analysis is archived a moment later. */
    untilTold: (id: string, word: string, limitMs?: number) =>
      eventually(
        `the Hub knows that ${id} is ${word}`,
        async () => (await told(id)).statuses.at(-1)?.status === word,
        limitMs,
      ),
    hasClient: async (id: string) => (await clientsOf(installation.realm, await token(), id)).length > 0,
    close: () => api.close(),
  }
}

export type Node = ReturnType<typeof openNode>
