/**
 * What becomes of an analysis of the Python service: one table of rules, the first that applies wins. Each says why.
 *
 * - **adopt**: it goes on, and its pod with it.
 * - **finish**: it ends, or had ended: it is recorded here, and what is left of it is removed.
 * - **skip**: nothing is to be done.
 * - **refuse**: something is to be done, and not by us.
 *
 * Pure. May import the model.
 */
import { OUTCOMES, type Outcome } from '../model.ts'
import type { FormerRow } from '../ports/adopt.ts'

/** What is recorded here of an analysis. */
export const OURS = [
  'nothing',
  'unfinished', // it is being taken over
  'goes on', // it was taken over, and lives
  'over', // it was taken over, and has ended
  'forgotten', // its number was used, and no row is left
  'another lives', // another run of the id, that lives
  'another ended', // another run of the id, that has ended
] as const
export type Ours = (typeof OURS)[number]

export interface CaseFacts {
  readonly table: FormerRow['table']
  /** As the Python service wrote it. */
  readonly status: string
  /** Why it could not go on here; null: it could. */
  readonly obstacle: string | null
  readonly ours: Ours
  /** In words: what of the id is recorded here. */
  readonly record: string
  /** Its Deployment is there. */
  readonly deployment: boolean
  readonly pods: number
  /** Objects of the Python service that are there and not marked as ours. */
  readonly objects: number
  /** The namespace that the row names, if it is another one than that in which we looked. */
  readonly elsewhere: string | null
  /** No running analysis of them all has any object here. */
  readonly doubtful: boolean
  /** What runs is to be stopped instead. */
  readonly finish: boolean
}

export type Decision =
  | { readonly kind: 'adopt'; readonly state: 'started' | 'executing'; readonly reason: string }
  | {
      readonly kind: 'finish'
      /** It ends now, and the Hub is told; or it had ended. */
      readonly how: 'end' | 'record'
      readonly outcome: Outcome
      /** For the row and the Hub. */
      readonly cause: string
      readonly reason: string
    }
  /** It has ended here, and objects of it are left. */
  | { readonly kind: 'finish'; readonly how: 'clear'; readonly reason: string }
  | { readonly kind: 'skip' | 'refuse'; readonly reason: string }

/** Its words for what runs, and ours. */
const RUNNING: Readonly<Record<string, 'started' | 'executing'>> = {
  starting: 'started',
  started: 'started',
  executing: 'executing',
  stuck: 'executing',
}

/** What it is by this status while it runs. */
export const runningState = (status: string): 'started' | 'executing' => RUNNING[status] ?? 'started'

const MOVE = 'this node moved to another orchestrator'
const LEFT = 'what is left of it in Kubernetes is removed'

const refuse = (reason: string): Decision => ({ kind: 'refuse', reason })
const skip = (reason: string): Decision => ({ kind: 'skip', reason })
const end = (outcome: Outcome, cause: string, reason: string): Decision => ({
  kind: 'finish',
  how: 'end',
  outcome,
  cause,
  reason,
})

type Rule = (facts: CaseFacts) => Decision | undefined

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

/** What is to be done. */
export function decideTakeover(facts: CaseFacts): Decision {
  for (const rule of RULES) {
    const decision = rule(facts)
    if (decision) return decision
  }
  return refuse('no rule knows what to do')
}

/** Whether it ran when the Python service last looked. */
export const isRunning = (status: string): boolean => status in RUNNING
