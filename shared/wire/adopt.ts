/** Ports of the adoption: those of a removal, and the state of the Python service. */
import { createTakeover } from '../adapters/kubernetes/po/takeover.ts'
import { connect, createPoStore } from '../adapters/postgres/po/index.ts'
import { createPoIntake } from '../adapters/postgres/po/intake.ts'
import { createPredecessor } from '../adapters/postgres/po/predecessor.ts'
import type { Log } from '../platform/ports.ts'
import type { AdoptPorts } from '../po/ports/adopt.ts'
import { type Environment, loadConfig } from '../settings/config.ts'
import { connection, overConnection } from './cluster.ts'
import { createAmbient } from './context.ts'
import { identity } from './identity.ts'
import { poSettings } from './settings.ts'
import { sign } from './sign.ts'

export const GROUPS = ['database', 'auth', 'identity', 'registry', 'runs', 'signing', 'logs'] as const

/** A log is one text of any length, and the server sends nothing while it reads it. */
const PATIENT = { applicationName: 'flame-po-adopt', answerMs: 60_000 } as const

/** Only in a pod is the resolver of this process the cluster's. */
function resolverIsOurs(env: Environment): boolean {
  return env['KUBERNETES_SERVICE_HOST'] !== undefined && !env['KUBECONFIG']
}

export interface WiredAdopt {
  readonly ports: AdoptPorts
  close(): Promise<void>
}

/**
 * @param former database of the Python service, if it is not ours: on the same server, with the same role
 * @throws ConfigFault
 */
export function wireAdopt(env: Environment, log: Log, former?: string): WiredAdopt {
  const config = loadConfig(GROUPS, env)
  const settings = poSettings(config)
  const resolver = config.CLUSTER_RESOLVER || (resolverIsOurs(env) ? settings.run.resolver : '')
  const ambient = createAmbient(log, { ...settings, run: { ...settings.run, resolver } })
  const context = { config, env, ambient }
  const database = connect(config, PATIENT)
  const theirs = former ? connect({ ...config, POSTGRES_DB: former }, PATIENT) : database
  const link = connection(context)
  const ports: AdoptPorts = {
    ...ambient,
    ...overConnection(link, context),
    ...identity(context),
    ...sign(context),
    store: createPoStore(database),
    intake: createPoIntake(database),
    predecessor: createPredecessor(theirs),
    takeover: createTakeover(link),
  }
  return {
    ports,
    async close() {
      await Promise.all([database.end(), ...(theirs === database ? [] : [theirs.end()]), link.close()])
    },
  }
}
