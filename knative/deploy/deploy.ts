/** Deploys an overlay: checks it as a whole, then applies it in stages, each of which must be ready before the next begins. */

import { SECRETS_NAME } from '../manifests/environment.ts'
import { PART_OF } from '../manifests/labels.ts'
import { checkAdmission } from './admission.ts'
import * as cluster from './kubectl.ts'
import { DeployError, type DeployedObject, isFunction, refOf, titleOf } from './objects.ts'
import { imagesOf, namespaceOf, type Plan, planOf, STAGES, type Stage } from './plan.ts'
import { preflight } from './preflight.ts'
import { referred, sourcesOf, stamped } from './settings-stamp.ts'
import { untilReady } from './wait.ts'

interface DeployInput {
  readonly overlay: string
  /** File of `NAME=value` lines for the Secret; without it the existing Secret is kept. */
  readonly secrets?: string | undefined
  readonly timeoutSeconds: number
  /** Deletes objects of an earlier version that this one does not have. */
  readonly prune?: boolean
  readonly print: (line: string) => void
}

const STAGE_TITLES: Readonly<Record<Stage, string>> = {
  foundation: 'settings, accounts, policies',
  migration: 'the database',
  events: 'brokers and bindings',
  functions: 'functions and gateway',
  sources: 'what sends events',
}

/** Kinds that may be pruned. Jobs expire by their TTL; Namespaces and Secrets belong to the operator. */
const PRUNED = [
  'services.v1.serving.knative.dev',
  'pingsources.v1.sources.knative.dev',
  'apiserversources.v1.sources.knative.dev',
  'sinkbindings.v1.sources.knative.dev',
  'triggers.v1.eventing.knative.dev',
  'brokers.v1.eventing.knative.dev',
  'poddisruptionbudgets.v1.policy',
  'deployments.v1.apps',
  'services.v1.',
  'configmaps.v1.',
  'serviceaccounts.v1.',
  'roles.v1.rbac.authorization.k8s.io',
  'rolebindings.v1.rbac.authorization.k8s.io',
  'networkpolicies.v1.networking.k8s.io',
]

/** Finds what admission refuses before any workload changes. */
async function dryRun(plan: Plan, namespace: string): Promise<void> {
  const namespaces = plan.foundation.filter(({ kind }) => kind === 'Namespace')
  if (namespaces.length > 0 && !(await cluster.get('namespace', namespace))) return // a dry run needs the namespace
  const objects = STAGES.flatMap((stage) => plan[stage])
  await cluster.apply(
    objects.filter((object) => object.kind !== 'Job' && !isFunction(object)),
    'dry run',
  )
  // Serving's dry run creates the pod of a function, which needs its service account.
  await cluster.apply(plan.foundation)
  await cluster.apply(plan.functions, 'dry run')
}

async function withStamps(functions: readonly DeployedObject[], namespace: string) {
  const sources = await cluster.getAll(
    referred(functions).map(({ kind, name }) => ({ apiVersion: 'v1', kind, name, namespace })),
  )
  return functions.map((object) => stamped(object, sourcesOf(sources)))
}

async function applyStage(stage: Stage, objects: readonly DeployedObject[], namespace: string, input: DeployInput) {
  if (objects.length === 0) return
  input.print(`${stage}: ${STAGE_TITLES[stage]} (${objects.length})`)
  // The pod template of a Job is immutable, so the Job of the last deployment is deleted first.
  if (stage === 'migration') await cluster.deleteAll(objects.filter(({ kind }) => kind === 'Job').map(refOf))
  const applied = stage === 'functions' ? await withStamps(objects, namespace) : objects
  await cluster.apply(applied)
  await cluster.dropClientSideState(applied.filter(isFunction).map(refOf))
  // A SinkBinding is ready only after its functions exist.
  const awaited = applied.filter(({ kind }) => kind !== 'SinkBinding')
  await untilReady(awaited, {
    namespace,
    timeoutSeconds: input.timeoutSeconds,
    print: stage === 'foundation' ? () => {} : input.print,
  })
}

/** Objects of this installation in the cluster that the overlay does not contain. */
async function obsoleteObjects(
  objects: readonly DeployedObject[],
  namespace: string,
): Promise<readonly DeployedObject[]> {
  const found = await cluster.selectAll(PRUNED, namespace, `app.kubernetes.io/part-of=${PART_OF}`)
  const keyOf = ({ apiVersion, kind, metadata }: DeployedObject) => `${apiVersion} ${kind} ${metadata.name}`
  const expected = new Set(objects.map(keyOf))
  return found.filter((object) => !('ownerReferences' in object.metadata) && !expected.has(keyOf(object)))
}

async function pruneObsolete(objects: readonly DeployedObject[], namespace: string, { prune, print }: DeployInput) {
  const obsolete = await obsoleteObjects(objects, namespace)
  if (obsolete.length === 0) return
  print(`${prune ? 'removing what is' : 'left over'} of an earlier version: ${obsolete.map(titleOf).join(', ')}`)
  if (prune) await cluster.deleteAll(obsolete.map(refOf))
  else print('  PRUNE=1 removes it')
}

/** @throws DeployError with all faults of the overlay, or with the objects that are not ready and why */
export async function deploy(input: DeployInput): Promise<void> {
  const startedAt = Date.now()
  const objects = await cluster.renderOverlay(input.overlay)
  const namespace = namespaceOf(objects)
  input.print(`${input.overlay} → namespace ${namespace}, images ${imagesOf(objects).join(', ')}`)
  const plan = planOf(objects)
  const secret = input.secrets ? await cluster.renderSecret(SECRETS_NAME, namespace, input.secrets) : undefined
  const faults = await preflight(objects, namespace, secret)
  if (faults.length > 0)
    throw new DeployError(`nothing was applied:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  for (const warning of await checkAdmission()) input.print(`WARNING: ${warning}`)
  if (secret) await cluster.apply([...plan.foundation.filter(({ kind }) => kind === 'Namespace'), secret])
  await dryRun(plan, namespace)
  for (const stage of STAGES) await applyStage(stage, plan[stage], namespace, input)
  await pruneObsolete(objects, namespace, input)
  input.print(`deployed in ${Math.round((Date.now() - startedAt) / 1000)} s`)
}
