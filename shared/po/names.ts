/**
 * Names and labels of the Kubernetes objects of a run, and the parsers of these names.
 * Other FLAME components find analyses by these names: they are a contract.
 */
import { type AnalysisId, parseAnalysisId, type RunNumber } from './model.ts'

export const COMPONENT = {
  analysis: 'flame-analysis',
  proxy: 'flame-analysis-nginx',
  configMap: 'flame-nginx-analysis-config-map',
  policy: 'flame-nginx-to-analysis-policy',
  proxyPolicy: 'flame-analysis-nginx-policy',
  root: 'flame-analysis-root',
  credentials: 'flame-analysis-credentials',
  standingPolicy: 'flame-analysis-standing-policy',
} as const

/** Label keys beside `app` and `component`. */
export const LABEL = {
  analysis: 'flame-po/analysis-id',
  run: 'flame-po/run',
  project: 'flame-po/project-id',
  node: 'flame-po/node',
  /** On the Deployment of an adopted analysis. Its selector differs, so the API server refuses to apply ours to it. */
  adopted: 'flame-po/adopted',
  /** On the pod of an adopted analysis: restarts of its container before the takeover. */
  restartsBefore: 'flame-po/restarts-before',
} as const

export const FIELD_MANAGER = 'flame-po'
export const STANDING_POLICY_NAME = 'flame-analysis-default-deny'
/** Objects of the probe of the loop, which proves isolation without an analysis. */
export const PROBE_NAME = 'flame-isolation-probe'
/** Allows the traffic of the Python service's proxies until they are replaced. */
export const FORMER_PROXIES_POLICY_NAME = 'flame-analysis-former-proxies'

/** `analysis-{id}-{n}`: Deployment, Service and container of a run. */
export const runName = (id: AnalysisId, run: RunNumber): string => `analysis-${id}-${run}`
export const proxyName = (id: AnalysisId, run: RunNumber): string => `nginx-${runName(id, run)}`
export const proxyConfigName = (id: AnalysisId, run: RunNumber): string => `${proxyName(id, run)}-config`
export const policyName = (id: AnalysisId, run: RunNumber): string => `nginx-to-${runName(id, run)}-policy`
export const proxyPolicyName = (id: AnalysisId, run: RunNumber): string => `${proxyName(id, run)}-policy`
export const netStatsName = (id: AnalysisId, run: RunNumber): string => `net-stats-${runName(id, run)}`

export const rootName = (id: AnalysisId, firstRun: RunNumber): string => `${runName(id, firstRun)}-root`
/** Credentials Secret of an incarnation. In version 0.1 it was the root. */
export const credentialsName = (id: AnalysisId, firstRun: RunNumber): string => `${runName(id, firstRun)}-credentials`
/** Secret with the registry login, which only version 0.1 created. */
export const formerPullSecretName = (id: AnalysisId, firstRun: RunNumber): string => `${runName(id, firstRun)}-pull`

export interface AnalysisRunRef {
  readonly id: AnalysisId
  readonly run: RunNumber
}

const RUN = '(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(?<run>[1-9][0-9]{0,8})'
const OBJECT = new RegExp(`^(?:nginx-to-|nginx-|net-stats-)?analysis-${RUN}(?:-[a-z0-9-]+)?$`)
const EXACT = new RegExp(`^analysis-${RUN}$`)

function match(pattern: RegExp, name: string): AnalysisRunRef | undefined {
  const groups = pattern.exec(name)?.groups
  const id = groups && parseAnalysisId(groups['id'] ?? '')
  return id ? { id, run: Number(groups['run']) as RunNumber } : undefined
}

/** Matches names of objects of runs. Without named groups, whose syntax RE2 does not accept. */
export const OBJECT_PATTERN = OBJECT.source.replaceAll(/\?<\w+>/g, '')

/** The run that an object, pod or container belongs to; undefined for other names. */
export const parseObjectName = (name: string): AnalysisRunRef | undefined => match(OBJECT, name)

export const parseRunName = (name: string): AnalysisRunRef | undefined => match(EXACT, name)

/** Labels that select exactly the pods of a run. */
export const analysisSelector = (id: AnalysisId, run: RunNumber) =>
  ({ app: runName(id, run), component: COMPONENT.analysis }) as const
export const proxySelector = (id: AnalysisId, run: RunNumber) =>
  ({ app: proxyName(id, run), component: COMPONENT.proxy }) as const
