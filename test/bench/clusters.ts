/** The Kubernetes APIs of the benchmarks, with the settings by which functions connect to them. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ApiConnection, connectApi, createPoCluster } from '../../shared/adapters/kubernetes/po/index.ts'
import { takeInventory } from '../../shared/po/inventory.ts'
import { type Apart, startApart } from './apart.ts'
import { PEER_SERVICES } from './peer-services.ts'

export interface Surroundings {
  /** For temporary files. */
  readonly folder: string
  /** The port of all peers. */
  readonly peerPort: number
}

export interface BenchCluster {
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** Starts a Kubernetes API, or connects to one. */
export type StartCluster = (surroundings: Surroundings) => Promise<BenchCluster>

async function settings(folder: string, kubeconfig: string) {
  const file = join(folder, 'kubeconfig')
  await writeFile(file, kubeconfig, { mode: 0o600 })
  return { KUBECONFIG: file }
}

/** The sandbox's, without pods, as a separate process: it shares no event loop with the load generator. */
export const sandboxApart: StartCluster = async ({ folder, peerPort }) => {
  const apart = await startApart<string>('kubernetes-apart.ts', { BROKER_PORT: String(peerPort) })
  return { env: await settings(folder, apart.ready), stop: apart.stop }
}

const RENDERED_WITHIN_MS = 120_000

/** The sandbox's with running analyses; `requests` returns the requests since its last call. */
export function runsApart(analyses: number, logBytes = 0) {
  let apart: Apart<string, string, readonly string[]> | undefined
  const start: StartCluster = async ({ folder }) => {
    apart = await startApart('runs-apart.ts', { ANALYSES: String(analyses), LOG_BYTES: String(logBytes) })
    const env = await settings(folder, apart.ready)
    const cluster = createPoCluster({ env, deadlineMs: RENDERED_WITHIN_MS })
    await takeInventory({ cluster })
    await cluster.close()
    return { env, stop: apart.stop }
  }
  return { start, requests: async () => (await apart?.ask('requests')) ?? [] }
}

const GONE_WITHIN_MS = 120_000

async function ask(connection: ApiConnection, method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) {
  const answer = await connection.send({
    method,
    path,
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await answer.body.text()
  if (answer.status >= 300 && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return answer.status
}

async function removeNamespace(connection: ApiConnection, path: string): Promise<void> {
  await ask(connection, 'DELETE', path)
  const end = performance.now() + GONE_WITHIN_MS
  while ((await ask(connection, 'GET', path)) !== 404) {
    if (performance.now() > end) throw new Error(`${path} is still there`)
    await delay(500)
  }
}

/** A real one, in a namespace that is created for the benchmark and deleted after it. Peers are Services without pods. */
export const realCluster =
  (kubeconfig: string): StartCluster =>
  async () => {
    const namespace = `bench-${randomUUID().slice(0, 8)}`
    const connection = connectApi({ namespace, env: { KUBECONFIG: kubeconfig } })
    const path = `/api/v1/namespaces/${namespace}`
    await ask(connection, 'POST', '/api/v1/namespaces', { metadata: { name: namespace } })
    const cluster = createPoCluster({ connection })
    for (const { name, labels, port } of PEER_SERVICES)
      await cluster.apply({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, labels },
        spec: { selector: labels, ports: [{ port }] },
      })
    return {
      // No node has so much memory: analyses stay pending with and without a scheduler.
      env: { KUBECONFIG: kubeconfig, NAMESPACE: namespace, ANALYSIS_CPU_REQUEST: '1000' },
      async stop() {
        await removeNamespace(connection, path)
        await cluster.close()
      },
    }
  }
