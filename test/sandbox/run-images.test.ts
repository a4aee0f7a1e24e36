import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPoCluster } from '../../shared/adapters/kubernetes/po/index.ts'
import { analysisSelector, proxySelector, rootName } from '../../shared/po/names.ts'
import {
  credentialsSecret,
  objectsOwnedByPolicy,
  policyOwnedByRoot,
  type RunInput,
  root,
} from '../../shared/po/objects/index.ts'
import type { Peer, PeerService } from '../../shared/po/ports/cluster.ts'
import { LOGIN, PEER_SERVICES, RUN, SETTINGS } from '../shared/po/objects/input.ts'
import { type Kubernetes, startKubernetes } from './kubernetes/index.ts'
import { KONG_TOKEN, type Peers, startPeers } from './peers.ts'
import { NGINX_IMAGE, runImages } from './run-images.ts'
import { createServicePorts, type ServicePorts } from './service-ports.ts'
import { unsignedToken } from './token.ts'

const lines: { log: string; status: string; progress: number; run: unknown }[] = []
const orchestrator = http.createServer(async (request, response) => {
  lines.push({ ...JSON.parse(await text(request)), run: request.headers['x-flame-run'] })
  response.end('null')
})

const RUN_INPUT: RunInput = {
  ...RUN,
  image: 'sandbox/mean-fast:1',
  settings: { ...SETTINGS, nginxImage: NGINX_IMAGE, netStatsImage: 'busybox:1.37' },
}

const directory = mkdtempSync(join(tmpdir(), 'run-images-'))
let kubernetes: Kubernetes
let services: ServicePorts
let peers: Peers
let cluster: ReturnType<typeof createPoCluster>

beforeAll(async () => {
  peers = await startPeers()
  await new Promise<void>((resolve) => orchestrator.listen(0, '127.0.0.1', resolve))
  kubernetes = await startKubernetes({
    images: {
      ...runImages({ portOf: (service, port) => services.portOf(service, port), peerServices: PEER_SERVICES }),
      // A shell of this machine.
      'busybox:1.37': ({ command: [command = 'sh', ...args] }) => ({ command, args }),
    },
  })
  services = createServicePorts(kubernetes)
  const hostPorts = { ...peers.ports, orchestrator: (orchestrator.address() as { port: number }).port }
  for (const [peer, { name, port, selector }] of Object.entries(PEER_SERVICES) as [Peer, PeerService][])
    kubernetes.addService({ name, labels: selector, port, host: '127.0.0.1', hostPort: hostPorts[peer] })
  const KUBECONFIG = join(directory, 'kubeconfig')
  writeFileSync(KUBECONFIG, kubernetes.kubeconfig())
  cluster = createPoCluster({ env: { KUBECONFIG } })
})
afterAll(async () => {
  await cluster?.close()
  await services?.stop()
  await kubernetes?.stop()
  await peers?.close()
  orchestrator.close()
  rmSync(directory, { recursive: true })
})

test('the objects of a run, applied to the sandbox, are an analysis that finishes', { timeout: 40_000 }, async () => {
  const { uid } = await cluster.apply(root(RUN_INPUT))
  const secrets = {
    login: LOGIN,
    registryHost: 'registry.example',
    token: unsignedToken(RUN.id),
    kongToken: KONG_TOKEN,
  }
  await cluster.apply(credentialsSecret(RUN_INPUT, uid, secrets))
  const policy = await cluster.apply(policyOwnedByRoot(RUN_INPUT, uid))
  for (const object of objectsOwnedByPolicy(RUN_INPUT, policy.uid)) await cluster.apply(object)

  await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toMatchObject({ status: 'executed', progress: 100 })
  expect(new Set(lines.map(({ run }) => run))).toEqual(new Set([`analysis-${RUN.id}-1`]))
  expect(peers.results(RUN.id)).toMatchObject([{ area: 'final', name: 'means.json' }])
  const healthz = await fetch(
    `http://127.0.0.1:${await services.portOf(`nginx-analysis-${RUN.id}-1`, 80)}/analysis/healthz`,
  )
  expect(await healthz.json()).toMatchObject({ status: 'executed' })
  const [pod] = await cluster.pods(analysisSelector(RUN.id, RUN.run))
  expect(pod?.containers.map(({ name }) => name.replace(RUN.id, 'ID'))).toEqual([
    'analysis-ID-1',
    'net-stats-analysis-ID-1',
  ])
  const log = await cluster.log(pod?.name ?? '', `analysis-${RUN.id}-1`, 10_000)
  expect([...(log?.text ?? [])].join('')).toContain('round 3 of 3')

  await cluster.remove('ConfigMap', rootName(RUN.id, RUN.firstRun))
  const left = async () => [
    await cluster.find('ConfigMap', rootName(RUN.id, RUN.firstRun)),
    ...(await cluster.pods(analysisSelector(RUN.id, RUN.run))),
    ...(await cluster.pods(proxySelector(RUN.id, RUN.run))),
  ]
  await expect.poll(left, { timeout: 15_000 }).toEqual([undefined])
})
