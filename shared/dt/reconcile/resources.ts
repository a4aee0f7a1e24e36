/**
 * Pairs rows with `Analytics` resources, and writes what a resource says of its service.
 *
 * - A resource that exists (`reconcileResource`): a new one is adopted, one with an unacceptable spec is rejected, and a finished
 *   one that was restored from a backup gets its status again.
 * - A row without a resource in the list (`handleMissingResource`): its resource is read by name first. A launch is completed
 *   or forgotten, a removal continued, and a live service whose resource is gone is marked deleted.
 */
import {
  isEnded,
  isLive,
  LIVE_PHASES,
  parseServiceId,
  type Service,
  type ServiceChange,
  type ServiceId,
  type ServiceSpec,
} from '../model.ts'
import { finishedMark, LABEL, OLD_FINALIZER, refusedMark } from '../names.ts'
import type { Resource } from '../ports/cluster.ts'
import type { DtPorts } from '../ports.ts'
import { readSpec, Unacceptable } from '../spec.ts'
import { SETTLED_MS } from '../terminate.ts'
import { canonical, isUpToDate, rejectedStatus, statusOf } from './resource-status.ts'

type ResourcePorts = Pick<DtPorts, 'store' | 'cluster' | 'settings' | 'log' | 'now'>

/** A live service and its resource. */
export interface Pair {
  readonly service: Service
  readonly resource: Resource
}

/**
 * Handles a resource that exists.
 * @param known the row of its name
 * @returns the live service to reconcile
 */
export async function reconcileResource(
  ports: ResourcePorts,
  resource: Resource,
  known: Service | undefined,
): Promise<Service | undefined> {
  await removeFinalizer(ports, resource)
  if (resource.deleting) return undefined
  const service = await liveServiceOf(ports, resource, known)
  if (service) await removeMark(ports, resource)
  return service
}

async function liveServiceOf(
  ports: ResourcePorts,
  resource: Resource,
  known: Service | undefined,
): Promise<Service | undefined> {
  if (!known || (known.uid !== resource.uid && (isLive(known.phase) || isEnded(known.phase))))
    return adopt(ports, resource, known)
  if (isEnded(known.phase)) await writeStatus(ports, known, resource)
  return isLive(known.phase) ? known : undefined
}

/** Handles a row whose resource is not in the list. Resolves to the pair to reconcile, if the resource does exist. */
export async function handleMissingResource(ports: ResourcePorts, service: Service): Promise<Pair | undefined> {
  const resource = await ports.cluster.resource(service.id)
  if (service.phase === 'removing') await continueRemoval(ports, service, resource)
  else if (service.phase === 'launching') await resolveLaunch(ports, service, resource)
  else if (!resource) await markDeleted(ports, service)
  else {
    const found = await reconcileResource(ports, resource, service)
    if (found) return { service: found, resource }
  }
  return undefined
}

export const hasIdAsName = ({ name }: Resource): boolean => parseServiceId(name) === name

// ----------------------------------------------------------------------------------------------------- adopt

/** Makes the row of a resource that has none, or replaces the row of a former resource with its name. */
async function adopt(
  ports: ResourcePorts,
  resource: Resource,
  known: Service | undefined,
): Promise<Service | undefined> {
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
    const change: ServiceChange = { id, kind: 'launched', run: null, detail, at: now() }
    const adopted = await store.adopt({ id, uid, spec, labels: userLabels(resource), createdAt }, change)
    if (adopted) log('action', 'resource adopted', { service: id, image: spec.image, jobType: spec.jobType })
    return adopted
  } catch (error) {
    if (!(error instanceof Unacceptable)) throw error
    if (known && isLive(known.phase)) await markDeleted(ports, known)
    await reject(ports, resource, error.message)
    return undefined
  }
}

/** Without our own label. */
const userLabels = ({ labels }: Resource): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => key !== LABEL.finished))

/**
 * True for a finished resource that was deleted and restored from a backup: its mark names the uid in the row, and its spec is
 * the same. It does not run again unless its user removes the mark.
 */
const isRestored = ({ labels }: Resource, spec: ServiceSpec, known: Service | undefined): known is Service =>
  known !== undefined &&
  known.uid !== null &&
  isEnded(known.phase) &&
  labels[LABEL.finished] === finishedMark(known.uid) &&
  isSame(spec, known.spec)

const isSame = (one: ServiceSpec, other: ServiceSpec): boolean =>
  JSON.stringify(canonical(one)) === JSON.stringify(canonical(other))

async function restore(ports: ResourcePorts, { id, phase }: Service, resource: Resource): Promise<void> {
  const restored = await ports.store.move(id, [phase], phase, { uid: resource.uid })
  if (restored) await writeStatus(ports, restored, resource)
  ports.log('action', 'finished resource restored', { service: id })
}

async function reject({ cluster, log, now }: ResourcePorts, resource: Resource, reason: string): Promise<void> {
  const status = rejectedStatus(resource, reason, now())
  if (!isUpToDate(resource, status)) await cluster.patchStatus(resource.name, status)
  const { uid, generation } = resource
  await cluster.patchResource(resource.name, { labels: { [LABEL.finished]: refusedMark(uid, generation) } })
  log('warn', 'resource not accepted', { service: resource.name, reason })
}

// --------------------------------------------------------------------------------------------------- missing

/** Ends a live service whose resource others have deleted. Kubernetes deletes what the resource owned. */
async function markDeleted({ store, log, now }: ResourcePorts, { id }: Service): Promise<void> {
  const reason = 'its resource was deleted'
  const change: ServiceChange = { id, kind: 'terminated', run: null, detail: { reason }, at: now() }
  if (await store.move(id, LIVE_PHASES, 'terminated', { reason, changes: [change] }))
    log('action', 'service terminated', { service: id, reason })
}

/** Removes the resource of a terminated service. Its rows go once no late call can make anything any more. */
async function continueRemoval(ports: ResourcePorts, { id, endedAt }: Service, resource: Resource | undefined) {
  const { store, cluster, now, settings } = ports
  if (resource) {
    await removeFinalizer(ports, resource)
    if (!resource.deleting) await cluster.removeResource(id)
    return
  }
  const sinceMs = now().getTime() - (endedAt?.getTime() ?? 0)
  if (sinceMs > SETTLED_MS) await store.erase(id, settings.outputsAfterTerminate)
}

/** A launch whose process died: completed if its resource exists, else forgotten. */
async function resolveLaunch({ store, now }: ResourcePorts, { id, spec }: Service, resource: Resource | undefined) {
  if (!resource) return store.abandon(id)
  const detail = { image: spec.image, jobType: spec.jobType, reps: spec.reps }
  await store.launched(id, resource.uid, { id, kind: 'launched', run: null, detail, at: now() })
}

// -------------------------------------------------------------------------------------- writes to a resource

/** Writes the status of a service to its resource. One that has ended is also marked, so that no sweep reads it again. */
export async function writeStatus(ports: ResourcePorts, service: Service, resource: Resource): Promise<void> {
  const { cluster, now } = ports
  const status = statusOf(service, resource, now())
  if (!isUpToDate(resource, status)) await cluster.patchStatus(resource.name, status)
  if (!isEnded(service.phase)) return
  await expireJobs(ports, service)
  await cluster.patchResource(resource.name, { labels: { [LABEL.finished]: finishedMark(resource.uid) } })
}

/** The outcome is recorded: Kubernetes may remove the Jobs of the service after their TTL. */
async function expireJobs({ cluster, settings }: ResourcePorts, { id, uid, spec }: Service): Promise<void> {
  if (spec.jobType === 'persistent') return
  for (const { name, labels, ttlSeconds } of await cluster.jobs([id]))
    if (labels[LABEL.resource] === uid && ttlSeconds === null) await cluster.expire(name, settings.service.ttlSeconds)
}

/** Removes the mark of a live service: it was copied with its resource, and every sweep would read the resource by name. */
async function removeMark({ cluster }: ResourcePorts, { name, labels }: Resource): Promise<void> {
  if (LABEL.finished in labels) await cluster.patchResource(name, { labels: { [LABEL.finished]: null } })
}

/** Removes the finalizer of the former operator, which would keep the resource for ever. */
async function removeFinalizer({ cluster, log }: ResourcePorts, { name, finalizers }: Resource): Promise<void> {
  if (!finalizers.includes(OLD_FINALIZER)) return
  await cluster.patchResource(name, { finalizers: finalizers.filter((finalizer) => finalizer !== OLD_FINALIZER) })
  log('action', 'finalizer of the former operator removed', { service: name })
}
