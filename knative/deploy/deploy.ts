/** An overlay into a cluster: checked as a whole, then applied stage by stage, each one working before the next begins. */

import { SECRETS_NAME } from '../manifests/environment.ts'
import { selectorOf } from '../manifests/labels.ts'
import { checkAdmission } from './admission.ts'
import * as cluster from './kubectl.ts'
import { type DeployedObject, isFunction, Refused, refOf, titleOf } from './objects.ts'
import { imagesOf, namespaceOf, type Plan, planOf, STAGES, type Stage } from './plan.ts'
import { preflight } from './preflight.ts'
import { referred, sourcesOf, stamped } from './settings-stamp.ts'
import { untilReady } from './wait.ts'

interface DeployInput {
  readonly overlay: string
  /** File of `NAME=value` lines that the Secret is made of; without it the one that is there stays. */
  readonly secrets?: string | undefined
  readonly timeoutSeconds: number
  /** Removes what an earlier version had and this one has not. */
  readonly prune?: boolean
  readonly say: (line: string) => void
}

const WHAT: Readonly<Record<Stage, string>> = {
  foundation: 'settings, accounts, policies',
  migration: 'the database',
  events: 'brokers and bindings',
  functions: 'functions and gateway',
  sources: 'what sends events',
}

/** Kinds whose objects of an earlier version may be left over. Jobs go by themselves, Namespaces and Secrets are not ours. */
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

const selector = (): string => `app.kubernetes.io/part-of=${selectorOf('function')['app.kubernetes.io/part-of']}`

/** A Job cannot be changed: the one of the last deployment makes room. */
async function makeRoom(jobs: readonly DeployedObject[]): Promise<void> {
  await cluster.remove(jobs.filter(({ kind }) => kind === 'Job').map(refOf))
}

/** What admission would refuse is refused before anything runs differently. */
async function checkAll(plan: Plan, namespace: string): Promise<void> {
  const namespaces = plan.foundation.filter(({ kind }) => kind === 'Namespace')
  if (namespaces.length > 0 && !(await cluster.get('namespace', namespace))) return // nothing can be tried in it yet
  const changeable = STAGES.flatMap((stage) => plan[stage]).filter(({ kind }) => kind !== 'Job')
  await cluster.apply(
    changeable.filter((object) => !isFunction(object)),
    'dry run',
  )
  // Serving tries the pod of a function, which takes its account.
  await cluster.apply(plan.foundation)
  await cluster.apply(plan.functions, 'dry run')
}

/** Functions with the stamp of what they read, as it is in the cluster now. */
async function withStamps(functions: readonly DeployedObject[], namespace: string) {
  const sources = await cluster.getAll(
    referred(functions).map(({ kind, name }) => ({ apiVersion: 'v1', kind, name, namespace })),
  )
  return functions.map((object) => stamped(object, sourcesOf(sources)))
}

async function applyStage(stage: Stage, objects: readonly DeployedObject[], namespace: string, input: DeployInput) {
  if (objects.length === 0) return
  input.say(`${stage}: ${WHAT[stage]} (${objects.length})`)
  if (stage === 'migration') await makeRoom(objects)
  const applied = stage === 'functions' ? await withStamps(objects, namespace) : objects
  await cluster.apply(applied)
  await cluster.forgetClientSide(applied.filter(isFunction).map(refOf))
  // A binding waits for the functions that it binds.
  const awaited = applied.filter(({ kind }) => kind !== 'SinkBinding')
  await untilReady(awaited, {
    namespace,
    timeoutSeconds: input.timeoutSeconds,
    say: stage === 'foundation' ? () => {} : input.say,
  })
}

async function leftOver(objects: readonly DeployedObject[], namespace: string): Promise<readonly DeployedObject[]> {
  const found = await cluster.select(PRUNED, namespace, selector())
  const wanted = new Set(objects.map((object) => `${object.apiVersion} ${object.kind} ${object.metadata.name}`))
  const made = ({ metadata }: DeployedObject) => !('ownerReferences' in metadata)
  return found.filter(
    (object) => made(object) && !wanted.has(`${object.apiVersion} ${object.kind} ${object.metadata.name}`),
  )
}

async function handleLeftOver(objects: readonly DeployedObject[], namespace: string, { prune, say }: DeployInput) {
  const left = await leftOver(objects, namespace)
  if (left.length === 0) return
  say(`${prune ? 'removing what is' : 'left over'} of an earlier version: ${left.map(titleOf).join(', ')}`)
  if (prune) await cluster.remove(left.map(refOf))
  else say('  PRUNE=1 removes it')
}

/** @throws with every reason why it could not begin, or with what does not work and why */
export async function deploy(input: DeployInput): Promise<void> {
  const began = Date.now()
  const objects = await cluster.render(input.overlay)
  const namespace = namespaceOf(objects)
  input.say(`${input.overlay} → namespace ${namespace}, images ${imagesOf(objects).join(', ')}`)
  const plan = planOf(objects)
  const secret = input.secrets ? await cluster.renderSecret(SECRETS_NAME, namespace, input.secrets) : undefined
  const faults = await preflight(objects, namespace, secret)
  if (faults.length > 0) throw new Refused(`nothing was applied:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  for (const warning of await checkAdmission()) input.say(`WARNING: ${warning}`)
  if (secret) await cluster.apply([...plan.foundation.filter(({ kind }) => kind === 'Namespace'), secret])
  await checkAll(plan, namespace)
  for (const stage of STAGES) await applyStage(stage, plan[stage], namespace, input)
  await handleLeftOver(objects, namespace, input)
  input.say(`deployed in ${Math.round((Date.now() - began) / 1000)} s`)
}
