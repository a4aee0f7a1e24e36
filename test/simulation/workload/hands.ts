/** Administrators of the cluster, who delete objects and drain nodes. */

import type { KubernetesObject } from '../../../shared/platform/ports.ts'
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import { LABEL, policyName, rootName, STANDING_POLICY_NAME } from '../../../shared/po/names.ts'
import type { ClusterModel } from '../cluster/index.ts'
import { keyOf, labelsOf, type Pod, type Thing } from '../cluster/objects.ts'
import type { Plan } from '../core/plan.ts'
import type { Random } from '../core/random.ts'
import type { Timeline } from '../core/timeline.ts'
import type { Trace } from '../core/trace.ts'
import { runOf } from '../world/analysis.ts'

export interface HandDeps {
  readonly model: ClusterModel
  readonly random: Random
  readonly timeline: Timeline
  readonly plan: Plan
  readonly trace: Trace
  readonly isBusy: () => boolean
  readonly touched: (id: AnalysisId, thing?: Thing) => void
}

export function createHands({ model, random, timeline, plan, trace, isBusy, touched }: HandDeps) {
  const { namespace } = model
  const saved: KubernetesObject[] = []
  /** If restored, these belong to the administrator: a Deployment runs pods, and no function can find a Secret. */
  const isTheirs = ({ kind }: Thing) => kind === 'Deployment' || kind === 'Secret'

  const drain = (): void => {
    for (const pod of namespace.pods.values()) if (random.chance(0.5)) endPod(pod)
  }

  const endPod = (pod: Pod): void => {
    trace.note('hand', 'deletes pod', () => pod.name)
    touched(runOf(pod).id)
    model.endPod(pod)
  }

  /** The standing policy or one of a run, never both: without any policy isolation cannot be expected. */
  const mayGo = (thing: Thing): boolean => {
    if (thing.name === STANDING_POLICY_NAME) return !plan.handsOpenRuns
    const id = labelsOf(thing)[LABEL.analysis] as AnalysisId
    const run = Number(labelsOf(thing)[LABEL.run]) as RunNumber
    return plan.handsOpenRuns || ![policyName(id, run), rootName(id, run)].includes(thing.name)
  }

  const removeThing = (): void => {
    const things = [...namespace.things.values()].filter(mayGo)
    if (things.length === 0) return
    const thing = random.pick(things)
    const how = plan.handsOpenRuns ? random.pick(['foreground', 'background'] as const) : 'foreground'
    trace.note('hand', `deletes ${thing.kind} ${how}`, () => thing.name)
    const id = labelsOf(thing)[LABEL.analysis]
    if (id) touched(id as AnalysisId, thing)
    model.remove(thing.kind, thing.name, how)
  }

  /** Applies the saved manifest of a deleted object again, without an owner. */
  const putBack = (): void => {
    const object = random.pick(saved)
    if (namespace.things.has(keyOf(object.kind, object.metadata.name))) return
    const { ownerReferences, ...metadata } = object.metadata
    trace.note('hand', `puts back ${object.kind}`, () => metadata.name)
    touched(metadata.labels?.[LABEL.analysis] as AnalysisId)
    model.putBack({ ...object, metadata })
  }

  const save = (): void => {
    const owned = [...namespace.things.values()].filter((thing) => labelsOf(thing)[LABEL.analysis] && !isTheirs(thing))
    if (owned.length > 0) saved.push(random.pick(owned).object)
  }

  const act = (): void => {
    const pods = [...namespace.pods.values()]
    const what = random.weighted({ pod: 3, thing: 5, drain: 1, putBack: saved.length > 0 ? 2 : 0 })
    save()
    if (what === 'drain') drain()
    else if (what === 'thing') removeThing()
    else if (what === 'putBack') putBack()
    else if (pods.length > 0) endPod(random.pick(pods))
  }

  const begin = (): void => {
    if (plan.hands === 0) return
    timeline.after((random.next() * 120_000) / plan.hands, () => {
      if (!isBusy()) return
      act()
      begin()
    })
  }
  return { begin }
}
