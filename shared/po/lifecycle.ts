/**
 * What to do with an analysis: three tables and nothing else.
 *
 * - `classify`: facts of pods and of the analysis's own health → an observation with a cause in words.
 * - `decide`: recorded state × observation → a verdict with a reason.
 * - `words`: recorded state → what `/po/status` and the Hub call it.
 *
 * Pure: no I/O, no clock. May import the model and port types.
 */
import { describeExit, UNSTARTABLE } from '../platform/container-reasons.ts'
import type { HubStatus, State, StatusWord } from './model.ts'
import type { SdkStatus } from './ports/analysis-api.ts'
import type { ContainerFacts, PodFacts } from './ports/cluster.ts'
import type { Budgets } from './settings.ts'

// ------------------------------------------------------------------------------------------------- classify

export const OBSERVATIONS = [
  'pending', // not there yet, or quiet within its budget
  'silent', // its budget for being quiet is spent
  'unstartable', // Kubernetes cannot start it, for a named cause
  'executing',
  'stuck', // it says so itself
  'failed', // it says so, or its container ended
  'stopped', // a partner stopped it
  'executed',
  'gone', // its Deployment or its pod was deleted by others
] as const
export type ObservationKind = (typeof OBSERVATIONS)[number]

export interface Observation {
  readonly kind: ObservationKind
  readonly cause: string
}

export interface Facts {
  readonly recorded: State
  /** Pods of the current run's analysis that are not being deleted. */
  readonly pods: readonly PodFacts[]
  readonly proxyReady: boolean
  readonly deploymentExists: boolean
  /** Its Deployment was taken over from another orchestrator: a pod in the place of the one that was is unknown to us. */
  readonly adopted: boolean
  /** Name of the container whose end is the analysis's end. */
  readonly container: string
  /** What the analysis answered, or undefined when the poll failed. */
  readonly answered: SdkStatus | undefined
  readonly silentPolls: number
  /** How long the polls have failed, and the run has existed, in seconds. */
  readonly silentSeconds: number
  readonly ageSeconds: number
}

/** Fewer failed polls than this are never a silence. */
const MIN_SILENT_POLLS = 3

const ANSWERS = {
  executing: { kind: 'executing', cause: 'the analysis reports that it is executing' },
  executed: { kind: 'executed', cause: 'the analysis reports that it has finished' },
  stuck: { kind: 'stuck', cause: 'the analysis reports that it could not connect to a service it needs' },
  stopped: { kind: 'stopped', cause: 'the analysis was stopped because a partner node stopped' },
  failed: { kind: 'failed', cause: 'the analysis reports that it failed' },
  starting: { kind: 'pending', cause: 'the analysis is starting' },
  unknown: { kind: 'failed', cause: 'the analysis reports a status that does not exist' },
} as const satisfies Record<SdkStatus, Observation>

type Termination = NonNullable<ContainerFacts['terminated']>

/** The end of a container in words. */
export function describeTermination(end: Termination): string {
  const exit = describeExit(end)
  return end.exitCode === 0 && end.reason !== 'OOMKilled' ? `${exit} without reporting that it had finished` : exit
}

const withDetail = (cause: string, detail: string | null | undefined): string =>
  detail ? `${cause}: ${detail.slice(0, 300)}` : cause

interface Seen extends Facts {
  readonly pod: PodFacts | undefined
  readonly main: ContainerFacts | undefined
  readonly budgets: Budgets
}

type Reason = (seen: Seen) => Observation | undefined

const evicted: Reason = ({ pod }) =>
  pod?.phase === 'Failed'
    ? { kind: 'failed', cause: withDetail(`its pod was ended by Kubernetes (${pod.reason ?? 'Failed'})`, pod.message) }
    : undefined

/** Before any answer, which would be that of a pod that began anew. */
const adoptedPodLost: Reason = (seen) => {
  if (!seen.adopted) return undefined
  return seen.pod ? evicted(seen) : { kind: 'gone', cause: 'the pod that was taken over is gone' }
}

const restartedInPlace: Reason = ({ recorded, main }) => {
  if (recorded !== 'executing' || !main || main.restarts === 0) return undefined
  const end = main.lastTerminated
  return {
    kind: 'failed',
    cause: `its container was started again and lost its work${end ? `: ${describeTermination(end)}` : ''}`,
  }
}

const gone: Reason = ({ deploymentExists, pod }) => {
  if (!deploymentExists) return { kind: 'gone', cause: 'its Deployment was deleted' }
  return pod ? undefined : { kind: 'pending', cause: 'its pod is not there yet' }
}

const executingPodGone: Reason = ({ recorded, pod, deploymentExists }) =>
  recorded === 'executing' && (!pod || !deploymentExists)
    ? { kind: 'gone', cause: deploymentExists ? 'its pod was deleted' : 'its Deployment was deleted' }
    : undefined

const unstartable: Reason = ({ pod }) => {
  for (const { waiting } of pod?.containers ?? []) {
    const cause = waiting && UNSTARTABLE[waiting.reason]
    if (cause) return { kind: 'unstartable', cause: withDetail(`${cause} (${waiting.reason})`, waiting.message) }
  }
  return undefined
}

const ended: Reason = ({ main }) => {
  const end = main?.terminated ?? (main?.waiting?.reason === 'CrashLoopBackOff' ? main.lastTerminated : null)
  return end ? { kind: 'failed', cause: describeTermination(end) } : undefined
}

const unschedulable: Reason = ({ pod }) =>
  pod?.unschedulable
    ? { kind: 'pending', cause: withDetail('no node of the cluster can run it yet', pod.unschedulable) }
    : undefined

const notRunning: Reason = ({ main }) =>
  main?.running
    ? undefined
    : { kind: 'pending', cause: withDetail('its container is being prepared', main?.waiting?.reason) }

const quiet: Reason = ({ recorded, silentPolls, silentSeconds, ageSeconds, proxyReady, budgets }) => {
  const cause = proxyReady ? 'it does not answer' : 'its egress proxy is not ready'
  const early = recorded !== 'executing'
  const budget = early ? budgets.startupSeconds : budgets.silenceSeconds
  const spent = silentPolls >= MIN_SILENT_POLLS && silentSeconds >= budget && (!early || ageSeconds >= budget)
  return spent
    ? { kind: 'silent', cause: `${cause} for ${Math.floor(silentSeconds)} s (budget ${budget} s)` }
    : { kind: 'pending', cause: `${cause} yet` }
}

const answer: Reason = ({ answered }) => (answered ? ANSWERS[answered] : undefined)

/** First reason wins. */
const REASONS: readonly Reason[] = [
  adoptedPodLost,
  restartedInPlace,
  answer,
  executingPodGone,
  gone,
  evicted,
  unstartable,
  ended,
  unschedulable,
  notRunning,
  quiet,
]

/** What is to be seen of a run. */
export function classify(facts: Facts, budgets: Budgets): Observation {
  const pod = facts.pods.find((candidate) => candidate.phase !== 'Failed') ?? facts.pods[0]
  const main = pod?.containers.find((container) => container.name === facts.container)
  const seen: Seen = { ...facts, pod, main, budgets }
  for (const reason of REASONS) {
    const observation = reason(seen)
    if (observation) return observation
  }
  return { kind: 'pending', cause: 'nothing is known of it yet' }
}

// --------------------------------------------------------------------------------------------------- decide

const ACTIONS = [
  'none',
  'wait',
  'resume', // complete a creation that was cut off
  'undo', // take back a creation that cannot be completed, then failed
  'reapply', // put back what others deleted
  'restart', // remove this run; the next one comes when its pods have ended
  'markExecuting',
  'finishExecuted',
  'finishFailed',
  'finishStopped',
] as const
export type Action = (typeof ACTIONS)[number]

type Watched = Extract<State, 'starting' | 'started' | 'executing'>

/** Recorded state × observation → action. */
export const DECISIONS = {
  starting: {
    pending: 'resume',
    silent: 'undo',
    unstartable: 'restart',
    executing: 'markExecuting',
    stuck: 'restart',
    failed: 'restart',
    stopped: 'finishStopped',
    executed: 'finishExecuted',
    gone: 'resume',
  },
  started: {
    pending: 'wait',
    silent: 'restart',
    unstartable: 'restart',
    executing: 'markExecuting',
    stuck: 'restart',
    failed: 'restart',
    stopped: 'finishStopped',
    executed: 'finishExecuted',
    gone: 'reapply',
  },
  executing: {
    pending: 'wait',
    silent: 'finishFailed',
    unstartable: 'finishFailed',
    executing: 'none',
    stuck: 'restart',
    failed: 'finishFailed',
    stopped: 'finishStopped',
    executed: 'finishExecuted',
    gone: 'reapply',
  },
} as const satisfies Record<Watched, Record<ObservationKind, Action>>

export interface Verdict {
  readonly action: Action
  readonly reason: string
}

export interface Policy {
  readonly restarts: number
  readonly restartMax: number
  /** This run was put back once already after others had deleted it while it executed. */
  readonly reapplied: boolean
}

/** What to do next. Total: every state and observation has an answer, and every answer says why. */
export function decide(recorded: Watched, observed: Observation, policy: Policy): Verdict {
  const action: Action = DECISIONS[recorded][observed.kind]
  if (action === 'restart' && policy.restarts >= policy.restartMax) {
    const used = `${policy.restarts} of ${policy.restartMax} restarts are used up`
    return { action: 'finishFailed', reason: `${used}; last cause: ${observed.cause}` }
  }
  if (action === 'reapply' && recorded === 'executing' && policy.reapplied) {
    return { action: 'finishFailed', reason: `${observed.cause} again after it had been put back` }
  }
  return { action, reason: observed.cause }
}

/** Seconds before restart number 1, 2, 3 …; the last value serves all later ones. */
export const RESTART_BACKOFF_SECONDS = [0, 5, 10, 20, 40, 60] as const

/** Back-off before the next run, with up to a quarter of jitter (`random` in 0..1). */
export function restartDelaySeconds(restarts: number, random: number): number {
  const base = RESTART_BACKOFF_SECONDS[Math.min(restarts, RESTART_BACKOFF_SECONDS.length - 1)] ?? 60
  return base * (1 + random / 4)
}

// ---------------------------------------------------------------------------------------------------- words

/** What clients and the Hub call a recorded state. The Hub has no word for a restart: the last one it got stands. */
export const WORDS = {
  starting: { status: 'starting', hub: null },
  started: { status: 'started', hub: 'started' },
  executing: { status: 'executing', hub: 'executing' },
  restarting: { status: 'stuck', hub: null },
  stopping: { status: 'stopping', hub: null },
  executed: { status: 'executed', hub: 'executed' },
  stopped: { status: 'stopped', hub: 'stopped' },
  failed: { status: 'failed', hub: 'failed' },
} as const satisfies Record<State, { status: StatusWord; hub: HubStatus | null }>

export const statusWord = (state: State): StatusWord => WORDS[state].status
