/** Objects that the suite applies, in the shapes and chains of a run. */

import type { KubernetesObject, OwnerReference } from '../../../shared/platform/ports.ts'
import type { PoCluster } from '../../../shared/po/ports/cluster.ts'

export const base64 = (text: string): string => Buffer.from(text).toString('base64')
export const PATIENCE = { timeout: 20_000, interval: 50 }

type Labels = Readonly<Record<string, string>>

export const secret = (name: string, data: Labels, labels: Labels = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, labels },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
})

export const config = (name: string, data: Labels, labels: Labels = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
})

export const policy = (name: string, owner?: OwnerReference): KubernetesObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, ...(owner ? { ownerReferences: [owner] } : {}) },
  spec: { podSelector: { matchLabels: { app: name } }, policyTypes: ['Ingress', 'Egress'] },
})

export interface Shape {
  readonly image?: string
  readonly script?: string
  readonly env?: Labels
  readonly owner?: OwnerReference
  readonly replicas?: number
  readonly restartPolicy?: string
}

/** Pods labelled `app: {name}`, each with one container named like the Deployment. */
export const deployment = (name: string, shape: Shape = {}): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name }, ...(shape.owner ? { ownerReferences: [shape.owner] } : {}) },
  spec: {
    replicas: shape.replicas ?? 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name,
            image: shape.image ?? 'example.invalid/none:1',
            command: ['sh', '-c', shape.script ?? 'sleep 600'],
            env: Object.entries(shape.env ?? {}).map(([key, value]) => ({ name: key, value })),
          },
        ],
      },
    },
  },
})

export const service = (
  name: string,
  labels: Labels,
  ports: readonly object[],
  selector: Labels | null,
): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels },
  spec: { ports, ...(selector ? { selector } : {}) },
})

export const ownedBy = (kind: 'ConfigMap' | 'NetworkPolicy', name: string, uid: string): OwnerReference => ({
  apiVersion: kind === 'ConfigMap' ? 'v1' : 'networking.k8s.io/v1',
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
})

/** ConfigMap (root) → policy → Deployment (→ ReplicaSet → pod). */
export async function applyChain(cluster: PoCluster, name: string, shape: Shape = {}): Promise<void> {
  const root = await cluster.apply(config(name, {}))
  const guard = await cluster.apply(policy(name, ownedBy('ConfigMap', name, root.uid)))
  await cluster.apply(deployment(name, { ...shape, owner: ownedBy('NetworkPolicy', name, guard.uid) }))
}

/** Read in reverse order of their deletion, so a later read implies the earlier ones. */
export async function presentOf(cluster: PoCluster, name: string): Promise<readonly boolean[]> {
  const present: boolean[] = []
  for (const kind of ['ConfigMap', 'NetworkPolicy', 'Deployment'] as const) {
    present.push((await cluster.find(kind, name)) !== undefined)
  }
  return [...present, (await cluster.pods({ app: name })).length > 0]
}
