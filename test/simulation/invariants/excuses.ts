/**
 * What befell an analysis and may have ended a run of it: trouble of its pods, its own failure, hands, or a way to it that
 * was broken for several polls. Whoever has no excuse may neither be restarted nor fail.
 */
import type { AnalysisId } from '../../../shared/po/model.ts'
import { ownersOf, type Thing } from '../cluster/objects.ts'
import type { Trace } from '../core/trace.ts'

export interface Excuses {
  readonly excuse: (id: AnalysisId, why: string) => void
  readonly isExcused: (id: AnalysisId) => boolean
  readonly startAnew: (id: AnalysisId) => void
  /** A poll failed on its way, or arrived. */
  readonly unanswered: (id: AnalysisId) => void
  readonly answered: (id: AnalysisId) => void
  /** Somebody deleted an object of the analysis. */
  readonly touched: (id: AnalysisId, thing?: Thing) => void
  readonly wasRemovedByHand: (thing: Thing) => boolean
}

/** So many failed polls in a row may be a silence. */
const SILENCE = 3

export function createExcuses(trace: Trace): Excuses {
  const excused = new Set<AnalysisId>()
  const unheard = new Map<AnalysisId, number>()
  const byHand = new Set<string>()

  const excuse = (id: AnalysisId, why: string): void => {
    if (!excused.has(id)) trace.note('excuse', why, () => id)
    excused.add(id)
  }

  return {
    excuse,
    isExcused: (id) => excused.has(id),
    startAnew: (id) => excused.delete(id),
    unanswered: (id) => {
      const polls = (unheard.get(id) ?? 0) + 1
      unheard.set(id, polls)
      if (polls >= SILENCE) excuse(id, 'polls failed on their way')
    },
    answered: (id) => unheard.delete(id),
    touched: (id, thing) => {
      excuse(id, 'hand')
      if (thing) byHand.add(thing.uid)
    },
    // With an object goes all that hangs on it.
    wasRemovedByHand: (thing) => byHand.has(thing.uid) || ownersOf(thing).some(({ uid }) => byHand.has(uid)),
  }
}
