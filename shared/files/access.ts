/**
 * What a program beside a run may do: what its token was issued for, and what the record says of service and run by now.
 * Pure. `docs/adr/0016` says why.
 */
import { Fault } from '../platform/fault.ts'
import type { Access, RunKey, Step } from './model.ts'
import type { Standing } from './ports.ts'

/** Largest number of attempts of a run. */
const FORMER_RETRIES = 20
const MINUTE_MS = 60_000
/** What the clocks of two machines may differ by. */
const SKEW_MS = 2 * MINUTE_MS

export const noRun = () => new Fault('not_found', 'Service not found in database')
const otherRun = () => new Fault('forbidden', 'The token is not one of this run')
export const runIsOver = () => new Fault('conflict', 'The run has ended already')

/** @throws Fault `not_found`, `forbidden`, `conflict` */
function assertLive({ grant }: Access, standing: Standing | undefined): asserts standing is Standing {
  if (!standing) throw noRun()
  if (grant ? grant.uid !== standing.uid : !standing.takesFormerTokens)
    throw new Fault('forbidden', 'The token is not one of this service as it is now')
  if (!standing.isLive) throw new Fault('conflict', 'The service has ended')
}

const isGranted = ({ grant }: Access, { firing, index, attempt }: RunKey, { reps }: Standing): boolean =>
  grant
    ? index === grant.index && attempt <= grant.retries && (grant.firing === null || firing === grant.firing)
    : index <= reps && attempt <= FORMER_RETRIES

/**
 * Whether a run that is not in the record yet may have begun. The loop that writes the record may be away for longer than a
 * run has time for its outputs, and Kubernetes starts pods all the same. Firings of a schedule are numbered by their minute.
 */
function mayHaveBegun({ firing }: RunKey, { isScheduled, firing: known, createdAt }: Standing, now: Date): boolean {
  if (!isScheduled) return firing === known
  const due = firing * MINUTE_MS
  return firing > known && due > createdAt.getTime() - SKEW_MS && due < now.getTime() + SKEW_MS
}

/** @throws Fault when the run is not one that may leave something; whether it is over, the set itself knows */
export function assertMayLeave(access: Access, run: RunKey, standing: Standing | undefined, now: Date): void {
  assertLive(access, standing)
  if (!isGranted(access, run, standing)) throw otherRun()
  if (standing.run === null && !mayHaveBegun(run, standing, now)) throw new Fault('conflict', 'There is no such run')
}

export interface Wanted {
  readonly step: Step
  readonly firing: number
}

/** @throws Fault when no attempt that may still come, or is under way, finds these inputs */
export function assertMayRead(access: Access, { step, firing }: Wanted, standing: Standing | undefined): void {
  assertLive(access, standing)
  const { grant } = access
  if (!grant) return
  if (grant.step !== step || (step === 'fan-in' && grant.firing !== null && grant.firing !== firing)) throw otherRun()
  if (standing.hasSucceeded || (standing.lastFailed ?? -1) >= grant.retries) throw runIsOver()
}
