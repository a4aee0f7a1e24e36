import { connectApi } from '../adapters/kubernetes/connection.ts'
import { createDtCluster } from '../adapters/kubernetes/dt/index.ts'
import type { DtPorts } from '../dt/ports.ts'
import type { Wiring } from './context.ts'
import { dtSettings } from './dt.ts'

/** The namespace is that of the connection, since the setting may be empty. */
export const dtCluster: Wiring<Pick<DtPorts, 'cluster' | 'settings'>> = ({ config, env }) => {
  const connection = connectApi({ namespace: config.NAMESPACE, env })
  return { cluster: createDtCluster({ connection }), settings: dtSettings(config, connection.namespace) }
}
