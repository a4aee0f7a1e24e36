/**
 * Puts our proxy in the place of the one of the Python service, under the same names, without a moment in which there is
 * none: the old pods go on by themselves until the new one is ready and the Service leads to it.
 *
 * For that they leave their Deployment (its name is needed, and its selector can never become ours) and lose the label by
 * which the new Deployment and the new Service would take them for their own. Each step may be repeated.
 */
import { Fault } from '../../platform/fault.ts'
import type { KubernetesObject } from '../../platform/ports.ts'
import { LABEL, proxyConfigName, proxyName, proxyPolicyName } from '../names.ts'
import { objectsOwnedByPolicy, type RunInput } from '../objects/index.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { OwnedKind, PoPodFacts } from '../ports/cluster.ts'

const LOOK_MS = 250
/** Deletions that leave something behind are carried out by a controller, within moments. */
const ORPHANING_MS = 30_000
/** Its image may have to be fetched. */
const READY_MS = 180_000
/** Requests under way may take until their pod is ended by force. */
const ENDING_MS = 45_000

/** Of the Python service, be it that it was claimed. */
const isFormer = ({ labels }: Pick<PoPodFacts, 'labels'>): boolean =>
  labels[LABEL.analysis] === undefined ||
  labels[LABEL.adopted] !== undefined ||
  labels[LABEL.restartsBefore] !== undefined

/** Looks again until it is so; false when time is up. */
async function within({ sleep, now }: AdoptPorts, ms: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const end = now().getTime() + ms
  while (!(await isSo())) {
    if (now().getTime() > end) return false
    await sleep(LOOK_MS)
  }
  return true
}

const formerSets = async ({ takeover }: AdoptPorts, app: string) =>
  (await takeover.replicaSets({ app })).filter((set) => isFormer(set) && !set.deleting)

const formerPods = async ({ cluster }: AdoptPorts, app: string) => (await cluster.pods({ app })).filter(isFormer)

/** A ReplicaSet of a former proxy that was left to itself, or is about to be. */
export const isSetApart = ({ labels }: Pick<PoPodFacts, 'labels'>): boolean =>
  labels['component'] === undefined &&
  labels[LABEL.analysis] === undefined &&
  /^nginx-analysis-/.test(labels['app'] ?? '')

/** Neither the selector of our Deployment nor that of our Service finds them any more, nor does the standing policy. */
async function setApart(ports: AdoptPorts, app: string): Promise<void> {
  const marks = { labels: { component: null } }
  for (const { name } of await formerSets(ports, app)) await ports.takeover.mark('ReplicaSet', name, marks)
  for (const { name } of await formerPods(ports, app)) await ports.takeover.mark('Pod', name, marks)
}

/** Takes the former Deployment away and leaves its pods. */
async function freeName(ports: AdoptPorts, name: string): Promise<void> {
  const found = await ports.cluster.find('Deployment', name)
  if (!found || !isFormer(found)) return
  await ports.takeover.orphan(name, found.uid)
  const isFree = async () => (await ports.cluster.find('Deployment', name))?.uid !== found.uid
  if (await within(ports, ORPHANING_MS, isFree)) return
  throw new Fault('unavailable', `Kubernetes did not give up the Deployment ${name} of the former proxy in time.`)
}

/** What keeps a pod, in words; empty if nothing is known. */
const stateOf = (pod: PoPodFacts | undefined): string =>
  pod?.unschedulable ?? pod?.containers.flatMap(({ waiting }) => waiting?.reason ?? []).join(', ') ?? ''

async function untilReady(ports: AdoptPorts, { id }: RunInput, app: string): Promise<void> {
  let pods: PoPodFacts[] = []
  const isReady = async () => {
    pods = await ports.cluster.pods({ app, [LABEL.analysis]: id })
    return pods.some(({ ready, deleting }) => ready && !deleting)
  }
  if (await within(ports, READY_MS, isReady)) return
  const why = stateOf(pods[0])
  throw new Fault(
    'unavailable',
    `The new proxy ${app} is not ready${why ? ` (${why})` : ''}; the former one serves until it is.`,
  )
}

/** The former pods end in peace; one that clings is not waited for longer than Kubernetes lets it. */
async function removeFormer(ports: AdoptPorts, app: string): Promise<void> {
  for (const { name } of await formerSets(ports, app)) await ports.takeover.removeReplicaSet(name)
  await within(ports, ENDING_MS, async () => (await formerPods(ports, app)).length === 0)
}

/** ReplicaSets that were set apart and not removed yet go: their run ends. */
export async function removeSetApart(ports: AdoptPorts, app: string): Promise<void> {
  for (const set of await formerSets(ports, app)) if (isSetApart(set)) await ports.takeover.removeReplicaSet(set.name)
}

/** @throws Fault `unavailable` when the new proxy does not get ready: then the former one still serves */
export async function replaceProxy(ports: AdoptPorts, input: RunInput, policyUid: string): Promise<void> {
  const { id, run } = input
  const app = proxyName(id, run)
  const objects = objectsOwnedByPolicy(input, policyUid)
  const apply = (kind: OwnedKind, name: string) => {
    const isIt = (object: KubernetesObject) => object.kind === kind && object.metadata.name === name
    return Promise.all(objects.filter(isIt).map((object) => ports.cluster.apply(object)))
  }
  await apply('NetworkPolicy', proxyPolicyName(id, run))
  await setApart(ports, app)
  await freeName(ports, app)
  await apply('ConfigMap', proxyConfigName(id, run))
  await apply('Deployment', app)
  await untilReady(ports, input, app)
  await apply('Service', app)
  await removeFormer(ports, app)
}
