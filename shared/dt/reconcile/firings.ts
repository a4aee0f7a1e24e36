/** Firings of a service: what became of each, and what is still to be done for it. Pure. */
import { addCounts, judge, NO_RUNS } from '../lifecycle.ts'
import type { Counts, Run, Service } from '../model.ts'
import { BATCH, parseJobName } from '../names.ts'
import { firingOf, jobOf, repsOf } from './runs.ts'
import type { View } from './world.ts'

export interface FiringState {
  readonly firing: number
  readonly counts: Counts
  /** All runs are over, the fan-in included. */
  readonly isOver: boolean
  /** All replications are over, and its fan-in has no Job yet. */
  readonly wantsFanIn: boolean
  readonly reason: string | null
}

function firingState(service: Service, view: View, all: readonly Run[], firing: number): FiringState {
  const reps = repsOf(service)
  const runs = all.filter((run) => run.firing === firing)
  const job = jobOf(view.jobs, service, { firing, index: 0, attempt: 0 })
  const { counts, isOver, reason } = judge(runs, reps, job)
  const done = { firing, counts, isOver, wantsFanIn: false, reason }
  if (!isOver || !service.spec.fanIn || counts.succeeded === 0) return done
  const fanInJob = jobOf(view.jobs, service, { firing, index: reps, attempt: 0 })
  const fanInRuns = runs.filter(({ index }) => index === reps)
  if (!fanInJob && fanInRuns.length === 0) return { ...done, isOver: false, wantsFanIn: true }
  const shifted = fanInRuns.map((run) => ({ ...run, index: 0 }))
  const own = fanInJob && { ...fanInJob, completedIndexes: [], failedIndexes: fanInJob.failedIndexes.map(() => 0) }
  const fanIn = judge(shifted, 1, own)
  const failed =
    fanIn.counts.failed > 0 ? `its fan-in failed: ${shifted.at(-1)?.reason ?? 'its Job was deleted'}` : null
  return { ...done, isOver: fanIn.isOver, reason: reason ?? failed }
}

/**
 * Without what Kubernetes still has of firings that were told and are forgotten. Its history is not ours: Jobs that failed are
 * counted apart, and those of fan-ins not at all. What is seen of them would be recorded and told anew.
 */
export function withoutForgotten(service: Service, view: View): View {
  const known = new Set(view.runs.map(({ firing }) => firing))
  const isForgotten = (job: string): boolean => {
    const ref = parseJobName(job)
    return ref !== undefined && firingOf(ref, service) <= service.firing && !known.has(firingOf(ref, service))
  }
  return {
    ...view,
    jobs: view.jobs.filter(({ name }) => !isForgotten(name)),
    pods: view.pods.filter(({ labels }) => !isForgotten(labels[BATCH.jobName] ?? '')),
  }
}

/** All firings that are known, in their order. */
export function firings(service: Service, view: View, runs: readonly Run[]): FiringState[] {
  const named = view.jobs.flatMap(({ name }) => {
    const ref = parseJobName(name)
    return ref ? [firingOf(ref, service)] : []
  })
  const numbers = new Set([...named, ...runs.map(({ firing }) => firing)])
  return [...numbers].toSorted((one, other) => one - other).map((firing) => firingState(service, view, runs, firing))
}

export const sumOf = (states: readonly FiringState[]): Counts =>
  states.reduce((sum, { counts }) => addCounts(sum, counts), NO_RUNS)

/** Firings that ended since the last one that was told, in order; one that is not over holds the later ones back. */
export function newlyOver(states: readonly FiringState[], last: number): FiringState[] {
  const later = states.filter(({ firing }) => firing > last)
  const first = later.findIndex(({ isOver }) => !isOver)
  return first < 0 ? later : later.slice(0, first)
}
