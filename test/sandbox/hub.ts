/**
 * A stand-in for the FLAME Hub: login, nodes, analysis nodes and logs in today's dialect, with its limits enforced and
 * what it is told kept in order for tests and for `/_sandbox`.
 *
 * Owns: one node, its partners, and the analyses they take part in, in memory. Login is below `/auth`, the core API
 * below `/core`; both also answer without that, for clients that know one URL. May import: the other files of the sandbox.
 *
 * Over HTTP, without a token:
 *   POST   /_sandbox/analyses {"id", "partners"?}     register an analysis
 *   GET    /_sandbox/analyses[/{id}]                  the reports, in order
 *   POST   /_sandbox/faults {"kind", "times"?, "ms"?} down · error · slow; default: until healed
 *   DELETE /_sandbox/faults                           heal
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { createControl } from './hub-control.ts'
import { createCoreApi } from './hub-core.ts'
import { hubError, parseBody } from './hub-dialect.ts'
import { type AnalysisNode, type AnalysisRecord, createWorld, type HubNode, type Registration } from './hub-world.ts'
import { type Incoming, type Reply, type StandIn, startStandIn } from './stand-in.ts'

export interface HubSandboxOptions {
  readonly port?: number
  readonly clientId?: string
  readonly clientSecret?: string
  readonly nodeName?: string
  readonly latencyMs?: number
  /** Every requested analysis exists. */
  readonly autoRegister?: boolean
  /** Partners of an analysis that is registered without a number; default 2. */
  readonly partners?: number
  /** Filters by these fields are ignored, as a Hub does that has renamed them. */
  readonly ignoreFilters?: readonly string[]
  readonly tokenLifetimeSeconds?: number
  readonly now?: () => Date
}

export interface HubSandbox extends StandIn {
  readonly coreUrl: string
  readonly authUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly node: HubNode
  /** Makes an analysis in which this node and `partners` others take part; the same again for a known id. */
  register(id: string, partners?: number): Registration
  /** Every row of an analysis, ours too. */
  rows(id: string): readonly AnalysisNode[]
  /** Sets the status of a partner. */
  setStatus(analysisNodeId: string, status: string | null): void
  /** Deletes an analysis with its rows, as a user of the Hub might. */
  drop(id: string): void
  told(id: string): AnalysisRecord
  /** Tokens issued so far are no longer accepted. */
  revokeTokens(): void
}

export async function startHub(options: HubSandboxOptions = {}): Promise<HubSandbox> {
  const clientId = options.clientId ?? randomUUID()
  const clientSecret = options.clientSecret ?? randomBytes(24).toString('base64url')
  const world = createWorld({
    clientId,
    nodeName: options.nodeName ?? 'sandbox-node',
    partners: options.partners ?? 2,
    now: options.now ?? (() => new Date()),
  })
  const logins = createLogins(clientId, clientSecret, options.tokenLifetimeSeconds ?? 3600, world.now)
  const core = createCoreApi(world, {
    autoRegister: options.autoRegister ?? false,
    ignoreFilters: options.ignoreFilters ?? [],
  })
  const apis = new Map<string, (request: Incoming, path: string) => Reply>()

  const standIn = await startStandIn({
    port: options.port ?? 0,
    latencyMs: options.latencyMs ?? 0,
    exempt: / \/_sandbox\//,
    handle: (request) => {
      const { pathname } = request.url
      const [, prefix = '', path = ''] = /^\/([^/]+)(.*)$/.exec(pathname) ?? []
      const byOneUrl = prefix === 'token' ? 'auth' : 'core'
      const answer = apis.get(prefix)?.(request, path) ?? apis.get(byOneUrl)?.(request, pathname)
      return answer ?? hubError(404, 'entity_not_found', 'no such path')
    },
  })
  apis.set('auth', (request, path) =>
    request.method === 'POST' && path === '/token'
      ? logins.issue(parseBody(request.text))
      : hubError(404, 'entity_not_found', 'no such path'),
  )
  apis.set('core', (request, path) =>
    logins.accepts(request.headers.authorization)
      ? core(request, path)
      : hubError(401, 'identity_unauthorized', 'no valid token'),
  )
  apis.set('_sandbox', createControl(world, standIn))

  return {
    ...standIn,
    coreUrl: `${standIn.url}/core`,
    authUrl: `${standIn.url}/auth`,
    clientId,
    clientSecret,
    node: world.node,
    register: world.register,
    rows: world.rowsOf,
    setStatus: (analysisNodeId, status) => {
      const row = world.rowById(analysisNodeId)
      if (row) row.executionStatus = status
    },
    drop: world.drop,
    told: world.told,
    revokeTokens: logins.revoke,
  }
}

function createLogins(clientId: string, clientSecret: string, lifetimeSeconds: number, now: () => Date) {
  const expiries = new Map<string, number>()
  return {
    issue(body: Readonly<Record<string, unknown>> | undefined): Reply {
      if (body?.['grant_type'] !== 'client_credentials') {
        return hubError(400, 'bad_request', 'The grant type is not supported')
      }
      if (body['client_id'] !== clientId || body['client_secret'] !== clientSecret) {
        return hubError(401, 'identity_unauthorized', 'The credentials are invalid')
      }
      const token = randomBytes(32).toString('base64url')
      expiries.set(token, now().getTime() + lifetimeSeconds * 1000)
      return {
        status: 200,
        body: { access_token: token, expires_in: lifetimeSeconds, token_type: 'Bearer', scope: 'global' },
      }
    },
    accepts: (authorization: string | undefined): boolean =>
      (expiries.get(/^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '') ?? 0) > now().getTime(),
    revoke: () => expiries.clear(),
  }
}
