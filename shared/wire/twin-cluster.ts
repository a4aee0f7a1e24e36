import { connect } from '../adapters/kubernetes/connection.ts'
import { createCluster } from '../adapters/kubernetes/twins/index.ts'
import type { Ports } from '../dt/ports.ts'
import { dtSettings, type TwinWiring } from './twins.ts'

/** The connection knows the namespace better than the configuration does. */
export const twinCluster: TwinWiring<Pick<Ports, 'cluster' | 'settings'>> = ({ config, env }) => {
  const connection = connect({ namespace: config.NAMESPACE, env })
  return { cluster: createCluster({ connection }), settings: dtSettings(config, connection.namespace) }
}
