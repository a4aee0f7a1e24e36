/**
 * The controllers of Kubernetes that a run depends on, one step at a time: the garbage collector, which deletes dependents
 * before an owner in foreground deletion and objects without an owner, and Deployments, which keep one pod each.
 */
import { isThere, labelsOf, type Namespace, ownersOf, type Pod, type Thing, templateOf } from './objects.ts'

export interface ControllerDeps {
  readonly namespace: Namespace
  readonly erase: (thing: Thing) => void
  readonly endPod: (pod: Pod) => void
  readonly makePod: (deployment: Thing) => void
}

type Work = () => void

/** Does all work that is due; its consequences are due in the next step. @returns whether there was any */
export function controllersStep({ namespace, erase, endPod, makePod }: ControllerDeps): boolean {
  const things = [...namespace.things.values()]
  const pods = [...namespace.pods.values()]

  /** Deletes the dependents that block an owner; if there are none, the owner. */
  const goes = (thing: Thing): Work[] => {
    const ownerIn = (other: Thing) => ownersOf(other).find(({ uid }) => uid === thing.uid)
    const below = things.filter((other) => ownerIn(other)?.blockOwnerDeletion)
    const itsPods = pods.filter(({ owner }) => owner.uid === thing.uid)
    if (below.length + itsPods.length === 0) return [() => erase(thing)]
    return [
      ...below.filter(({ deleting }) => !deleting).map((other) => () => startDeleting(other)),
      ...itsPods.filter(({ deleting }) => !deleting).map((pod) => () => endPod(pod)),
    ]
  }

  const isOrphan = (thing: Thing): boolean => {
    const owners = ownersOf(thing)
    return owners.length > 0 && !owners.some(({ kind, uid }) => isThere(namespace, kind as Thing['kind'], uid))
  }
  const lacksPod = (thing: Thing): boolean => thing.kind === 'Deployment' && !pods.some((pod) => isActive(pod, thing))

  const workOn = (thing: Thing): Work[] => {
    if (thing.deleting) return goes(thing)
    if (isOrphan(thing)) return [() => erase(thing)]
    return lacksPod(thing) ? [() => makePod(thing)] : []
  }

  const lost = pods.filter((pod) => !pod.deleting && !isThere(namespace, 'Deployment', pod.owner.uid))
  const work = [...things.flatMap(workOn), ...lost.map((pod) => () => endPod(pod))]
  for (const act of work) act()
  return work.length > 0
}

const startDeleting = (thing: Thing): void => {
  thing.deleting = true
}

const isActive = ({ owner, deleting, phase }: Pod, deployment: Thing): boolean =>
  owner.uid === deployment.uid && !deleting && phase !== 'Failed'

/** Labels that a Deployment gives its pods. */
export const podLabels = (deployment: Thing): Readonly<Record<string, string>> => ({
  ...labelsOf(deployment),
  ...templateOf(deployment).metadata.labels,
})
