/** Finds the Services that a run's proxy and policies refer to, by the labels of their Helm charts. */
import type { V1Service } from '@kubernetes/client-node/dist/gen/models/V1Service.js'
import type { Peer, PeerService } from '../../../po/ports/cluster.ts'

interface Search {
  readonly label: readonly [key: string, value: string]
  /** Preferred port of a Service with several. */
  readonly port: number
  readonly named?: RegExp
}

const SEARCHES: Readonly<Record<Peer, Search>> = {
  broker: { label: ['component', 'flame-message-broker'], port: 80 },
  storage: { label: ['component', 'flame-storage-service'], port: 8080 },
  adapter: { label: ['component', 'flame-hub-adapter'], port: 5000 },
  orchestrator: { label: ['component', 'flame-po'], port: 8000 },
  kong: { label: ['app.kubernetes.io/name', 'kong'], port: 80, named: /proxy/ },
}

const values = (key: string): string[] =>
  Object.values(SEARCHES).flatMap(({ label }) => (label[0] === key ? [label[1]] : []))

/** One list per label key, because a selector cannot combine two keys with *or*. */
export const PEER_SELECTORS = ['component', 'app.kubernetes.io/name'].map(
  (key) => `${key} in (${values(key).join(',')})`,
)

/** Prefers a Service with the preferred port, then the first by name. */
export function choosePeers(services: readonly V1Service[]): Partial<Record<Peer, PeerService>> {
  const sorted = services.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  const chosen: Partial<Record<Peer, PeerService>> = {}
  for (const [peer, search] of Object.entries(SEARCHES) as [Peer, Search][]) {
    const fitting = sorted.filter((service) => fits(service, search))
    const byPort = fitting.toSorted((a, b) => Number(hasPort(b, search)) - Number(hasPort(a, search)))
    const found = byPort.map((service) => peerService(service, search))
    const first = found.find((service) => service !== undefined)
    if (first) chosen[peer] = first
  }
  return chosen
}

const nameOf = (service: V1Service): string => service.metadata?.name ?? ''

const fits = (service: V1Service, { label, named }: Search): boolean =>
  service.metadata?.labels?.[label[0]] === label[1] && (named?.test(nameOf(service)) ?? true)

const hasPort = ({ spec }: V1Service, { port }: Search): boolean =>
  spec?.ports?.some((one) => one.port === port) ?? false

/** Undefined for a Service without a selector: in a policy, `{}` would select all pods. */
function peerService(service: V1Service, { port }: Search): PeerService | undefined {
  const ports = service.spec?.ports ?? []
  const chosen = ports.find((one) => one.port === port) ?? ports[0]
  const selector = service.spec?.selector ?? {}
  if (!chosen || Object.keys(selector).length === 0) return undefined
  return { name: nameOf(service), port: chosen.port, targetPort: chosen.targetPort ?? chosen.port, selector }
}
