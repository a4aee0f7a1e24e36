import { connect } from '../adapters/kubernetes/connection.ts'
import { createCluster } from '../adapters/kubernetes/dt/index.ts'
import type { DtPorts } from '../dt/ports.ts'
import type { Wiring } from './context.ts'
import { dtSettings } from './dt.ts'

/** The connection knows the namespace better than the configuration does. */
export const dtCluster: Wiring<Pick<DtPorts, 'cluster' | 'settings'>> = ({ config, env }) => {
  const connection = connect({ namespace: config.NAMESPACE, env })
  return { cluster: createCluster({ connection }), settings: dtSettings(config, connection.namespace) }
}
