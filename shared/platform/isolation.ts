/**
 * The proof of isolation of a pod: the container that runs before its image and tries what must fail and what must work
 * (`shared/pod/prove-isolation.ts`), its input, and its report. Pure.
 */
import { CONFINED, nonRoot, type V1 } from './objects.ts'

export interface IsolationTarget {
  /** For people, such as `API server`. */
  readonly name: string
  readonly host: string
  readonly port: number
}

/** The input, a JSON file. */
export interface IsolationCheck {
  readonly mustFail: readonly IsolationTarget[]
  readonly mustWork: readonly IsolationTarget[]
  /** How long what must work may take to do so, in ms. */
  readonly waitMs: number
  /** How long what must fail may still work after the pod has started, in ms: policies take effect with a delay. */
  readonly settleMs: number
}

/** The report, in JSON: the termination message of the container, of which Kubernetes keeps 4,096 bytes. */
export interface IsolationReport {
  readonly proven: boolean
  /** How long the attempts took, in ms. */
  readonly ms: number
  /** How long they waited for what must work, in ms. */
  readonly waitedMs: number
  /** Names of what could not be reached, as it must be. */
  readonly closed: readonly string[]
  /** Names of what could be reached and must not be. */
  readonly open: readonly string[]
  /** Names of what could be reached, as it must be. */
  readonly works: readonly string[]
  /** Names of what could not be reached and must be. */
  readonly fails: readonly string[]
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string')

/** Undefined for a text that is no report. */
export function parseReport(text: string): IsolationReport | undefined {
  try {
    const { proven, ms, waitedMs, closed, open, works, fails } = JSON.parse(text) as Record<string, unknown>
    if (typeof proven !== 'boolean' || typeof ms !== 'number' || typeof waitedMs !== 'number') return undefined
    if (!isNames(closed) || !isNames(open) || !isNames(works) || !isNames(fails)) return undefined
    return { proven, ms, waitedMs, closed, open, works, fails }
  } catch {
    return undefined
  }
}

export const PROOF_CONTAINER = 'prove-isolation'
/** Key of the input in a ConfigMap. */
export const CHECK_KEY = 'isolation.json'
const VOLUME = 'isolation'
const DIRECTORY = '/etc/isolation'
const REPORT = '/dev/termination-log'
const USER = 65_532

/** @param image that of the functions, which has the program */
export const proofContainer = (image: string): V1<'Container'> => ({
  name: PROOF_CONTAINER,
  image,
  imagePullPolicy: 'IfNotPresent',
  env: [
    { name: 'FUNCTION_TARGET', value: PROOF_CONTAINER },
    { name: 'ISOLATION_CHECK', value: `${DIRECTORY}/${CHECK_KEY}` },
    { name: 'ISOLATION_REPORT', value: REPORT },
    { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
  ],
  resources: {
    requests: { cpu: '10m', memory: '32Mi', 'ephemeral-storage': '1Mi' },
    limits: { memory: '128Mi', 'ephemeral-storage': '16Mi' },
  },
  securityContext: { ...CONFINED, ...nonRoot(USER), readOnlyRootFilesystem: true },
  terminationMessagePath: REPORT,
  volumeMounts: [{ name: VOLUME, mountPath: DIRECTORY, readOnly: true }],
})

/** Only the input, out of a ConfigMap that may have other keys. */
export const checkVolume = (configMap: string): V1<'Volume'> => ({
  name: VOLUME,
  configMap: { name: configMap, items: [{ key: CHECK_KEY, path: CHECK_KEY }] },
})

/** Ports other than 53 on which name servers listen: metrics, health, readiness, DNS over TLS and HTTPS, their control. */
const NAME_SERVER_PORTS = [9153, 8080, 8181, 853, 443, 953] as const

export const nameServerTargets = (resolver: string): IsolationTarget[] =>
  NAME_SERVER_PORTS.map((port) => ({ name: `name server, port ${port}`, host: resolver, port }))

/** Where clouds serve metadata and credentials of the node. */
export const METADATA_TARGET: IsolationTarget = { name: 'metadata of the node', host: '169.254.169.254', port: 80 }

/** How long a proxy may take until it serves, which includes the pull of its image. */
const WAIT_MS = 120_000
/** Network plugins apply policies within a few seconds. */
const SETTLE_MS = 10_000

/** The input as text, for a ConfigMap. */
export const checkText = (targets: Pick<IsolationCheck, 'mustFail' | 'mustWork'>): string =>
  JSON.stringify({ ...targets, waitMs: WAIT_MS, settleMs: SETTLE_MS } satisfies IsolationCheck)
