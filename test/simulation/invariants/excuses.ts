/**
 * Faults that may have ended a run of an analysis: those of its pods or of itself, actions of administrators, or a connection
 * that was broken for several polls. An analysis without an excuse may neither be restarted nor fail.
 */
import type { AnalysisId } from '../../../shared/po/model.ts'
import { ownersOf, type Thing } from '../cluster/objects.ts'
import type { Trace } from '../core/trace.ts'

export interface Excuses {
  readonly excuse: (id: AnalysisId, why: string) => void
  readonly isExcused: (id: AnalysisId) => boolean
  readonly startAnew: (id: AnalysisId) => void
  /** A poll failed, reached no process, or arrived. */
  readonly lost: (id: AnalysisId) => void
  readonly unanswered: (id: AnalysisId) => void
  readonly answered: (id: AnalysisId) => void
  /** An administrator deleted an object of the analysis. */
  readonly touched: (id: AnalysisId, thing?: Thing) => void
  readonly wasRemovedByHand: (thing: Thing) => boolean
}

/** Consecutive polls without a response that may count as silence; it is excused if a connection failed in one of them. */
const SILENCE = 3

export function createExcuses(trace: Trace): Excuses {
  const excused = new Set<AnalysisId>()
  const unheard = new Map<AnalysisId, { readonly polls: number; readonly lost: boolean }>()
  const byHand = new Set<string>()

  const excuse = (id: AnalysisId, why: string): void => {
    if (!excused.has(id)) trace.note('excuse', why, () => id)
    excused.add(id)
  }

  const missed = (id: AnalysisId, onItsWay: boolean): void => {
    const before = unheard.get(id)
    const now = { polls: (before?.polls ?? 0) + 1, lost: onItsWay || (before?.lost ?? false) }
    unheard.set(id, now)
    if (now.polls >= SILENCE && now.lost) excuse(id, 'polls failed on their way')
  }

  return {
    excuse,
    isExcused: (id) => excused.has(id),
    startAnew: (id) => excused.delete(id),
    lost: (id) => missed(id, true),
    unanswered: (id) => missed(id, false),
    answered: (id) => unheard.delete(id),
    touched: (id, thing) => {
      excuse(id, 'hand')
      if (thing) byHand.add(thing.uid)
    },
    // The dependents of an object are deleted with it.
    wasRemovedByHand: (thing) => byHand.has(thing.uid) || ownersOf(thing).some(({ uid }) => byHand.has(uid)),
  }
}
