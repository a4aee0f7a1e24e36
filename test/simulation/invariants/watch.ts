/**
 * Invariants of every moment. Each promise has a name, under which a seed that breaks it is reported. The invariants after the
 * faults have stopped are in `rest.ts`.
 */
import { CREATION_LEASE_MS } from '../../../shared/po/create.ts'
import { type AnalysisId, type HubStatus, isLive, type RunNumber, type State } from '../../../shared/po/model.ts'
import { LABEL, policyName, STANDING_POLICY_NAME } from '../../../shared/po/names.ts'
import { isPodEnding, keyOf, type Namespace, type Pod, type Thing } from '../cluster/objects.ts'
import { isAnalysis, runOf } from '../world/analysis.ts'
import { holdsSecret } from '../world/secrets.ts'
import type { Incarnation, Ledger, LedgerWatch, StatusReport } from './ledger.ts'

export const PROMISES = [
  'at most one live run',
  'an end is final',
  'run numbers never repeat',
  'progress never falls',
  'statuses of a run never regress',
  'the Hub hears what was recorded, in order',
  'no secret leaves Kubernetes',
  'no pod without a policy',
  'a live analysis keeps its client',
  'a live analysis keeps its Secrets',
  'no restart and no failure that was not earned',
  'changes are published in order, each once',
  'no defect',
  'the world comes to rest',
] as const
export type PromiseName = (typeof PROMISES)[number]

export type Break = (promise: PromiseName, what: unknown) => void

export interface WatchDeps {
  readonly broken: Break
  readonly elapsed: () => number
  readonly namespace: Namespace
  /** The analysis had a fault that may end its run. */
  readonly isExcused: (id: AnalysisId) => boolean
  /** A new incarnation, without faults. */
  readonly startAnew: (id: AnalysisId) => void
  /** An administrator deleted this object. */
  readonly wasRemovedByHand: (thing: Thing) => boolean
}

/** A create that is in progress when its analysis ends may apply objects until its lease expires, but not later. */
const UNDER_WAY_MS = CREATION_LEASE_MS

const RANK: Readonly<Record<HubStatus, number>> = {
  starting: 0,
  started: 1,
  executing: 2,
  stopping: 3,
  executed: 4,
  stopped: 4,
  failed: 4,
}

/** Checks all recorded effects. */
export function watchLedger({
  broken,
  isExcused,
  startAnew,
}: Pick<WatchDeps, 'broken' | 'isExcused' | 'startAnew'>): LedgerWatch {
  const last = new Map<string, { rank: number; progress: number }>()

  const earned = (incarnation: Incarnation, to: State): void => {
    const isBad = to === 'restarting' || to === 'failed'
    if (isBad && !isExcused(incarnation.id)) {
      broken('no restart and no failure that was not earned', { ...incarnation })
    }
  }

  const inOrder = (id: AnalysisId, { key, run, report }: StatusReport): void => {
    if (key === undefined) return
    const rank = RANK[report.status]
    const ofRun = last.get(`${key}/${run}`)
    const ofAnalysis = last.get(key)
    if ((ofRun && rank < ofRun.rank) || (ofAnalysis && ofAnalysis.rank >= 4)) {
      broken('statuses of a run never regress', { id, run, status: report.status, after: ofAnalysis })
    }
    const seen = { rank, progress: report.progress ?? 0 }
    last.set(`${key}/${run}`, seen)
    last.set(key, seen)
  }

  return {
    begun: ({ id, run, firstRun }, former) => {
      if (run === firstRun) startAnew(id)
      if (former !== undefined && run <= former) broken('run numbers never repeat', { id, run, former })
    },
    moved: (incarnation, from, to) => {
      const isOver = !isLive(from)
      if (isOver && to !== from && !(from === 'stopping' && to === 'stopped')) {
        broken('an end is final', { id: incarnation.id, run: incarnation.run, from, to })
      }
      if (isOver === false && to !== from) earned(incarnation, to)
    },
    progressed: ({ id, run }, from, to) => {
      if (to < from || to > 100) broken('progress never falls', { id, run, from, to })
    },
    reported: inOrder,
    repeated: (id, run, to) => broken('changes are published in order, each once', { id, run, again: to }),
  }
}

export interface Watch {
  readonly podMade: (pod: Pod) => void
  readonly thingMade: (thing: Thing) => void
  readonly thingGone: (thing: Thing) => void
  readonly clientRemoved: (id: AnalysisId) => void
  readonly told: (id: AnalysisId, status: HubStatus, progress: number | null) => void
  /** Data that a process sends to any part except Kubernetes and Keycloak. */
  readonly left: (where: string, what: unknown) => void
  /** A change that the sink accepted or refused. */
  readonly changeTold: (id: AnalysisId, event: string) => void
  /** Numbers of statuses of an analysis at the Hub, and of its changes at the sink. */
  readonly heard: (id: AnalysisId) => number
  readonly changesTold: (id: AnalysisId) => number
}

/** Checks the effects on the world. */
export function watchWorld(deps: WatchDeps & { readonly ledger: Ledger }): Watch {
  const { broken, elapsed, namespace, ledger } = deps
  const heard = new Map<AnalysisId, number>()
  const changes = new Map<AnalysisId, number>()

  const guarded = (pod: Pod): boolean => {
    const { id, run } = runOf(pod)
    const { things } = namespace
    return (
      things.has(keyOf('NetworkPolicy', STANDING_POLICY_NAME)) ||
      things.has(keyOf('NetworkPolicy', policyName(id, run)))
    )
  }

  const unguarded = (pods: Iterable<Pod>): void => {
    for (const pod of pods) {
      if (isAnalysis(pod) && !guarded(pod)) broken('no pod without a policy', { pod: pod.name, deleting: pod.deleting })
    }
  }

  /** A late write may create a pod for a deleted run; it is collected. */
  const alone = (pod: Pod): void => {
    if (isPodEnding(namespace, pod)) return
    const { id, run } = runOf(pod)
    for (const other of namespace.pods.values()) {
      const its = runOf(other)
      if (other === pod || !isAnalysis(other) || its.id !== id || its.run === run) continue
      if (!isPodEnding(namespace, other)) broken('at most one live run', { made: pod.name, beside: other.name })
    }
  }

  const notOver = (thing: Thing): void => {
    const incarnation = ownerOf(ledger, thing)
    const since = incarnation?.endedAt
    if (since !== undefined && elapsed() - since > UNDER_WAY_MS) {
      broken('an end is final', { made: thing.name, secondsAfter: (elapsed() - since) / 1000 })
    }
  }

  return {
    heard: (id) => heard.get(id) ?? 0,
    changesTold: (id) => changes.get(id) ?? 0,
    changeTold: (id, event) => {
      const expected = (ledger.changes.get(id) ?? []).map(({ run, to }) => `${id}/${run}/${to}`)
      const at = changes.get(id) ?? 0
      if (expected[at] === event) changes.set(id, at + 1)
      else if (!expected.slice(0, at).includes(event)) {
        broken('changes are published in order, each once', { event, expected: expected[at] })
      }
    },
    podMade: (pod) => {
      if (!isAnalysis(pod)) return
      alone(pod)
      unguarded([pod])
    },
    thingMade: notOver,
    thingGone: (thing) => {
      if (thing.kind === 'NetworkPolicy') unguarded(namespace.pods.values())
      const incarnation = thing.kind === 'Secret' ? ownerOf(ledger, thing) : undefined
      if (!incarnation || incarnation.state === 'withdrawn' || !isLive(incarnation.state)) return
      if (!deps.wasRemovedByHand(thing)) broken('a live analysis keeps its Secrets', { gone: thing.name })
    },
    clientRemoved: (id) => {
      const live = ledger.live(id)
      if (live) broken('a live analysis keeps its client', { id, run: live.run, state: live.state })
    },
    told: (id, status, progress) => {
      const expected = ledger.statuses.get(id) ?? []
      const at = heard.get(id) ?? 0
      const is = (nth: number) => {
        const report = expected[nth]?.report
        return report?.status === status && report.progress === progress
      }
      if (is(at)) heard.set(id, at + 1)
      else if (!is(at - 1)) {
        broken('the Hub hears what was recorded, in order', { id, status, progress, expected: expected[at]?.report })
      }
    },
    left: (where, what) => {
      const text = typeof what === 'string' ? what : (JSON.stringify(what) ?? '')
      if (holdsSecret(text)) broken('no secret leaves Kubernetes', { where, text })
    },
  }
}

/** The incarnation that the object belongs to. */
function ownerOf(ledger: Ledger, { object }: Thing): Incarnation | undefined {
  const labels = object.metadata.labels ?? {}
  const id = labels[LABEL.analysis] as AnalysisId | undefined
  return id && ledger.byRun(id, Number(labels[LABEL.run]) as RunNumber)
}
