/**
 * The locations of a run's egress proxy. nginx.conf is rendered from this table, and the sandbox's proxy serves it directly;
 * both pass `test/conformance/proxy.ts`.
 *
 * A location covers its paths and everything below them, at segment boundaries. A path that no location covers is 403.
 * NetworkPolicies restrict who may connect to the proxy.
 */
import { type Analysis, isUuid } from '../model.ts'
import { runName } from '../names.ts'
import type { Peer } from '../ports/cluster.ts'

export type UpstreamName = Peer | 'analysis'

export interface Upstream {
  /** Fully qualified: the proxy's resolver knows no search domains. */
  readonly host: string
  readonly port: number
}

/** An absent upstream makes its locations answer 503. */
export type Upstreams = Readonly<Partial<Record<UpstreamName, Upstream>>>

export interface Location {
  readonly paths: readonly string[]
  readonly upstream: UpstreamName
  /** Prefix that is removed from the path. */
  readonly strip: string
  readonly timeouts: { readonly connectSeconds: number; readonly transferSeconds: number }
  /** Requests arrive with {@link RUN_HEADER} set to this; elsewhere that header is removed. */
  readonly run?: string
}

/** Names the run that a request came from; set by its proxy, which replaces what the client sent. */
export const RUN_HEADER = 'X-Flame-Run'

/** Answered by the proxy itself. */
export const HEALTH_PATH = '/healthz'

/** Data sources may take long until the first byte of an answer. */
const PATIENT = { connectSeconds: 10, transferSeconds: 600 } as const
const BRISK = { connectSeconds: 10, transferSeconds: 120 } as const

export type LocationInput = Pick<Analysis, 'id' | 'run' | 'projectId'>

export function proxyLocations({ id, run, projectId }: LocationInput): readonly Location[] {
  if (!isUuid(projectId)) throw new TypeError('the project id is no UUID')
  const broker = '/message-broker'
  const adapter = '/hub-adapter'
  return [
    { paths: ['/kong'], upstream: 'kong', strip: '/kong', timeouts: PATIENT },
    {
      paths: ['/storage/final', '/storage/local', '/storage/intermediate'],
      upstream: 'storage',
      strip: '/storage',
      timeouts: PATIENT,
    },
    { paths: [`${adapter}/kong/datastore/${projectId}`], upstream: 'adapter', strip: adapter, timeouts: BRISK },
    {
      paths: [
        `${broker}/analyses/${id}/participants`,
        `${broker}/analyses/${id}/messages`, // and `/messages/subscriptions/…` below it
        `${broker}/healthz`,
      ],
      upstream: 'broker',
      strip: broker,
      timeouts: BRISK,
    },
    { paths: ['/po/stream_logs'], upstream: 'orchestrator', strip: '', timeouts: BRISK, run: runName(id, run) },
    // Ingress: webhooks of the broker, polls of the orchestrator, `/analysis/nextflow`.
    { paths: ['/analysis'], upstream: 'analysis', strip: '/analysis', timeouts: BRISK },
  ]
}

/** @param path decoded, without dot segments and double slashes */
export const covers = (location: Location, path: string): boolean =>
  location.paths.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))

export const upstreamPath = (location: Location, path: string): string => path.slice(location.strip.length) || '/'

export const absence = (upstream: UpstreamName): string =>
  JSON.stringify({ detail: `${upstream} is not available to this analysis` })
