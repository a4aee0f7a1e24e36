/**
 * The decisions about an analysis, as three tables:
 *
 * - `classify`: facts about its pods and its answer → an observation with a cause.
 * - `decide`: recorded state × observation → a verdict with a reason.
 * - `WORDS`: recorded state → its name in `/po/status` and at the Hub.
 *
 * Pure: no I/O, no clock. May import the model and port types.
 */
import { describeExit, UNSTARTABLE } from '../platform/container-reasons.ts'
import type { HubStatus, State, StatusWord } from './model.ts'
import type { SdkStatus } from './ports/analysis-api.ts'
import type { PoContainerFacts, PoPodFacts } from './ports/cluster.ts'
import type { Budgets } from './settings.ts'

// ------------------------------------------------------------------------------------------------- classify

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
  readonly answered: SdkStatus | undefined
  readonly silentPolls: number
  /** Since the first of the polls that failed in a row. */
  readonly silentSeconds: number
  readonly ageSeconds: number
}

/** Fewer failed polls in a row than this are never silence. */
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

type Termination = NonNullable<PoContainerFacts['terminated']>

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

type Rule = (evidence: Evidence) => Observation | undefined

const evicted: Rule = ({ pod }) =>
  pod?.phase === 'Failed'
    ? { kind: 'failed', cause: withDetail(`its pod was ended by Kubernetes (${pod.reason ?? 'Failed'})`, pod.message) }
    : undefined

/** Comes before the answer, which could be that of a replacement pod. */
const adoptedPodLost: Rule = (evidence) => {
  if (!evidence.adopted) return undefined
  return evidence.pod ? evicted(evidence) : { kind: 'gone', cause: 'the pod that was taken over is gone' }
}

const restartedInPlace: Rule = ({ recorded, main }) => {
  if (recorded !== 'executing' || !main || main.restarts === 0) return undefined
  const end = main.lastTerminated
  return {
    kind: 'failed',
    cause: `its container was started again and lost its work${end ? `: ${describeTermination(end)}` : ''}`,
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

const unstartable: Rule = ({ pod }) => {
  for (const { waiting } of pod?.containers ?? []) {
    const cause = waiting && UNSTARTABLE[waiting.reason]
    if (cause) return { kind: 'unstartable', cause: withDetail(`${cause} (${waiting.reason})`, waiting.message) }
  }
  return undefined
}

const ended: Rule = ({ main }) => {
  const end = main?.terminated ?? (main?.waiting?.reason === 'CrashLoopBackOff' ? main.lastTerminated : null)
  return end ? { kind: 'failed', cause: describeTermination(end) } : undefined
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
    ? { kind: 'silent', cause: `${cause} for ${Math.floor(silentSeconds)} s (budget ${budget} s)` }
    : { kind: 'pending', cause: `${cause} yet` }
}

const answer: Rule = ({ answered }) => (answered ? ANSWERS[answered] : undefined)

/** The first rule that applies wins. */
const RULES: readonly Rule[] = [
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

// --------------------------------------------------------------------------------------------------- decide

export type Action =
  | 'none'
  | 'wait'
  | 'resume' // complete a creation whose process died
  | 'undo' // give up a creation that cannot be completed
  | 'reapply' // apply again what others deleted
  | 'restart' // remove this run; the next one begins when its pods have ended
  | 'markExecuting'
  | 'finishExecuted'
  | 'finishFailed'
  | 'finishStopped'

/** States in which an observation decides what happens next. */
export const WATCHED_STATES = ['starting', 'started', 'executing'] as const satisfies readonly State[]
type WatchedState = (typeof WATCHED_STATES)[number]
export const isWatched = (state: State): state is WatchedState => (WATCHED_STATES as readonly State[]).includes(state)

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
} as const satisfies Record<WatchedState, Record<ObservationKind, Action>>

export interface Verdict {
  readonly action: Action
  readonly reason: string
}

interface History {
  readonly restarts: number
  readonly restartMax: number
  /** This run was executing, was deleted by others and reapplied once. */
  readonly reapplied: boolean
}

/** Total: every state and observation has a verdict, and every verdict has a reason. */
export function decide(recorded: WatchedState, observed: Observation, history: History): Verdict {
  const action: Action = DECISIONS[recorded][observed.kind]
  if (action === 'restart' && history.restarts >= history.restartMax) {
    const used = `${history.restarts} of ${history.restartMax} restarts are used up`
    return { action: 'finishFailed', reason: `${used}; last cause: ${observed.cause}` }
  }
  if (action === 'reapply' && recorded === 'executing' && history.reapplied) {
    return { action: 'finishFailed', reason: `${observed.cause} again after it had been put back` }
  }
  return { action, reason: observed.cause }
}

/** Seconds before restart number 1, 2, 3 …; the last value is for all later ones. */
export const RESTART_BACKOFF_SECONDS = [0, 5, 10, 20, 40, 60] as const

/** Seconds before the next run, with up to a quarter of jitter (`random` in 0..1). */
export function restartDelaySeconds(restarts: number, random: number): number {
  const base = RESTART_BACKOFF_SECONDS[Math.min(restarts, RESTART_BACKOFF_SECONDS.length - 1)] ?? 60
  return base * (1 + random / 4)
}

// ---------------------------------------------------------------------------------------------------- words

/** What clients and the Hub call a recorded state. The Hub has no status for a restart: it keeps the previous one. */
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
