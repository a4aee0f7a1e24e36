/**
 * A pool of keep-alive connections to the API server. The generated calls of `@kubernetes/client-node` are not used: they open
 * a TLS connection per request, have no deadline, and cannot request metadata only.
 */
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'
import { type ApiAccess, type ApiCredentials, type CredentialOptions, loadCredentials } from './credentials.ts'

export interface ApiConnectionOptions extends CredentialOptions {
  /** Milliseconds for a whole call; logs have their own. */
  readonly deadlineMs?: number | undefined
  readonly logDeadlineMs?: number | undefined
  /** Objects per page of a list; pages with metadata only are larger. */
  readonly pageSize?: number | undefined
  readonly metadataPageSize?: number | undefined
  readonly now?: (() => number) | undefined
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readable & { text(): Promise<string> }
}

export interface ApiConnection {
  readonly namespace: string
  readonly deadlineMs: number
  readonly logDeadlineMs: number
  readonly pageSize: number
  readonly metadataPageSize: number
  /** Resolves for any status, and rejects without an answer. The body must be read or dumped. */
  send(call: Call): Promise<Answer>
  close(): Promise<void>
}

/** How long a token and certificates are used before their files are read again. */
const ACCESS_MS = 10_000

export function connectApi(options: ApiConnectionOptions = {}): ApiConnection {
  const credentials = loadCredentials(options)
  const current = accessCache(credentials, options.now ?? Date.now)

  return {
    namespace: credentials.namespace,
    deadlineMs: options.deadlineMs ?? 10_000,
    logDeadlineMs: options.logDeadlineMs ?? 15_000,
    pageSize: options.pageSize ?? 500,
    metadataPageSize: options.metadataPageSize ?? 5000,
    async send({ method, path, headers, body, signal }) {
      const { access, pool } = await current.get()
      const answer = await request(`${credentials.server}${path}`, {
        dispatcher: pool.dispatcher,
        method,
        headers: { ...headers, ...access.headers },
        body: body ?? null,
        signal,
      })
      if (answer.statusCode === 401) current.forget()
      return { status: answer.statusCode, headers: answer.headers, body: answer.body }
    },
    close: () => current.close(),
  }
}

interface CurrentAccess {
  readonly access: ApiAccess
  readonly pool: { readonly key: string; readonly dispatcher: Dispatcher }
}

/** Keeps the pool while the certificates are the same: a new token does not close connections. */
function accessCache(credentials: ApiCredentials, now: () => number) {
  let current: CurrentAccess | undefined
  let freshUntil = 0

  async function refresh(): Promise<CurrentAccess> {
    const access = await credentials.access()
    const key = poolKey(access)
    const kept = current?.pool.key === key ? current.pool : undefined
    // Open calls end on the old pool.
    if (current && !kept) void current.pool.dispatcher.close()
    current = { access, pool: kept ?? { key, dispatcher: makePool(credentials, access) } }
    freshUntil = now() + ACCESS_MS
    return current
  }

  return {
    get: async () => (current && now() < freshUntil ? current : refresh()),
    forget: () => {
      freshUntil = 0
    },
    close: async () => current?.pool.dispatcher.destroy(),
  }
}

const poolKey = ({ tls }: ApiAccess): string =>
  [tls.ca, tls.cert, tls.key].map((part) => part?.toString('base64') ?? '').join('|')

function makePool(credentials: ApiCredentials, { tls }: ApiAccess): Dispatcher {
  const shared = { keepAliveTimeout: 30_000, connections: 64 }
  const connectOptions = { ...tls, timeout: 5_000 }
  return credentials.proxyUrl
    ? new ProxyAgent({ ...shared, uri: credentials.proxyUrl, requestTls: connectOptions })
    : new Agent({ ...shared, connect: connectOptions })
}
