/** Checks the preconditions of a deployment and returns all faults at once. */

import { API_VERSION, KIND } from '../../shared/dt/names.ts'
import { allRoutes, dtRoutes, type SettingGroup } from '../../shared/routes/index.ts'
import { type Config, ConfigFault, groupsOf, loadConfig } from '../../shared/settings/config.ts'
import { SECRETS_NAME, SETTINGS_NAME } from '../manifests/environment.ts'
import * as cluster from './kubectl.ts'
import { type DeployedObject, isFunction } from './objects.ts'
import { imagesOf } from './plan.ts'

const EXAMPLE_IMAGE = /^registry\.example\//

export function unserved(objects: readonly DeployedObject[], served: ReadonlySet<string>): string[] {
  const missing = Map.groupBy(
    objects.filter(({ apiVersion }) => !served.has(apiVersion)),
    ({ apiVersion }) => apiVersion,
  )
  return [...missing].map(([version, of]) => {
    const kinds = [...new Set(of.map(({ kind }) => kind))].join(', ')
    return `the cluster does not serve ${version} (${kinds}): ${remedyFor(version)}`
  })
}

const DT = new Set(dtRoutes.map(({ name }) => name))

/** The digital-twin functions need the Analytics kind. It is cluster-scoped, so no overlay contains it. */
export const kindsOfDt = (objects: readonly DeployedObject[], served: ReadonlySet<string>): string[] =>
  objects.some((object) => isFunction(object) && DT.has(object.metadata.name)) && !served.has(API_VERSION)
    ? [`the cluster does not serve ${API_VERSION} (${KIND}): kubectl apply -k knative/config/crd`]
    : []

function remedyFor(version: string): string {
  if (version.startsWith('serving.knative.dev/')) return 'install Knative Serving'
  if (/^(eventing|sources)\.knative\.dev\//.test(version)) return 'install Knative Eventing'
  if (version.startsWith('gateway.networking.k8s.io/')) return 'install the Gateway API and a gateway'
  return 'install what does'
}

const settingsOf = (objects: readonly DeployedObject[]): Readonly<Record<string, string>> =>
  objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === SETTINGS_NAME)?.data ?? {}

/** Kubernetes refuses pods with an unknown PriorityClass. It is cluster-scoped, so no overlay contains it. */
async function priorityFaults(objects: readonly DeployedObject[]): Promise<string[]> {
  const { RUN_PRIORITY_CLASS: name } = settingsOf(objects)
  if (!name || (await cluster.get('priorityclass', name))) return []
  return [
    `there is no PriorityClass ${name} (RUN_PRIORITY_CLASS): kubectl apply -k knative/config/priority makes po-runs`,
  ]
}

const decoded = (data: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('utf8')]))

function groupsRead(objects: readonly DeployedObject[], env: Record<string, string>): readonly SettingGroup[] {
  const names = new Set(objects.map(({ metadata }) => metadata.name))
  const deployed = allRoutes.filter(({ name }) => names.has(name))
  return [...new Set(deployed.flatMap((route) => groupsOf(route, env)))]
}

/** The faults that functions would find at start. */
export function settingFaults(
  objects: readonly DeployedObject[],
  secret: DeployedObject | undefined,
  load: (groups: readonly SettingGroup[], env: Record<string, string>) => Config = loadConfig,
): readonly string[] {
  const given = { ...settingsOf(objects), ...decoded(secret?.data) }
  const env = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
  try {
    load(groupsRead(objects, env), env)
    return []
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults
    throw error
  }
}

/** @param given the Secret to be applied; default: the one in the cluster */
export async function preflight(
  objects: readonly DeployedObject[],
  namespace: string,
  given?: DeployedObject,
): Promise<readonly string[]> {
  const examples = imagesOf(objects).filter((image) => EXAMPLE_IMAGE.test(image))
  const served = await cluster.servedVersions()
  const faults = [
    ...examples.map((image) => `${image} is the example's image: set yours under \`images\` of the overlay`),
    ...unserved(objects, served),
    ...kindsOfDt(objects, served),
    ...(await priorityFaults(objects)),
  ]
  const rendered = objects.some(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace)
  if (!rendered && !(await cluster.get('namespace', namespace))) {
    faults.push(`there is no namespace ${namespace}: create it, or add it to the overlay`)
  }
  const secret = given ?? (await cluster.get('secret', SECRETS_NAME, namespace))
  if (secret) return [...faults, ...settingFaults(objects, secret)]
  return [
    ...faults,
    `there is no Secret ${SECRETS_NAME} in namespace ${namespace}: fill in a copy of knative/config/secrets.env.template and name it with SECRETS=FILE`,
  ]
}
