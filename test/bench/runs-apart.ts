/**
 * The sandbox's Kubernetes API over TLS, with running analyses, as a separate process: the analyses 1 to ANALYSES, each with
 * all objects of its first run, applied as `create` does, and its two pods, as a kubelet reports them. The pods have no
 * processes, and no garbage collector runs.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import { applyRoot, applyRun } from '../../shared/po/apply-run.ts'
import type { RunNumber } from '../../shared/po/model.ts'
import type { RunInput } from '../../shared/po/objects/index.ts'
import type { PoCluster } from '../../shared/po/ports/cluster.ts'
import { loadConfig } from '../../shared/settings/config.ts'
import { poSettings } from '../../shared/wire/settings.ts'
import { createServerIdentity } from '../sandbox/kubernetes/certificate.ts'
import { createApi, type Exchange } from '../sandbox/kubernetes/http.ts'
import { type KubeObject, kindNamed } from '../sandbox/kubernetes/objects.ts'
import { podSpecOf } from '../sandbox/kubernetes/pod-types.ts'
import { createResources } from '../sandbox/kubernetes/resources.ts'
import { createStore, timestamp } from '../sandbox/kubernetes/store.ts'
import { startWorkloads } from '../sandbox/kubernetes/workloads.ts'
import { analysisId } from './analyses.ts'
import { serveApart } from './apart.ts'
import { PEER_SERVICES } from './peer-services.ts'
import { renderOnce } from './rendered-lists.ts'

const NAMESPACE = 'flame'
const ANALYSES = Number(process.env['ANALYSES'])
const LOG_BYTES = Number(process.env['LOG_BYTES'] ?? 0)
const FIRST_RUN = 1 as RunNumber

const store = createStore()
const resources = createResources(store, () => true)
const { run: settings } = poSettings(loadConfig(['runs'], { NAMESPACE, CLUSTER_RESOLVER: '127.0.0.1' }))

function apply(object: KubernetesObject): { uid: string } {
  const kind = kindNamed(object.kind)
  return resources.apply(kind, NAMESPACE, object.metadata.name, object, 'flame-po', true).object.metadata
}

const cluster = { apply: async (object: KubernetesObject) => apply(object) } as PoCluster

async function addRun(n: number): Promise<void> {
  const id = analysisId(n)
  const input: RunInput = {
    id,
    run: FIRST_RUN,
    firstRun: FIRST_RUN,
    projectId: randomUUID(),
    image: 'registry.invalid/project/analysis:1',
    needsKong: false,
    rootKind: 'ConfigMap',
    neighbour: null,
    peers: {},
    settings,
  }
  const login = { user: 'robot', password: 'not-a-real-one' }
  const secrets = { login, registryHost: 'registry.invalid', token: 'not-a-real-one', kongToken: 'none_needed' }
  const rootUid = await applyRoot({ cluster }, input, secrets)
  await applyRun({ cluster }, input, rootUid)
}

/** About as long as those of a kubelet with containerd. */
function running(pod: KubeObject): KubeObject {
  const at = timestamp()
  const condition = (type: string) => ({
    type,
    status: 'True',
    observedGeneration: 1,
    lastProbeTime: null,
    lastTransitionTime: at,
  })
  const digest = () => `sha256:${randomBytes(32).toString('hex')}`
  const status = {
    phase: 'Running',
    observedGeneration: 1,
    qosClass: 'Burstable',
    startTime: at,
    hostIP: '10.0.0.1',
    hostIPs: [{ ip: '10.0.0.1' }],
    podIP: '10.1.0.1',
    podIPs: [{ ip: '10.1.0.1' }],
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
    containerStatuses: podSpecOf(pod).containers.map(({ name, image }) => ({
      name,
      image,
      imageID: `${image}@${digest()}`,
      containerID: `containerd://${digest()}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: at } },
      lastState: {},
    })),
  }
  return { ...pod, status }
}

const metadata = { name: NAMESPACE }
resources.create(kindNamed('Namespace'), undefined, { apiVersion: 'v1', kind: 'Namespace', metadata }, 'bench')
for (const { name, labels, port } of PEER_SERVICES) {
  apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { selector: labels, ports: [{ port }] },
  })
}
const stopWorkloads = startWorkloads(store, resources)
let made = 0
const stopCounting = store.onChange(({ type, kind }) => {
  if (type === 'ADDED' && kind.kind === 'Pod') made += 1
})
for (let n = 1; n <= ANALYSES; n += 1) await addRun(n)
while (made < 2 * ANALYSES) await turn()
stopCounting()
for (const pod of store.list(kindNamed('Pod'), NAMESPACE)) resources.write(running(pod))
await turn()
stopWorkloads()

const LOG_LINE = Buffer.from(`${'x'.repeat(1023)}\n`)

async function sendLog({ response }: Exchange): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain' })
  const lines = Array.from({ length: LOG_BYTES / LOG_LINE.length }, () => LOG_LINE)
  await pipeline(Readable.from(lines), response).catch(() => {}) // the reader may have disconnected
}

const requests: string[] = []
const token = randomBytes(24).toString('base64url')
const identity = createServerIdentity()
const server = createApi({ store, resources, token, subresources: { 'pods/log': sendLog }, identity })
renderOnce(server, (method, path) => {
  requests.push(`${method} ${path}`)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')

const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
const authority = Buffer.from(identity.cert).toString('base64')
const kubeconfig = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'bench', cluster: { server: url, 'certificate-authority-data': authority } }],
  users: [{ name: 'bench', user: { token } }],
  contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench', namespace: NAMESPACE } }],
  'current-context': 'bench',
})

/** Answers each question with the requests since the last one. */
serveApart<unknown, readonly string[]>(kubeconfig, () => requests.splice(0))
