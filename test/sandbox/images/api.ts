/** The API of an analysis, which orchestrator and broker call through its proxy. */
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'

export type Status = 'starting' | 'executing' | 'executed' | 'stopped' | 'failed' | 'stuck'
export type Environment = Readonly<Record<string, string | undefined>>

/** A partner's end counts only this long after the start, as partners may still show an earlier run. */
const PARTNER_GRACE_MS = 100_000

/** Seconds until a token expires; 0 for one that cannot be read. */
function secondsLeft(token: string): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const { exp = 0 } = claims as { exp?: number }
    return Math.max(0, Math.floor(exp - Date.now() / 1000))
  } catch {
    return 0
  }
}

/** What the two sides of an analysis, its work and its API, both know. */
export interface Running {
  status: Status
  progress: number
  token: string
  readonly startedAt: number
}

/** What a partner's end means for us; null ends us, too, because the SDK cannot read it. */
function afterPartners(statuses: unknown, running: Running): Status {
  if (statuses === null || typeof statuses !== 'object') return 'failed'
  const isEarly = Date.now() - running.startedAt < PARTNER_GRACE_MS
  if (isEarly || running.status !== 'executing') return running.status
  const ends = Object.values(statuses)
  return (['stopped', 'failed'] as const).find((end) => ends.includes(end)) ?? running.status
}

async function answer(request: IncomingMessage, running: Running): Promise<unknown> {
  const body = request.method === 'POST' ? ((await json(request)) as Record<string, unknown>) : {}
  switch (`${request.method} ${request.url}`) {
    case 'GET /healthz':
      return { status: running.status, token_remaining_time: secondsLeft(running.token) }
    case 'POST /token_refresh':
      if (typeof body['token'] !== 'string' || body['token'] === '') running.status = 'failed'
      else running.token = body['token']
      return { message: 'token replaced' }
    case 'POST /partner_status':
      running.status = afterPartners(body['partner_status'], running)
      return { status: running.status }
    case 'POST /webhook':
      return { status: 'received' }
    default:
      return undefined
  }
}

export async function listen(env: Environment, handler: http.RequestListener): Promise<void> {
  const server = http.createServer(handler).listen(Number(env['PORT'] ?? 8000), env['HOST'])
  await once(server, 'listening')
}

/** The first process of a container ignores signals that it does not handle. */
export function endOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
}

export const serve = (env: Environment, running: Running): Promise<void> =>
  listen(env, (request, response) => {
    answer(request, running).then(
      (body) =>
        response
          .writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
          .end(JSON.stringify(body ?? { detail: 'Not Found' })),
      () => response.writeHead(422).end(),
    )
  })
