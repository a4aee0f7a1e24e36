/** Kubernetes, and what is reached through its Services: the analyses' own API and the message broker. */
import { createBroker } from '../adapters/broker/index.ts'
import { apiServerProxy, connect, createCluster } from '../adapters/kubernetes/index.ts'
import { createSidecar } from '../adapters/sidecar/index.ts'
import type { Ports } from '../po/ports.ts'
import type { Context, Wiring } from './index.ts'

const connection = ({ config, env }: Context) => connect({ namespace: config.NAMESPACE, env })

export const cluster: Wiring<Pick<Ports, 'cluster' | 'broker' | 'sidecar' | 'settings'>> = (context) => {
  const { config, ambient } = context
  const link = connection(context)
  const { namespace } = link
  const reach =
    config.SIDECAR_REACH === 'api'
      ? ({ reach: 'api', fetchService: apiServerProxy({ connection: link }) } as const)
      : ({ reach: 'service', namespace, domain: config.CLUSTER_DOMAIN } as const)
  const port = createCluster({ connection: link })
  const { settings } = ambient
  return {
    cluster: port,
    sidecar: createSidecar(reach),
    broker: createBroker({ ...reach, peer: async () => (await port.peers()).broker }),
    settings: { ...settings, run: { ...settings.run, namespace } },
  }
}
