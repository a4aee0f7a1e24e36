/**
 * Each function is a separate user of the API server with exactly the permissions of its route, so that the real RBAC refuses
 * everything else.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import { isGranted, role, roleBinding, serviceAccount } from '../../knative/manifests/rbac.ts'
import { poRoutes, type Route } from '../../shared/routes/index.ts'
import type { Api } from './api.ts'

/** From outside the cluster, functions reach its Services through the API server (`SIDECAR_REACH=api`). */
const REACH = { apiGroups: [''], resources: ['services/proxy'], verbs: ['get', 'create', 'update', 'delete'] }

async function makeAccount(api: Api, route: Route): Promise<string> {
  await api.create(serviceAccount(route))
  await Promise.all([api.create(role(route, [REACH])), api.create(roleBinding(route, api.namespace))])
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } }
  const made = await api.post<{ status: { token: string } }>('ServiceAccount', `${route.name}/token`, request)
  return made.status.token
}

function kubeconfigOf(admin: string, name: string, token: string): string {
  const config = new KubeConfig()
  config.loadFromFile(admin)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Error('the kubeconfig names no cluster')
  const users = [{ name, token }]
  config.loadFromOptions({
    clusters: [cluster],
    users,
    contexts: [{ name, cluster: cluster.name, user: name }],
    currentContext: name,
  })
  return config.exportConfig()
}

/** A kubeconfig file for each function. A function without permissions cannot reach the API server at all. */
export async function grant(
  api: Api,
  kubeconfig: string,
  folder: string,
  routes: readonly Route[] = poRoutes,
): Promise<(route: Route) => string | undefined> {
  const talking = routes.filter(isGranted)
  const made = talking.map(async (route) => {
    const file = join(folder, route.name)
    await writeFile(file, kubeconfigOf(kubeconfig, route.name, await makeAccount(api, route)), { mode: 0o600 })
    return [route.name, file] as const
  })
  const files = new Map(await Promise.all(made))
  return ({ name }) => files.get(name)
}
