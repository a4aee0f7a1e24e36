/** Settings of the use cases from the configuration. */
import { readFileSync } from 'node:fs'
import type { IsolationSettings, LogBounds, PoSettings, RunSettings } from '../po/settings.ts'
import { type Config, ConfigFault } from '../settings/config.ts'

/** First name server of this process, which in a pod is the cluster's; empty if there is none. */
function ownResolver(): string {
  try {
    return /^nameserver\s+(\S+)/m.exec(readFileSync('/etc/resolv.conf', 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}

function isolationSettings({ ISOLATION_PROOF, TOOLS_IMAGE, ISOLATION_OUTSIDE }: Config): IsolationSettings | null {
  if (ISOLATION_PROOF === 'off' || (ISOLATION_PROOF === 'auto' && TOOLS_IMAGE === '')) return null
  if (TOOLS_IMAGE === '') throw new ConfigFault(['TOOLS_IMAGE: expected an image, because ISOLATION_PROOF is required'])
  return { image: TOOLS_IMAGE, outside: ISOLATION_OUTSIDE }
}

const runSettings = (config: Config): RunSettings => ({
  // Replaced in `wire/cluster.ts` by the namespace of the connection.
  namespace: config.NAMESPACE,
  clusterDomain: config.CLUSTER_DOMAIN,
  resolver: config.CLUSTER_RESOLVER || ownResolver(),
  dnsPeers: config.DNS_PEERS,
  nginxImage: config.NGINX_IMAGE,
  isolation: isolationSettings(config),
  netStatsImage: config.NET_STATS_ENABLED ? config.NET_STATS_IMAGE : null,
  podSecurity: config.POD_SECURITY,
  cpuRequest: config.ANALYSIS_CPU_REQUEST,
  cpuLimit: config.ANALYSIS_CPU_LIMIT,
  memoryRequest: config.ANALYSIS_MEMORY_REQUEST,
  memoryLimit: config.ANALYSIS_MEMORY_LIMIT,
  diskLimit: config.ANALYSIS_DISK_LIMIT,
  pullPolicy: config.ANALYSIS_PULL_POLICY,
  priorityClass: config.RUN_PRIORITY_CLASS,
  node: config.NODE_NAME,
})

const MIB = 1024 * 1024

const logBounds = (config: Config): LogBounds => ({
  lineBytes: config.LINE_LIMIT_KIB * 1024,
  lines: {
    runLines: config.RUN_LINES_LIMIT,
    runBytes: config.RUN_LINES_LIMIT_MIB * MIB,
    analysisLines: config.ANALYSIS_LINES_LIMIT,
    analysisBytes: config.ANALYSIS_LINES_LIMIT_MIB * MIB,
  },
  containerBytes: config.LOG_LIMIT_MIB * MIB,
  containersBytes: config.ANALYSIS_LOGS_LIMIT_MIB * MIB,
})

export const poSettings = (config: Config): PoSettings => ({
  run: runSettings(config),
  registry: { url: config.HARBOR_URL, user: config.HARBOR_USER, password: config.HARBOR_PW },
  hubLogging: config.HUB_LOGGING,
  intervalSeconds: config.STATUS_LOOP_INTERVAL,
  restartMax: config.RESTART_MAX,
  budgets: {
    startupSeconds: config.STARTUP_BUDGET,
    silenceSeconds: config.SILENCE_BUDGET,
    pullSeconds: config.PULL_BUDGET,
    partnerSeconds: config.PARTNER_BUDGET,
  },
  canarySeconds: config.CANARY_INTERVAL,
  fanout: config.FANOUT === 'events',
  hubBacklogLines: config.HUB_BACKLOG_LINES,
  zombieGraceSeconds: config.ZOMBIE_GRACE,
  archive: { maxAgeDays: config.ARCHIVE_MAX_AGE_DAYS, maxMiB: config.ARCHIVE_MAX_MIB },
  logs: logBounds(config),
})
