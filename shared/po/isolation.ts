/** Isolation of the namespace: no run begins while it is known to be open. */
import { Fault } from '../platform/fault.ts'
import type { AnalysisId } from './model.ts'
import type { AnalysisRunRef } from './names.ts'
import type { PoPorts } from './ports.ts'

/** What is open, in words; null if nothing is known to be, or if isolation is not examined. */
export async function breachOf({ store, settings }: Pick<PoPorts, 'store' | 'settings'>): Promise<string | null> {
  return settings.run.isolation ? (await store.isolation()).breach : null
}

/** @throws Fault `unavailable` that names what is open */
export async function requireIsolation(ports: Pick<PoPorts, 'store' | 'settings'>): Promise<void> {
  const breach = await breachOf(ports)
  if (breach !== null)
    throw new Fault('unavailable', `The cluster does not isolate analyses, so none is started: ${breach}.`, {
      retryAfter: 60,
    })
}

/** A run of another analysis, for the proof that it cannot be reached. */
export const neighbourOf = async (
  { store, settings }: Pick<PoPorts, 'store' | 'settings'>,
  id: AnalysisId,
): Promise<AnalysisRunRef | null> => (settings.run.isolation ? ((await store.neighbour(id)) ?? null) : null)
