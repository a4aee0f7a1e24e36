/**
 * Replaces a proxy of the Python service by ours under the same names, without downtime: the old pods serve until the new pod
 * is ready and the Service selects it.
 *
 * The new Deployment needs the name of the old one, and a selector is immutable. So the old Deployment is deleted, its pods are
 * orphaned, and they lose the label by which the new Deployment and Service would select them. Every step can be repeated.
 */
import { Fault } from '../../platform/fault.ts'
import type { KubernetesObject } from '../../platform/ports.ts'
import { LABEL, proxyConfigName, proxyName, proxyPolicyName } from '../names.ts'
import { objectsOwnedByPolicy, type RunInput } from '../objects/index.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { OwnedKind, PoPodFacts } from '../ports/cluster.ts'

const POLL_MS = 250
/** The garbage collector orphans dependents. */
const ORPHANING_MS = 30_000
/** Includes the pull of the image. */
const READY_MS = 180_000
/** Longer than the grace period of a pod with open requests. */
const ENDING_MS = 45_000

/** Created by the Python service, claimed or not. */
const isFormer = ({ labels }: Pick<PoPodFacts, 'labels'>): boolean =>
  labels[LABEL.analysis] === undefined ||
  labels[LABEL.adopted] !== undefined ||
  labels[LABEL.restartsBefore] !== undefined

async function pollUntil({ sleep, now }: AdoptPorts, ms: number, isTrue: () => Promise<boolean>): Promise<boolean> {
  const end = now().getTime() + ms
  while (!(await isTrue())) {
    if (now().getTime() > end) return false
    await sleep(POLL_MS)
  }
  return true
}

const formerSets = async ({ takeover }: AdoptPorts, app: string) =>
  (await takeover.replicaSets({ app })).filter((set) => isFormer(set) && !set.deleting)

const formerPods = async ({ cluster }: AdoptPorts, app: string) => (await cluster.pods({ app })).filter(isFormer)

/** A ReplicaSet of a former proxy after `detach`. */
export const isDetached = ({ labels }: Pick<PoPodFacts, 'labels'>): boolean =>
  labels['component'] === undefined &&
  labels[LABEL.analysis] === undefined &&
  /^nginx-analysis-/.test(labels['app'] ?? '')

/** Removes the label by which our Deployment, our Service and the standing policy select the former pods. */
async function detach(ports: AdoptPorts, app: string): Promise<void> {
  const marks = { labels: { component: null } }
  for (const { name } of await formerSets(ports, app)) await ports.takeover.mark('ReplicaSet', name, marks)
  for (const { name } of await formerPods(ports, app)) await ports.takeover.mark('Pod', name, marks)
}

/** Deletes the former Deployment and orphans its pods. */
async function freeName(ports: AdoptPorts, name: string): Promise<void> {
  const found = await ports.cluster.find('Deployment', name)
  if (!found || !isFormer(found)) return
  await ports.takeover.orphan(name, found.uid)
  const isFree = async () => (await ports.cluster.find('Deployment', name))?.uid !== found.uid
  if (await pollUntil(ports, ORPHANING_MS, isFree)) return
  throw new Fault('unavailable', `Kubernetes did not give up the Deployment ${name} of the former proxy in time.`)
}

const reasonOf = (pod: PoPodFacts | undefined): string =>
  pod?.unschedulable ?? pod?.containers.flatMap(({ waiting }) => waiting?.reason ?? []).join(', ') ?? ''

async function untilReady(ports: AdoptPorts, { id }: RunInput, app: string): Promise<void> {
  let pods: PoPodFacts[] = []
  const isReady = async () => {
    pods = await ports.cluster.pods({ app, [LABEL.analysis]: id })
    return pods.some(({ ready, deleting }) => ready && !deleting)
  }
  if (await pollUntil(ports, READY_MS, isReady)) return
  const why = reasonOf(pods[0])
  throw new Fault(
    'unavailable',
    `The new proxy ${app} is not ready${why ? ` (${why})` : ''}; the former one serves until it is.`,
  )
}

/** Removes the former pods and waits for their grace period. */
async function removeFormer(ports: AdoptPorts, app: string): Promise<void> {
  for (const { name } of await formerSets(ports, app)) await ports.takeover.removeReplicaSet(name)
  await pollUntil(ports, ENDING_MS, async () => (await formerPods(ports, app)).length === 0)
}

export async function removeDetached(ports: AdoptPorts, app: string): Promise<void> {
  for (const set of await formerSets(ports, app)) if (isDetached(set)) await ports.takeover.removeReplicaSet(set.name)
}

/** @throws Fault `unavailable` when the new proxy does not become ready: then the former one still serves */
export async function replaceProxy(ports: AdoptPorts, input: RunInput, policyUid: string): Promise<void> {
  const { id, run } = input
  const app = proxyName(id, run)
  const objects = objectsOwnedByPolicy(input, policyUid)
  const apply = (kind: OwnedKind, name: string) => {
    const isIt = (object: KubernetesObject) => object.kind === kind && object.metadata.name === name
    return Promise.all(objects.filter(isIt).map((object) => ports.cluster.apply(object)))
  }
  await apply('NetworkPolicy', proxyPolicyName(id, run))
  await detach(ports, app)
  await freeName(ports, app)
  await apply('ConfigMap', proxyConfigName(id, run))
  await apply('Deployment', app)
  await untilReady(ports, input, app)
  await apply('Service', app)
  await removeFormer(ports, app)
}
