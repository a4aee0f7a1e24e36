/**
 * Ports of functions of the digital-twin orchestrator.
 *
 *     wireDt(routes.dt.serviceList, dtStore)   // () => ports with `store`, clock, log and settings
 */
import type { DtSettings } from '../dt/settings.ts'
import type { Config } from '../settings/config.ts'
import { wireWith } from './context.ts'

/** URL at which runs reach `run-input` and `run-output`. */
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

export const wireDt = wireWith((config) => dtSettings(config))
