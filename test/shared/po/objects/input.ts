/** A run to build objects from, and all of its objects in the order in which they are applied. */

import type { KubernetesObject } from '../../../../shared/platform/ports.ts'
import type { AnalysisId, RunNumber } from '../../../../shared/po/model.ts'
import {
  credentialsSecret,
  objectsOwnedByPolicy,
  policyOwnedByRoot,
  type RunInput,
  root,
} from '../../../../shared/po/objects/index.ts'
import type { Peer, PeerService } from '../../../../shared/po/ports/cluster.ts'

const service = (name: string, port: number, targetPort: number | string, selector: Record<string, string>) =>
  ({ name, port, targetPort, selector }) satisfies PeerService

export const PEER_SERVICES: Record<Peer, PeerService> = {
  broker: service('node-message-broker', 80, 8080, { component: 'flame-message-broker' }),
  storage: service('node-storage-service', 8080, 8080, { component: 'flame-storage-service' }),
  adapter: service('hub-adapter-service', 5000, 'http', { component: 'flame-hub-adapter' }),
  kong: service('kong-proxy', 80, 8000, { 'app.kubernetes.io/name': 'kong' }),
  orchestrator: service('po-service', 8000, 8080, { component: 'flame-po' }),
}

export const SETTINGS: RunInput['settings'] = {
  namespace: 'flame',
  clusterDomain: 'cluster.local',
  resolver: '10.96.0.10',
  dnsPeers: [{ to: { namespace: 'kube-system', label: ['k8s-app', 'kube-dns'] }, port: 53 }],
  nginxImage: 'nginxinc/nginx-unprivileged:1.29.8-alpine',
  isolation: null,
  netStatsImage: null,
  podSecurity: 'baseline',
  cpuRequest: '10m',
  cpuLimit: '',
  memoryRequest: '256Mi',
  memoryLimit: '8Gi',
  diskLimit: '10Gi',
  pullPolicy: 'auto',
  priorityClass: '',
  node: 'Node Aachen/1',
}

export const RUN: RunInput = {
  id: '3f0c5a52-6a0e-4d3e-9a35-0c2d4b7c1f10' as AnalysisId,
  run: 1 as RunNumber,
  firstRun: 1 as RunNumber,
  projectId: '9a7c0c0e-2f6b-4b0d-8c55-4f3e2d1c0b9a',
  image: 'registry.example/project/mean:1',
  needsKong: true,
  rootKind: 'ConfigMap',
  neighbour: null,
  peers: PEER_SERVICES,
  settings: SETTINGS,
}

export const LOGIN = { user: 'robot$node', password: 'pä"ss\\wörd:$x' }
export const TOKEN = 'header.payload.signature'

export const credentials = ({ needsKong }: Pick<RunInput, 'needsKong'>) => ({
  token: TOKEN,
  kongToken: needsKong ? 'kong-key' : 'none_needed',
  login: LOGIN,
  registryHost: 'registry.example',
})

/** What a create writes. Owners have the uids `root-uid` and `policy-uid`. */
export const written = (run: RunInput): readonly KubernetesObject[] => [
  root(run),
  credentialsSecret(run, 'root-uid', credentials(run)),
  policyOwnedByRoot(run, 'root-uid'),
  ...objectsOwnedByPolicy(run, 'policy-uid'),
]
