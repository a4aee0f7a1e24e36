/**
 * Why runs end or cannot start, and what follows from it: `REMEDIES` has a row per fault. A restart costs the time of a pod, so
 * a run is restarted only where another attempt can have another result.
 *
 * Pure: no I/O, no clock. May import the model.
 */
import { describeExit } from '../platform/container-reasons.ts'
import type { RunEvidence, RunFault } from './model.ts'

/**
 * - `restart`: remove the run and begin the next one after a back-off, `RESTART_MAX` times at most.
 * - `renewToken`: give the run a new token, once. A run that still cannot connect has the fault `connection`.
 * - `fail`: no further attempt.
 */
type Cure = 'restart' | 'renewToken' | 'fail'

interface Remedy {
  /** What is seen of the fault. */
  readonly sign: string
  readonly cure: Cure
  /**
   * How long the fault may take to pass by itself; null: there is nothing to wait for. A pull is retried by the
   * kubelet, and the run fails after that time. A restart that waits for a partner has no pods; the analysis fails after that
   * time.
   */
  readonly budget: 'PULL_BUDGET' | 'PARTNER_BUDGET' | null
  /** Seconds before restart number 1, 2, 3 …; the last value is for all later ones. */
  readonly backoffSeconds: readonly [number, ...number[]]
  /** What makes a second occurrence in a row the same fault, after which no restart follows. */
  readonly sameIf: readonly ('exitCode' | 'lastLine' | 'cause')[]
}

const BACKOFF = [0, 5, 10, 20, 40, 60] as const
/** For faults of a node or of the cluster, which need time to pass. */
const SLOW_BACKOFF = [10, 30, 60, 120] as const

const remedy = (sign: string, cure: Cure, more: Partial<Remedy> = {}): Remedy => ({
  sign,
  cure,
  budget: null,
  backoffSeconds: BACKOFF,
  sameIf: [],
  ...more,
})

export const REMEDIES: Readonly<Record<RunFault, Remedy>> = {
  imagePull: remedy('`ErrImagePull`, `ImagePullBackOff`', 'fail', { budget: 'PULL_BUDGET' }),
  imageName: remedy('`InvalidImageName`, `ErrImageNeverPull`', 'fail'),
  isolation: remedy('its proof of isolation failed', 'fail'),
  configuration: remedy('`CreateContainerConfigError`, `CreateContainerError`, `RunContainerError`', 'restart', {
    backoffSeconds: SLOW_BACKOFF,
    sameIf: ['cause'],
  }),
  outOfMemory: remedy('`OOMKilled`', 'fail'),
  exit: remedy('its process ended', 'restart', { sameIf: ['exitCode', 'lastLine'] }),
  reported: remedy('it answers `failed`', 'restart', { sameIf: ['lastLine'] }),
  evicted: remedy('Kubernetes ended its pod, for example `Evicted`', 'restart', { backoffSeconds: SLOW_BACKOFF }),
  token: remedy('it answers `stuck`, and its token has expired', 'renewToken'),
  partner: remedy('it answers `stuck`, and a partner has not started', 'restart', { budget: 'PARTNER_BUDGET' }),
  connection: remedy('it answers `stuck` for another reason', 'restart'),
  silent: remedy('it does not answer within its budget', 'restart'),
}

/** The fault behind the reason of a waiting container, for the reasons in `UNSTARTABLE`. */
export const FAULT_OF_REASON: Readonly<Record<string, RunFault>> = {
  ErrImagePull: 'imagePull',
  ImagePullBackOff: 'imagePull',
  InvalidImageName: 'imageName',
  ErrImageNeverPull: 'imageName',
  CreateContainerConfigError: 'configuration',
  CreateContainerError: 'configuration',
  RunContainerError: 'configuration',
}

/** Seconds before the next run, with up to a quarter of jitter (`random` in 0..1). */
export function restartDelaySeconds(fault: RunFault, restarts: number, random: number): number {
  const { backoffSeconds } = REMEDIES[fault]
  const base = backoffSeconds[Math.min(restarts, backoffSeconds.length - 1)] ?? backoffSeconds[0]
  return base * (1 + random / 4)
}

// ------------------------------------------------------------------------------------------------ repetition

/** Times of day, dates with times, and addresses in memory: they differ between two otherwise equal lines. */
const VARYING = /\d{4}-\d\d-\d\d[T ]|\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|0x[0-9a-f]+/gi

const lastLine = ({ lastLines }: RunEvidence): string | undefined => lastLines.at(-1)?.replace(VARYING, '')

const SAME: Readonly<Record<Remedy['sameIf'][number], (one: RunEvidence, other: RunEvidence) => boolean>> = {
  exitCode: (one, other) => one.exitCode === other.exitCode,
  lastLine: (one, other) => lastLine(one) !== undefined && lastLine(one) === lastLine(other),
  cause: (one, other) => one.cause === other.cause,
}

/** True if the run before ended for the same reason, so that another run would very likely end like both. */
export function isRepeated(previous: RunEvidence | null, evidence: RunEvidence): boolean {
  const { sameIf } = REMEDIES[evidence.fault]
  return (
    previous?.fault === evidence.fault && sameIf.length > 0 && sameIf.every((field) => SAME[field](previous, evidence))
  )
}

// -------------------------------------------------------------------------------------------------- evidence

export const EVIDENCE_LINES = 20
/** Of one line and of all of them; of a longer line the start is kept. */
const LINE_LENGTH = 400
/** Bytes that are read for the last lines. */
export const EVIDENCE_BYTES = EVIDENCE_LINES * LINE_LENGTH

export const lastLinesOf = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(-EVIDENCE_LINES)
    .map((line) => line.slice(0, LINE_LENGTH))

/** Twice a quantity of Kubernetes, in its unit; undefined for anything else. */
export function doubled(quantity: string): string | undefined {
  const { amount, unit = '' } = /^(?<amount>\d+(?:\.\d+)?)(?<unit>[A-Za-z]*)$/.exec(quantity)?.groups ?? {}
  return amount === undefined ? undefined : `${Number(amount) * 2}${unit}`
}

/** What a run that used up its memory needs. Nothing says how much it would have used, so this is a first value to try. */
export function memoryAdvice(limit: string): string {
  const next = doubled(limit)
  const exit = describeExit({ reason: 'OOMKilled', exitCode: 137 })
  if (next === undefined) return exit
  return `${exit}; another run with the limit of ${limit} would end the same way, a first value to try is ANALYSIS_MEMORY_LIMIT=${next}`
}
