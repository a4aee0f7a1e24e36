/** `PUT /po/stop[/{id}]`: ends a live analysis in any state. A stopped one never runs again. */
import { eachAnalysis, type Selection } from './each.ts'
import { recordEnd } from './ending.ts'
import { statusWord } from './lifecycle.ts'
import { type Analysis, isLive, type StatusWord } from './model.ts'
import { type ReleasePorts, releaseByKey } from './release.ts'
import { ownLine } from './report.ts'

async function stopOne(ports: ReleasePorts, analysis: Analysis): Promise<StatusWord> {
  if (!isLive(analysis.state) && analysis.state !== 'stopping') return statusWord(analysis.state)
  if (isLive(analysis.state)) {
    const line = ownLine('info', 'ANALYSISSTOPPED', 'the analysis was stopped by a user', analysis)
    const end = { outcome: 'stopped', cause: 'stopped by a user', archive: false, line } as const
    const ended = await recordEnd(ports, analysis, end)
    if (!ended) {
      const present = await ports.store.findByKey(analysis.key)
      return present ? stopOne(ports, present) : 'stopped'
    }
    ports.log('action', 'analysis stopped', { analysis: analysis.id, run: analysis.run })
  }
  await releaseByKey(ports, analysis.key)
  return 'stopped'
}

/**
 * Stops one analysis, or all. For an ended one the answer is its status, and nothing is reported to the Hub.
 * @throws Fault `unavailable` when objects could not be removed yet: the stop is recorded, and the sweep continues it
 */
export const stop = (ports: ReleasePorts, selection: Selection): Promise<Record<string, StatusWord>> =>
  eachAnalysis(ports, selection, (analysis) => stopOne(ports, analysis))
