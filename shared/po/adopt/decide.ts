/**
 * Decides about an analysis of the Python service by a table of rules: the first that applies wins, and gives the reason.
 *
 * - **adopt**: it keeps running in its pod.
 * - **finish**: it ends now or has ended. It is recorded, and its remaining objects are removed.
 * - **skip**: nothing to do.
 * - **refuse**: the operator has to act first.
 *
 * Pure. May import the model.
 */
import { OUTCOMES, type Outcome } from '../model.ts'
import type { FormerRow } from '../ports/adopt.ts'

export const OURS = [
  'nothing',
  'unfinished', // adoption incomplete
  'goes on', // adopted and live
  'over', // adopted and ended
  'forgotten', // its run number was used, but there is no row
  'another lives', // another run of the id is live
  'another ended', // another run of the id has ended
] as const
export type Ours = (typeof OURS)[number]

export interface CaseFacts {
  readonly table: FormerRow['table']
  readonly status: string
  /** Why it cannot keep running here; null if it can. */
  readonly obstacle: string | null
  readonly ours: Ours
  readonly record: string
  readonly deployment: boolean
  readonly pods: number
  /** Objects of the Python service that are not claimed yet. */
  readonly objects: number
  /** The namespace that the row names, if it differs from ours. */
  readonly elsewhere: string | null
  /** No running analysis has a Deployment here. */
  readonly doubtful: boolean
  readonly finish: boolean
}

export type TakeoverDecision =
  | { readonly kind: 'adopt'; readonly state: 'started' | 'executing'; readonly reason: string }
  | {
      readonly kind: 'finish'
      /** `end`: it ends now, which is reported to the Hub. `record`: it had ended. */
      readonly how: 'end' | 'record'
      readonly outcome: Outcome
      /** For the row and the Hub. */
      readonly cause: string
      readonly reason: string
    }
  /** It has ended here, and some of its objects remain. */
  | { readonly kind: 'finish'; readonly how: 'clear'; readonly reason: string }
  | { readonly kind: 'skip' | 'refuse'; readonly reason: string }

const RUNNING: Readonly<Record<string, 'started' | 'executing'>> = {
  starting: 'started',
  started: 'started',
  executing: 'executing',
  stuck: 'executing',
}

export const runningState = (status: string): 'started' | 'executing' => RUNNING[status] ?? 'started'

const MOVE = 'this node moved to another orchestrator'
const LEFT = 'what is left of it in Kubernetes is removed'

const refuse = (reason: string): TakeoverDecision => ({ kind: 'refuse', reason })
const skip = (reason: string): TakeoverDecision => ({ kind: 'skip', reason })
const end = (outcome: Outcome, cause: string, reason: string): TakeoverDecision => ({
  kind: 'finish',
  how: 'end',
  outcome,
  cause,
  reason,
})

type Rule = (facts: CaseFacts) => TakeoverDecision | undefined

const anotherLives: Rule = ({ ours, record, objects }) => {
  if (ours !== 'another lives') return undefined
  if (objects === 0) return skip(`${record}, and nothing is left of the former one`)
  return refuse(`${record}: stop one of the two, and try again`)
}

const takenBefore: Rule = ({ ours, record, objects }) => {
  if (ours === 'goes on') return skip(record)
  if (ours !== 'over' && ours !== 'forgotten') return undefined
  return objects === 0 ? skip(record) : undefined
}

const leftBehind: Rule = ({ ours, record, objects }) => {
  if (ours === 'forgotten') return refuse(`${record}, but ${objects} of its objects are left: remove them by hand`)
  if (ours !== 'over') return undefined
  const reason = `${record}, but ${objects} of its objects are left: they are removed`
  return { kind: 'finish', how: 'clear', reason }
}

const archived: Rule = ({ table, status }) => {
  if (table !== 'archive') return undefined
  const outcome = OUTCOMES.find((word) => word === status) ?? 'stopped'
  return { kind: 'finish', how: 'record', outcome, cause: causeOf(status), reason: 'it is in the former archive' }
}

const hadEnded: Rule = ({ status, objects }) => {
  const outcome = OUTCOMES.find((word) => word === status)
  if (!outcome) return undefined
  const reason = objects > 0 ? `it had ended; ${LEFT}` : 'it had ended'
  return { kind: 'finish', how: 'record', outcome, cause: causeOf(status), reason }
}

const causeOf = (status: string): string => `it was ${status || 'without a status'} before ${MOVE}`

const stopping: Rule = ({ status }) =>
  status === 'stopping' ? end('stopped', `it was being stopped when ${MOVE}`, 'it was being stopped') : undefined

const unknown: Rule = ({ status, objects }) => {
  if (status in RUNNING) return undefined
  if (objects > 0) return refuse(`nobody knows what its status "${status}" means: set another one in its row`)
  return {
    kind: 'finish',
    how: 'record',
    outcome: 'failed',
    cause: causeOf(status),
    reason: `nothing of it is left, and nobody knows what its status "${status}" means`,
  }
}

const notHere: Rule = ({ deployment, objects, elsewhere, doubtful }) => {
  if (deployment || objects > 0) return undefined
  if (elsewhere) return refuse(`nothing of it is here, and its row names the namespace ${elsewhere}`)
  if (doubtful) return refuse('nothing of any running analysis is here: is this the right cluster and namespace?')
  return undefined
}

const lost: Rule = ({ deployment }) =>
  deployment
    ? undefined
    : end('failed', `nothing of it was left when ${MOVE}`, 'its Deployment is gone, so that nothing of it can go on')

const toBeStopped: Rule = ({ finish }) =>
  finish ? end('stopped', `it was stopped when ${MOVE}`, 'what runs is to be stopped') : undefined

const hindered: Rule = ({ obstacle }) => (obstacle ? refuse(`${obstacle}; it can be stopped instead`) : undefined)

const goesOn: Rule = ({ status, pods, ours }) => {
  const reason =
    pods === 0 ? 'its pod is gone: the loop will make another' : pods === 1 ? 'it runs' : `it runs, with ${pods} pods`
  const state = runningState(status)
  return { kind: 'adopt', state, reason: ours === 'unfinished' ? `${reason}; begun before` : reason }
}

const RULES: readonly Rule[] = [
  anotherLives,
  takenBefore,
  leftBehind,
  archived,
  hadEnded,
  stopping,
  unknown,
  notHere,
  lost,
  toBeStopped,
  hindered,
  goesOn,
]

export function decideTakeover(facts: CaseFacts): TakeoverDecision {
  for (const rule of RULES) {
    const decision = rule(facts)
    if (decision) return decision
  }
  return refuse('no rule knows what to do')
}

/** True if it ran when the Python service last wrote its status. */
export const isRunning = (status: string): boolean => status in RUNNING
