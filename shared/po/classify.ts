/**
 * Reduces the facts about the pods and the answer of a run to an observation with a cause, and, if something is wrong, with the
 * fault behind it. The first rule of `RULES` that applies wins.
 *
 * Pure: no I/O, no clock. May import the model and port types.
 */
import { describeExit, UNSTARTABLE } from '../platform/container-reasons.ts'
import { parseReport } from '../platform/isolation.ts'
import type { PartnerStatuses, RunFault, State } from './model.ts'
import type { SdkStatus } from './ports/analysis-api.ts'
import type { PoContainerFacts, PoPodFacts } from './ports/cluster.ts'
import { FAULT_OF_REASON, memoryAdvice } from './run-faults.ts'
import type { Budgets } from './settings.ts'

export const OBSERVATIONS = [
  'pending', // not running yet, or silent within its budget
  'silent', // without an answer for longer than its budget
  'unstartable', // Kubernetes cannot start it, and says why
  'executing',
  'stuck', // it says so
  'failed', // it says so, or its container terminated
  'stopped', // a partner stopped it
  'executed',
  'gone', // its Deployment or its pod was deleted by others
] as const
export type ObservationKind = (typeof OBSERVATIONS)[number]

export interface Observation {
  readonly kind: ObservationKind
  readonly cause: string
  /** Of `silent`, `unstartable`, `stuck` and `failed`, and of `pending` while a fault is given time. */
  readonly fault?: RunFault
  /** Of a container that ended. */
  readonly exitCode?: number
}

export interface Facts {
  readonly recorded: State
  /** Pods of the current run's analysis that are not being deleted. */
  readonly pods: readonly PoPodFacts[]
  readonly proxyReady: boolean
  readonly deploymentExists: boolean
  /** Its Deployment was taken over from another orchestrator. If its pod is replaced, the run is lost. */
  readonly adopted: boolean
  /** Name of the main container: when it ends, the run ends. */
  readonly container: string
  /** What the analysis answered; undefined without an answer. */
  readonly answered: SdkStatus | undefined
  /** Seconds until its token expires, according to its answer; null if it did not say. */
  readonly tokenRemaining: number | null
  readonly partners: PartnerStatuses
  /** Seconds since this run got a new token because its own had expired; null if it did not. */
  readonly tokenRenewedSeconds: number | null
  /** Memory limit of its container, as a quantity; empty without one. */
  readonly memoryLimit: string
  readonly silentPolls: number
  /** Since the first of the polls that failed in a row. */
  readonly silentSeconds: number
  /** Since the run began. */
  readonly ageSeconds: number
}

/** Fewer failed polls in a row than this are never silence. */
const MIN_SILENT_POLLS = 3

const ANSWERS = {
  executing: { kind: 'executing', cause: 'the analysis reports that it is executing' },
  executed: { kind: 'executed', cause: 'the analysis reports that it has finished' },
  stopped: { kind: 'stopped', cause: 'the analysis was stopped because a partner node stopped' },
  failed: { kind: 'failed', cause: 'the analysis reports that it failed', fault: 'reported' },
  starting: { kind: 'pending', cause: 'the analysis is starting' },
  unknown: { kind: 'failed', cause: 'the analysis reports a status that does not exist', fault: 'reported' },
} as const satisfies Record<Exclude<SdkStatus, 'stuck'>, Observation>

type Termination = NonNullable<PoContainerFacts['terminated']>

/** How a container ended, for people. */
export function describeTermination(end: Termination): string {
  const exit = describeExit(end)
  return end.exitCode === 0 && end.reason !== 'OOMKilled' ? `${exit} without reporting that it had finished` : exit
}

const withDetail = (cause: string, detail: string | null | undefined): string =>
  detail ? `${cause}: ${detail.slice(0, 300)}` : cause

interface Evidence extends Facts {
  readonly pod: PoPodFacts | undefined
  readonly main: PoContainerFacts | undefined
  readonly budgets: Budgets
}

/** An observation if the rule applies. */
type Rule = (evidence: Evidence) => Observation | undefined

const evicted: Rule = ({ pod }) =>
  pod?.phase === 'Failed'
    ? {
        kind: 'failed',
        cause: withDetail(`its pod was ended by Kubernetes (${pod.reason ?? 'Failed'})`, pod.message),
        fault: 'evicted',
      }
    : undefined

/** Comes before the answer, which could be that of a replacement pod. */
const adoptedPodLost: Rule = (evidence) => {
  if (!evidence.adopted) return undefined
  return evidence.pod ? evicted(evidence) : { kind: 'gone', cause: 'the pod that was taken over is gone' }
}

const restartedInPlace: Rule = ({ recorded, main, memoryLimit }) => {
  if (recorded !== 'executing' || !main || main.restarts === 0) return undefined
  const end = main.lastTerminated
  return {
    ...(end ? failedBy(end, memoryLimit) : { kind: 'failed', fault: 'exit' }),
    cause: `its container was started again and lost its work${end ? `: ${failedBy(end, memoryLimit).cause}` : ''}`,
  }
}

const gone: Rule = ({ deploymentExists, pod }) => {
  if (!deploymentExists) return { kind: 'gone', cause: 'its Deployment was deleted' }
  return pod ? undefined : { kind: 'pending', cause: 'its pod is not there yet' }
}

const executingPodGone: Rule = ({ recorded, pod, deploymentExists }) =>
  recorded === 'executing' && (!pod || !deploymentExists)
    ? { kind: 'gone', cause: deploymentExists ? 'its pod was deleted' : 'its Deployment was deleted' }
    : undefined

const unstartable: Rule = ({ pod, recorded, ageSeconds, budgets }) => {
  for (const waiting of [pod?.proofWaiting, ...(pod?.containers ?? []).map((container) => container.waiting)]) {
    const known = waiting && UNSTARTABLE[waiting.reason]
    if (!known) continue
    const fault = FAULT_OF_REASON[waiting.reason] ?? 'configuration'
    const cause = withDetail(`${known} (${waiting.reason})`, waiting.message)
    // A run that was executing has lost its work with its pod.
    const isRetried = fault === 'imagePull' && recorded !== 'executing' && ageSeconds < budgets.pullSeconds
    return isRetried
      ? { kind: 'pending', cause: `${cause}; Kubernetes retries it`, fault }
      : { kind: 'unstartable', cause, fault }
  }
  return undefined
}

/** Names in a cause. */
const MAX_NAMED = 3

/** The first names of a list, for a cause. */
const first = (names: readonly string[]): string =>
  names.slice(0, MAX_NAMED).join(', ') + (names.length > MAX_NAMED ? ', …' : '')

/** Its image has not started: the container before it ends with 0 only if isolation is proven. */
const unproven: Rule = ({ pod }) => {
  if (!pod?.proof || pod.proof.exitCode === 0) return undefined
  const report = parseReport(pod.proof.message)
  if (report && report.open.length > 0) {
    const cause = `its isolation is not proven, it could reach: ${first(report.open)}`
    return { kind: 'unstartable', cause, fault: 'isolation' }
  }
  const missing = report ? first(report.fails) : `its proof ended with exit code ${pod.proof.exitCode}`
  return { kind: 'unstartable', cause: withDetail('its isolation could not be examined', missing), fault: 'connection' }
}

const failedBy = (end: Termination, memoryLimit: string): Observation =>
  end.reason === 'OOMKilled'
    ? { kind: 'failed', cause: memoryAdvice(memoryLimit), fault: 'outOfMemory', exitCode: end.exitCode }
    : { kind: 'failed', cause: describeTermination(end), fault: 'exit', exitCode: end.exitCode }

const ended: Rule = ({ main, memoryLimit }) => {
  const end = main?.terminated ?? (main?.waiting?.reason === 'CrashLoopBackOff' ? main.lastTerminated : null)
  return end ? failedBy(end, memoryLimit) : undefined
}

const unschedulable: Rule = ({ pod }) =>
  pod?.unschedulable
    ? { kind: 'pending', cause: withDetail('no node of the cluster can run it yet', pod.unschedulable) }
    : undefined

const notRunning: Rule = ({ main }) =>
  main?.running
    ? undefined
    : { kind: 'pending', cause: withDetail('its container is being prepared', main?.waiting?.reason) }

const silent: Rule = ({ recorded, silentPolls, silentSeconds, ageSeconds, proxyReady, budgets }) => {
  const cause = proxyReady ? 'it does not answer' : 'its egress proxy is not ready'
  const early = recorded !== 'executing'
  const budget = early ? budgets.startupSeconds : budgets.silenceSeconds
  const spent = silentPolls >= MIN_SILENT_POLLS && silentSeconds >= budget && (!early || ageSeconds >= budget)
  return spent
    ? { kind: 'silent', cause: `${cause} for ${Math.floor(silentSeconds)} s (budget ${budget} s)`, fault: 'silent' }
    : { kind: 'pending', cause: `${cause} yet` }
}

const STUCK = 'the analysis reports that it could not connect to a service it needs'

/** Partners that have not begun. */
export const notStarted = (partners: PartnerStatuses): string[] =>
  Object.keys(partners).filter((name) => [null, 'starting'].includes(partners[name] ?? null))

function waitsFor(missing: readonly string[]): Observation {
  const cause = `the analysis waits for partners that have not started: ${first(missing)}`
  return { kind: 'stuck', cause, fault: 'partner' }
}

/** Why an analysis is stuck: its token, a partner, or a service that it needs. */
const stuck: Rule = ({ answered, tokenRemaining, tokenRenewedSeconds, partners, budgets }) => {
  if (answered !== 'stuck') return undefined
  if (tokenRenewedSeconds !== null && tokenRenewedSeconds < budgets.startupSeconds)
    return { kind: 'pending', cause: 'the analysis has got a new token' }
  if (tokenRemaining !== null && tokenRemaining <= 0 && tokenRenewedSeconds === null)
    return { kind: 'stuck', cause: 'the token of the analysis has expired', fault: 'token' }
  const missing = notStarted(partners)
  return missing.length > 0 ? waitsFor(missing) : { kind: 'stuck', cause: STUCK, fault: 'connection' }
}

const answer: Rule = ({ answered }) => (answered && answered !== 'stuck' ? ANSWERS[answered] : undefined)

/** The first rule that applies wins. */
const RULES: readonly Rule[] = [
  adoptedPodLost,
  restartedInPlace,
  stuck,
  answer,
  executingPodGone,
  gone,
  evicted,
  unproven,
  unstartable,
  ended,
  unschedulable,
  notRunning,
  silent,
]

export function classify(facts: Facts, budgets: Budgets): Observation {
  const pod = facts.pods.find((candidate) => candidate.phase !== 'Failed') ?? facts.pods[0]
  const main = pod?.containers.find((container) => container.name === facts.container)
  const evidence: Evidence = { ...facts, pod, main, budgets }
  for (const rule of RULES) {
    const observation = rule(evidence)
    if (observation) return observation
  }
  return { kind: 'pending', cause: 'nothing is known of it yet' }
}
