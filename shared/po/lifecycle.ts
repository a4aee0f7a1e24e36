/**
 * The decisions about an analysis, as tables:
 *
 * - `classify` (`classify.ts`): facts about its pods and its answer → an observation with a cause.
 * - `decide`: recorded state × observation → a verdict with a reason.
 * - `REMEDIES` (`run-faults.ts`): the fault of a run → whether a restart can cure it.
 * - `WORDS`: recorded state → its name in `/po/status` and at the Hub.
 *
 * Pure: no I/O, no clock. May import the model and port types.
 */
import type { Observation, ObservationKind } from './classify.ts'
import type { HubStatus, State, StatusWord } from './model.ts'
import { REMEDIES } from './run-faults.ts'

// --------------------------------------------------------------------------------------------------- decide

export type Action =
  | 'none'
  | 'wait'
  | 'resume' // complete a creation whose process died
  | 'undo' // undo a creation that cannot be completed
  | 'reapply' // apply again what others deleted
  | 'restart' // remove this run; the next one begins when its pods have ended
  | 'renewToken' // give the run a new token
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

/** Instead of a restart that cannot cure the fault. */
function withoutRestart({ cause, fault }: Observation, { restarts, restartMax }: History): Verdict | undefined {
  const cure = fault && REMEDIES[fault].cure
  if (cure === 'renewToken') return { action: 'renewToken', reason: cause }
  if (cure === 'fail') return { action: 'finishFailed', reason: cause }
  if (restarts < restartMax) return undefined
  const reason = `${restarts} of ${restartMax} restarts are used up; last cause: ${cause}`
  return { action: 'finishFailed', reason }
}

/** Total: every state and observation has a verdict, and every verdict has a reason. */
export function decide(recorded: WatchedState, observed: Observation, history: History): Verdict {
  const action: Action = DECISIONS[recorded][observed.kind]
  if (action === 'reapply' && recorded === 'executing' && history.reapplied) {
    return { action: 'finishFailed', reason: `${observed.cause} again after it had been put back` }
  }
  const instead = action === 'restart' ? withoutRestart(observed, history) : undefined
  return instead ?? { action, reason: observed.cause }
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
