/** `DELETE /po/delete[/{id}]`: ends a live analysis, archives it and takes away everything it owns. */
import { eachAnalysis, type Selection } from './each.ts'
import { carryOutEnd, recordEnd } from './ending.ts'
import { type Analysis, isLive } from './model.ts'
import type { ReleasePorts } from './release.ts'
import { ownLine } from './report.ts'

const CAUSE = 'deleted by a user'

/** A live one is told to the Hub as `stopped`; of one that had ended the Hub knows the end already. */
async function recordRemoval(ports: ReleasePorts, analysis: Analysis): Promise<boolean> {
  const { key, state } = analysis
  if (!isLive(state)) return Boolean(await ports.store.transition(key, [state], state, { removal: { archive: true } }))
  const line = ownLine('info', 'ANALYSISSTOPPED', 'the analysis was deleted by a user', analysis)
  return Boolean(await recordEnd(ports, analysis, { outcome: 'stopped', cause: CAUSE, archive: true, line }))
}

async function removeOne(ports: ReleasePorts, analysis: Analysis): Promise<null> {
  const recorded = await recordRemoval(ports, analysis)
  if (!recorded) {
    const present = await ports.store.findByKey(analysis.key)
    return present ? removeOne(ports, present) : null
  }
  ports.log('action', 'analysis deleted', { analysis: analysis.id, run: analysis.run })
  await carryOutEnd(ports, analysis)
  return null
}

/**
 * Deletes one analysis, or all; its history stays readable. A create with the same id works at once.
 * @throws Fault `unavailable` when objects could not be removed yet: the deletion is recorded all the same
 */
export const remove = (ports: ReleasePorts, selection: Selection): Promise<Record<string, null>> =>
  eachAnalysis(ports, selection, (analysis) => removeOne(ports, analysis))
