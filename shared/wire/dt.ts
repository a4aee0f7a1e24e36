/**
 * Ports of digital-twin functions. As in `index.ts`, everything is made at the first request; each port has a file of its
 * own, so that a function loads only the vendors it uses.
 *
 *     wireDt(routes.dt.serviceList, dtStore)   // () => ports with `store`, clock, log and settings
 */

import type { Ports } from '../dt/ports.ts'
import type { DtSettings } from '../dt/settings.ts'
import type { Route } from '../routes/index.ts'
import { type Config, type Environment, groupsOf, loadConfig } from '../settings/config.ts'
import { atStart, type Check } from './checks.ts'
import { createLog } from './index.ts'

type Ambient = Pick<Ports, 'log' | 'now' | 'random' | 'settings'>

export interface DtContext {
  readonly config: Config
  readonly env: Environment
  readonly ambient: Ambient
}

export interface DtWiring<P> {
  (context: DtContext): P
  readonly check?: Check
}

type Together<W extends readonly unknown[]> = W extends readonly [DtWiring<infer P>, ...infer Rest]
  ? P & Together<Rest>
  : unknown

/** Where runs find the listener of `run-input` and `run-output`. */
const runsUrl = (config: Config, namespace: string): string =>
  config.DT_RUNS_URL || `http://dt-runs.${namespace}.svc.${config.CLUSTER_DOMAIN}`

export const dtSettings = (config: Config, namespace: string = config.NAMESPACE): DtSettings => ({
  service: {
    namespace,
    clusterDomain: config.CLUSTER_DOMAIN,
    toolsImage: config.DT_TOOLS_IMAGE,
    runsUrl: runsUrl(config, namespace),
    podSecurity: config.POD_SECURITY,
    priorityClass: config.RUN_PRIORITY_CLASS,
    cpuRequest: config.DT_CPU_REQUEST,
    cpuLimit: config.DT_CPU_LIMIT,
    memoryRequest: config.DT_MEMORY_REQUEST,
    memoryLimit: config.DT_MEMORY_LIMIT,
    outputLimit: config.DT_OUTPUT_LIMIT,
    outputFiles: config.DT_OUTPUT_FILES,
    graceSeconds: config.DT_OUTPUT_GRACE,
    parallelism: config.MAX_PARALLEL_JOB_RUNS,
    retries: config.DT_RETRIES,
    ttlSeconds: config.DT_JOB_TTL,
    jobBacklog: config.DT_JOB_BACKLOG,
    historyLimit: config.DT_HISTORY_LIMIT,
    egress: config.DT_EGRESS,
    dnsPeers: config.DNS_PEERS,
    pullPolicy: config.DT_PULL_POLICY,
    diskLimit: config.DT_DISK_LIMIT,
    runMaxSeconds: config.DT_RUN_MAX_SECONDS,
    mongo: config.DT_COMPAT_MONGO,
  },
  intervalSeconds: config.STATUS_LOOP_INTERVAL,
  startBudgetSeconds: config.DT_START_BUDGET,
  maxRuns: config.DT_MAX_RUNS,
  retentionDays: config.DT_RETENTION_DAYS,
  outputsAfterTerminate: config.DT_OUTPUTS_AFTER_TERMINATE,
})

export function wireDt<const W extends readonly DtWiring<object>[]>(
  route: Route,
  ...wirings: W
): () => Ambient & Together<W> {
  for (const { check } of wirings) if (check) atStart(check)
  return () => {
    const env = process.env
    const config = loadConfig(groupsOf(route, env), env)
    const ambient: Ambient = {
      log: createLog(route.name, config),
      now: () => new Date(),
      random: Math.random,
      settings: dtSettings(config),
    }
    const context = { config, env, ambient }
    return Object.assign({}, ambient, ...wirings.map((wiring) => wiring(context))) as Ambient & Together<W>
  }
}
