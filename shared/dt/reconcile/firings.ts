/** The firings of a service: the outcome of each, and whether its fan-in has to be made. Pure. */
import { type FiringVerdict, judge } from '../lifecycle.ts'
import type { Counts, Run, Service } from '../model.ts'
import { BATCH, parseJobName } from '../names.ts'
import { firingOf, jobOf, repsOf } from './runs.ts'
import type { View } from './world.ts'

/** A firing with its fan-in. */
export interface FiringState extends FiringVerdict {
  readonly firing: number
  /** All replications are over, and the fan-in has no Job yet. */
  readonly wantsFanIn: boolean
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
 * The view without firings that were recorded and pruned. Kubernetes may keep their Jobs for longer: its history limits count
 * failed Jobs apart, and Jobs of fan-ins not at all. To see them again would record and publish them again.
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

/** All known firings, in order. */
export function firings(service: Service, view: View, runs: readonly Run[]): FiringState[] {
  const named = view.jobs.flatMap(({ name }) => {
    const ref = parseJobName(name)
    return ref ? [firingOf(ref, service)] : []
  })
  const numbers = new Set([...named, ...runs.map(({ firing }) => firing)])
  return [...numbers].toSorted((one, other) => one - other).map((firing) => firingState(service, view, runs, firing))
}

export function totalCounts(states: readonly FiringState[]): Counts {
  const sum = (count: keyof Counts) => states.reduce((total, { counts }) => total + counts[count], 0)
  return { active: sum('active'), succeeded: sum('succeeded'), failed: sum('failed') }
}

/** Firings that are over and not recorded yet, in order, up to the first that is not over. */
export function newlyOver(states: readonly FiringState[], last: number): FiringState[] {
  const later = states.filter(({ firing }) => firing > last)
  const first = later.findIndex(({ isOver }) => !isOver)
  return first < 0 ? later : later.slice(0, first)
}
