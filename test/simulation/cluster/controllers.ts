/**
 * The controllers of Kubernetes that a run depends on, a step at a time and never at once: the garbage collector, which
 * deletes dependents before an owner that goes in the foreground and whatever has no owner left, and Deployments, which
 * keep one pod each.
 */
import { isThere, labelsOf, type Namespace, ownersOf, type Pod, type Thing, templateOf } from './objects.ts'

export interface ControllerDeps {
  readonly namespace: Namespace
  readonly erase: (thing: Thing) => void
  readonly endPod: (pod: Pod) => void
  readonly makePod: (deployment: Thing) => void
}

/** All work that is due now; what follows from it is due the next time. */
export function controllersStep({ namespace, erase, endPod, makePod }: ControllerDeps): void {
  const things = [...namespace.things.values()]
  const pods = [...namespace.pods.values()]
  const dependents = new Map<string, Thing[]>()
  for (const thing of things) {
    for (const { uid } of ownersOf(thing)) dependents.set(uid, [...(dependents.get(uid) ?? []), thing])
  }

  const inForeground = (thing: Thing): (() => void) => {
    const below = dependents.get(thing.uid) ?? []
    const itsPods = pods.filter(({ owner }) => owner.uid === thing.uid)
    if (below.length + itsPods.length === 0) return () => erase(thing)
    return () => {
      for (const dependent of below) dependent.deleting = true
      for (const pod of itsPods) endPod(pod)
    }
  }

  const work: (() => void)[] = []
  for (const thing of things) {
    const owners = ownersOf(thing)
    if (thing.deleting) work.push(inForeground(thing))
    else if (owners.length > 0 && !owners.some(({ kind, uid }) => isThere(namespace, kind as Thing['kind'], uid))) {
      work.push(() => erase(thing))
    } else if (thing.kind === 'Deployment' && !pods.some((pod) => isActive(pod, thing))) {
      work.push(() => makePod(thing))
    }
  }
  for (const pod of pods) {
    if (!isThere(namespace, 'Deployment', pod.owner.uid)) work.push(() => endPod(pod))
  }
  for (const act of work) act()
}

const isActive = ({ owner, deleting, phase }: Pod, deployment: Thing): boolean =>
  owner.uid === deployment.uid && !deleting && phase !== 'Failed'

/** Labels that a Deployment gives its pods. */
export const podLabels = (deployment: Thing): Readonly<Record<string, string>> => ({
  ...labelsOf(deployment),
  ...templateOf(deployment).metadata.labels,
})
