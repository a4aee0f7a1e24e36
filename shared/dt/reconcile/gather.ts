/** Brings rows and resources together: what is new is adopted, what went is let go, what was cut off is completed. */
import {
  type Change,
  isEnded,
  isLive,
  LIVE_PHASES,
  parseServiceId,
  type Service,
  type ServiceId,
  type ServiceSpec,
} from '../model.ts'
import { finishedMark, LABEL, refusedMark } from '../names.ts'
import type { Resource } from '../ports/cluster.ts'
import type { Ports } from '../ports.ts'
import { readSpec, Unacceptable } from '../spec.ts'
import { SETTLED_MS } from '../terminate.ts'
import { type LookPorts, publish, setFree } from './one.ts'
import { canonical, isSaid, rejectedStatus } from './resource-status.ts'

export type GatherPorts = LookPorts & Pick<Ports, 'cluster'>

/** Labels that are the user's own: ours says what we know already. */
const userLabels = ({ labels }: Resource): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => key !== LABEL.finished))

async function reject({ cluster, log, now }: GatherPorts, resource: Resource, reason: string): Promise<void> {
  const status = rejectedStatus(resource, reason, now())
  if (!isSaid(resource, status)) await cluster.patchStatus(resource.name, status)
  const { uid, generation } = resource
  await cluster.patchResource(resource.name, { labels: { [LABEL.finished]: refusedMark(uid, generation) } })
  log('warn', 'resource not accepted', { service: resource.name, reason })
}

const isSame = (one: ServiceSpec, other: ServiceSpec): boolean =>
  JSON.stringify(canonical(one)) === JSON.stringify(canonical(other))

/**
 * True of a finished resource that was deleted and is restored from a backup: its label names the one that the row is of, and
 * it asks for the same. To run it a second time, its label has to go.
 */
const isRestored = ({ labels }: Resource, spec: ServiceSpec, known: Service | undefined): known is Service =>
  known !== undefined &&
  known.uid !== null &&
  isEnded(known.phase) &&
  labels[LABEL.finished] === finishedMark(known.uid) &&
  isSame(spec, known.spec)

async function restore(ports: GatherPorts, { id, phase }: Service, resource: Resource): Promise<void> {
  const restored = await ports.store.move(id, [phase], phase, { uid: resource.uid })
  if (restored) await publish(ports, restored, resource)
  ports.log('action', 'finished resource restored', { service: id })
}

/** The row that a resource without one gets, or with that of a former resource of its name. */
async function adopt(ports: GatherPorts, resource: Resource, known: Service | undefined): Promise<Service | undefined> {
  const { store, log, now } = ports
  try {
    const spec = readSpec(resource)
    if (isRestored(resource, spec, known)) {
      await restore(ports, known, resource)
      return undefined
    }
    const id = resource.name as ServiceId
    const { uid, createdAt } = resource
    const detail = { image: spec.image, jobType: spec.jobType, reps: spec.reps, firing: uid }
    const change: Change = { id, kind: 'launched', run: null, detail, at: now() }
    const adopted = await store.adopt({ id, uid, spec, labels: userLabels(resource), createdAt }, change)
    if (adopted) log('action', 'resource adopted', { service: id, image: spec.image, jobType: spec.jobType })
    return adopted
  } catch (error) {
    if (!(error instanceof Unacceptable)) throw error
    if (known && isLive(known.phase)) await letGo(ports, known)
    await reject(ports, resource, error.message)
    return undefined
  }
}

/** A label that came with a copy says nothing of the copy, and would be read at each sweep. */
async function unmark({ cluster }: GatherPorts, { name, labels }: Resource): Promise<void> {
  if (LABEL.finished in labels) await cluster.patchResource(name, { labels: { [LABEL.finished]: null } })
}

/** What is to be done about a resource that is there. Resolves to the service that is to be looked at. */
export async function meet(
  ports: GatherPorts,
  resource: Resource,
  known: Service | undefined,
): Promise<Service | undefined> {
  await setFree(ports, resource)
  if (resource.deleting) return undefined
  if (!known || (known.uid !== resource.uid && (isLive(known.phase) || isEnded(known.phase))))
    return met(ports, resource, await adopt(ports, resource, known))
  if (isEnded(known.phase)) await publish(ports, known, resource)
  return met(ports, resource, isLive(known.phase) ? known : undefined)
}

async function met(ports: GatherPorts, resource: Resource, service: Service | undefined): Promise<Service | undefined> {
  if (service) await unmark(ports, resource)
  return service
}

/** A live service whose resource is gone: somebody deleted it, and Kubernetes ends what it owned. */
async function letGo({ store, log, now }: GatherPorts, { id }: Service): Promise<void> {
  const reason = 'its resource was deleted'
  const change: Change = { id, kind: 'terminated', run: null, detail: { reason }, at: now() }
  if (await store.move(id, LIVE_PHASES, 'terminated', { reason, changes: [change] }))
    log('action', 'service terminated', { service: id, reason })
}

/** Removes what a terminated service, or a launch that was taken back, left; its rows go when nothing can come any more. */
async function clear(ports: GatherPorts, { id, endedAt }: Service, resource: Resource | undefined): Promise<void> {
  const { store, cluster, now, settings } = ports
  if (resource) {
    await setFree(ports, resource)
    if (!resource.deleting) await cluster.removeResource(id)
    return
  }
  const since = now().getTime() - (endedAt?.getTime() ?? 0)
  if (since > SETTLED_MS) await store.erase(id, settings.outputsAfterTerminate)
}

/** A launch whose process died: it is completed or forgotten, as its resource is there or not. */
async function settleLaunch({ store, now }: GatherPorts, { id, spec }: Service, resource: Resource | undefined) {
  if (!resource) return store.abandon(id)
  const detail = { image: spec.image, jobType: spec.jobType, reps: spec.reps }
  await store.launched(id, resource.uid, { id, kind: 'launched', run: null, detail, at: now() })
}

/** What is to be done about a row whose resource the list does not show. It is asked for by name before that is believed. */
export async function miss(
  ports: GatherPorts,
  service: Service,
): Promise<{ service: Service; resource: Resource } | undefined> {
  const resource = await ports.cluster.resource(service.id)
  if (service.phase === 'removing') await clear(ports, service, resource)
  else if (service.phase === 'launching') await settleLaunch(ports, service, resource)
  else if (!resource) await letGo(ports, service)
  else {
    const found = await meet(ports, resource, service)
    if (found) return { service: found, resource }
  }
  return undefined
}

export const nameIsId = ({ name }: Resource): boolean => parseServiceId(name) === name
