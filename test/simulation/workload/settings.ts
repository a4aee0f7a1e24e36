/** Settings of the simulated installation, with low limits so that seeds reach them. */
import type { PoSettings } from '../../../shared/po/settings.ts'
import type { Plan } from '../core/plan.ts'
import { INTERVAL_SECONDS } from '../core/stage.ts'

export const settingsOf = ({ hubLogging, restartMax, fanout }: Plan): PoSettings => ({
  run: {
    namespace: 'simulated',
    clusterDomain: 'cluster.local',
    resolver: '10.96.0.10',
    dnsPeers: [{ to: { namespace: 'kube-system', label: ['k8s-app', 'kube-dns'] }, port: 53 }],
    nginxImage: 'nginx:1',
    isolation: null,
    netStatsImage: null,
    podSecurity: 'baseline',
    cpuRequest: '',
    cpuLimit: '',
    memoryRequest: '',
    memoryLimit: '',
    diskLimit: '',
    pullPolicy: 'auto',
    priorityClass: '',
    node: 'node-a',
  },
  registry: { url: 'harbor.example', user: 'robot', password: 'unused' },
  hubLogging,
  intervalSeconds: INTERVAL_SECONDS,
  restartMax,
  budgets: { startupSeconds: 60, silenceSeconds: 60, pullSeconds: 300, partnerSeconds: 86_400 },
  canarySeconds: 3600,
  fanout,
  hubBacklogLines: 10,
  zombieGraceSeconds: 60,
  archive: { maxAgeDays: 0, maxMiB: 0 },
  logs: {
    lineBytes: 65_536,
    lines: { runLines: 20_000, runBytes: 2 ** 24, analysisLines: 100_000, analysisBytes: 2 ** 26 },
    containerBytes: 10 * 2 ** 20,
    containersBytes: 2 ** 26,
  },
})
