/** Services to build objects from, and all of the objects that each has. The resource that owns them has the uid `resource-uid`. */
import type { ServiceId, ServiceSpec } from '../../../../shared/dt/model.ts'
import {
  cronJob,
  fanInJob,
  knativeService,
  onDemandJob,
  type ServiceInput,
  serverDeployment,
  serverService,
  tokensSecret,
} from '../../../../shared/dt/objects/index.ts'
import type { RunGrant } from '../../../../shared/dt/ports.ts'
import type { ServiceSettings } from '../../../../shared/dt/settings.ts'
import type { KubernetesObject } from '../../../../shared/platform/ports.ts'

export const ID = '65f0c0ffee0123456789abcd' as ServiceId
/** Not a token, but what one would be for. */
export const tokenOf = ({ step, firing, index, retries }: RunGrant): string =>
  `a-token-of-${step}-${firing ?? 'any'}-${index}-${retries}`

export const SETTINGS: ServiceSettings = {
  namespace: 'twins',
  clusterDomain: 'cluster.local',
  toolsImage: 'registry.example/knative-pod-orchestration:1',
  runsUrl: 'http://dt-runs.twins.svc.cluster.local',
  podSecurity: 'baseline',
  cpuRequest: '100m',
  cpuLimit: '',
  memoryRequest: '256Mi',
  memoryLimit: '8Gi',
  outputLimit: '2Gi',
  outputFiles: 5000,
  graceSeconds: 3600,
  parallelism: 5,
  retries: 2,
  ttlSeconds: 86_400,
  jobBacklog: 1000,
  dnsPeers: [{ to: { namespace: 'kube-system', label: ['k8s-app', 'kube-dns'] }, port: 53 }],
  pullPolicy: 'auto',
  diskLimit: '10Gi',
  priorityClass: '',
  runMaxSeconds: 0,
  historyLimit: 10,
  egress: [],
  mongo: false,
}

/** Variables as users write them: no shell reads them, and they win over ours of the same name. */
export const USER_ENV = { SIM_HOURS: '500', QUOTED: `$(id) "; rm -rf / #'`, PORT: '9123', RUN_ID: 'mine' }

export const SPEC: ServiceSpec = {
  image: 'registry.example/laboratory:2.1',
  description: 'a laboratory of four benches',
  displayName: null,
  jobType: 'ondemand',
  port: null,
  reps: 3,
  schedule: null,
  env: USER_ENV,
  mountFiles: {},
  parallelism: null,
  retries: null,
  fanIn: null,
  concurrencyPolicy: null,
  historyLimit: null,
  retentionDays: null,
}

interface Fields {
  readonly spec?: Partial<ServiceSpec>
  readonly settings?: Partial<ServiceSettings>
  readonly hasInputs?: boolean
  readonly firing?: number
}

const MOUNTS = { mountFiles: { '65f0c0ffee0123456789ab01': 'data/input.xlsx' } }

export const inputOf = ({ spec, settings, hasInputs = false, firing = 0 }: Fields): ServiceInput => ({
  id: ID,
  uid: 'resource-uid',
  spec: { ...SPEC, ...spec },
  firing,
  hasInputs,
  settings: { ...SETTINGS, ...settings },
})

export interface Case {
  readonly input: ServiceInput
  /** In the order in which they are applied. */
  readonly objects: readonly KubernetesObject[]
}

type Build = (input: ServiceInput) => KubernetesObject

const made = (fields: Fields, ...builds: readonly Build[]): Case => {
  const input = inputOf(fields)
  return { input, objects: [tokensSecret(input, tokenOf), ...builds.map((build) => build(input))] }
}

const now: Build = (input) => onDemandJob(input, { suspend: false })
const queued: Build = (input) => onDemandJob(input, { suspend: true })
const recurring: Build = (input) => cronJob(input, { suspend: false })
const FAN_IN = { fanIn: { image: 'registry.example/summary:1', env: { TITLE: 'all benches' } } }
const SCHEDULED = { jobType: 'scheduled', schedule: '*/15 6-18 * * 1-5' } as const
const PERSISTENT = { jobType: 'persistent', reps: null } as const
const MINUTE = 29_600_000

export const CASES = {
  'on-demand': made({}, now),
  'on-demand-relaunched': made({ firing: 3 }, now),
  'on-demand-with-inputs': made({ spec: MOUNTS, hasInputs: true }, now),
  'on-demand-shaped': made({ spec: { reps: 40, parallelism: 8, retries: 0 } }, now),
  'on-demand-queued': made({}, queued),
  'on-demand-restricted': made(
    { spec: MOUNTS, hasInputs: true, settings: { podSecurity: 'restricted', cpuLimit: '4' } },
    now,
  ),
  'on-demand-mongo': made({ spec: { env: { MONGO_USER: 'reader', SIM_HOURS: '1' } }, settings: { mongo: true } }, now),
  'on-demand-fan-in': made({ spec: FAN_IN }, now, (input) => fanInJob(input, 0, { suspend: false })),
  scheduled: made({ spec: SCHEDULED }, recurring),
  'scheduled-shaped': made(
    {
      spec: { ...SCHEDULED, ...MOUNTS, ...FAN_IN, concurrencyPolicy: 'Replace', historyLimit: 4 },
      hasInputs: true,
    },
    (input) => cronJob(input, { suspend: true }),
    (input) => fanInJob(input, MINUTE, { suspend: true }),
  ),
  persistent: made({ spec: PERSISTENT }, knativeService),
  'persistent-restricted': made(
    { spec: { ...PERSISTENT, port: 5000 }, settings: { podSecurity: 'restricted', mongo: true } },
    knativeService,
  ),
  'persistent-with-inputs': made(
    { spec: { ...PERSISTENT, ...MOUNTS }, hasInputs: true },
    serverService,
    serverDeployment,
  ),
  'persistent-with-inputs-restricted': made(
    { spec: { ...PERSISTENT, ...MOUNTS, port: 5000 }, hasInputs: true, settings: { podSecurity: 'restricted' } },
    serverService,
    serverDeployment,
  ),
} satisfies Record<string, Case>
