/** Kubernetes, and what is reached through its Services: the analysis API and the message broker. */

import { createAnalysisApi } from '../adapters/analysis-api/index.ts'
import { createBroker } from '../adapters/broker/index.ts'
import { type ApiConnection, apiServerProxy, connectApi, createPoCluster } from '../adapters/kubernetes/po/index.ts'
import { byDnsName } from '../adapters/reach.ts'
import type { PoPorts } from '../po/ports.ts'
import type { PoSettings } from '../po/settings.ts'
import type { Context, Wiring } from './context.ts'

type ClusterPorts = Pick<PoPorts, 'cluster' | 'broker' | 'analysisApi' | 'settings'>

/** The ports over a connection that the caller may share. */
export function overConnection(
  link: ApiConnection,
  { config, ambient: { settings } }: Context<PoSettings>,
): ClusterPorts {
  const { namespace } = link
  const reach = config.SIDECAR_REACH === 'api' ? apiServerProxy(link) : byDnsName(namespace, config.CLUSTER_DOMAIN)
  const port = createPoCluster({ connection: link })
  return {
    cluster: port,
    analysisApi: createAnalysisApi(reach),
    broker: createBroker({ ...reach, peer: async () => (await port.peers()).broker }),
    settings: { ...settings, run: { ...settings.run, namespace } },
  }
}

export const connection = ({ config, env }: Context): ApiConnection => connectApi({ namespace: config.NAMESPACE, env })

export const cluster: Wiring<ClusterPorts, PoSettings> = (context) => overConnection(connection(context), context)
