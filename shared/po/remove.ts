/** `DELETE /po/delete[/{id}]`: ends a live analysis, archives it and removes everything it owns. */
import { eachAnalysis, type Selection } from './each.ts'
import { recordEnd } from './ending.ts'
import { type Analysis, isLive } from './model.ts'
import { type ReleasePorts, releaseByKey } from './release.ts'
import { ownLine } from './report.ts'

const CAUSE = 'deleted by a user'

/** A live analysis is reported to the Hub as `stopped`; the Hub already knows the end of the others. */
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
  await releaseByKey(ports, analysis.key)
  return null
}

/**
 * Deletes one analysis, or all. Its history stays readable, and its id can be created again at once.
 * @throws Fault `unavailable` when objects could not be removed yet: the deletion is recorded, and the sweep continues it
 */
export const remove = (ports: ReleasePorts, selection: Selection): Promise<Record<string, null>> =>
  eachAnalysis(ports, selection, (analysis) => removeOne(ports, analysis))
