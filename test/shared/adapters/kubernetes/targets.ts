/** The two API servers that the adapter is tested against: the sandbox's, and a real one named by TEST_KUBECONFIG. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiConnection, connectApi, createPoCluster } from '../../../../shared/adapters/kubernetes/po/index.ts'
import type { ClusterTarget, RawObject } from '../../../conformance/cluster.ts'
import type { ApiBody, ApiRequest, ApiTarget } from '../../../sandbox/kubernetes/api/target.ts'
import { type Kubernetes, type KubernetesOptions, startKubernetes } from '../../../sandbox/kubernetes/index.ts'

export const SHELL_IMAGE = 'sandbox/shell:1'

/** Runs what the pod says as its command. */
const shell: NonNullable<KubernetesOptions['images']> = {
  [SHELL_IMAGE]: ({ command: [command = 'sh', ...rest], args }) => ({ command, args: [...rest, ...args] }),
}

export interface SandboxTarget extends ClusterTarget {
  readonly kubernetes: Kubernetes
  /** Path of its KUBECONFIG. */
  readonly kubeconfig: string
}

export async function sandboxTarget(options: KubernetesOptions = {}): Promise<SandboxTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'kubernetes-'))
  const kubernetes = await startKubernetes({ images: shell, backoffMs: 50, ...options })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubernetes.kubeconfig(), { mode: 0o600 })
  const stop = async () => {
    await kubernetes.stop()
    await rm(folder, { recursive: true })
  }
  return { ...targetOf(connectApi({ env: { KUBECONFIG: kubeconfig } }), stop), kubernetes, kubeconfig }
}

export async function realTarget(kubeconfig: string): Promise<ClusterTarget> {
  const { connection, stop } = await freshNamespace(kubeconfig)
  return targetOf(connection, stop)
}

export async function realApi(kubeconfig: string): Promise<ApiTarget> {
  const { connection, stop } = await freshNamespace(kubeconfig)
  return apiTarget(connection, stop)
}

export async function sandboxApi(options: KubernetesOptions = {}): Promise<ApiTarget> {
  const { kubeconfig, stop } = await sandboxTarget(options)
  return apiTarget(connectApi({ env: { KUBECONFIG: kubeconfig } }), stop)
}

/** Deleted at the end. */
export async function freshNamespace(kubeconfig: string) {
  const namespace = `po-conformance-${randomBytes(4).toString('hex')}`
  const connection = connectApi({ env: { KUBECONFIG: kubeconfig }, namespace })
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
  const made = await send(connection, 'POST', '/api/v1/namespaces', body)
  if (made.status !== 201) throw new Error(`namespace not made: ${made.status}`)
  const stop = async () => {
    await send(connection, 'DELETE', `/api/v1/namespaces/${namespace}`)
  }
  return { connection, stop }
}

function targetOf(connection: ApiConnection, stop: () => Promise<void>): ClusterTarget {
  const cluster = createPoCluster({ connection })
  return {
    cluster,
    paged: (pageSize) => createPoCluster({ connection: { ...connection, pageSize, metadataPageSize: pageSize } }),
    raw: (method, path, body) => send(connection, method, namespaced(path, connection.namespace), body),
    async stop() {
      await stop()
      await connection.close()
    },
  }
}

/** `apis/apps/v1/deployments/x` → `/apis/apps/v1/namespaces/NAMESPACE/deployments/x` */
export const namespaced = (path: string, namespace: string): string =>
  `/${path.replace(/\/(v\d[a-z\d]*)\//, `/$1/namespaces/${namespace}/`)}`

export async function send(
  connection: ApiConnection,
  method: Parameters<ClusterTarget['raw']>[0],
  path: string,
  body?: unknown,
) {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const answer = await connection.send({
    method,
    path,
    headers: { 'content-type': type },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
  return { status: answer.status, body: JSON.parse(await answer.body.text()) as RawObject }
}

/** The API itself, for the suite of the sandbox. */
export function apiTarget(connection: ApiConnection, stop: () => Promise<void>): ApiTarget {
  const full = (path: string) => (path.startsWith('/') ? path : namespaced(path, connection.namespace))
  const call = ({ method, path, body, type = 'application/json', accept = 'application/json' }: ApiRequest) =>
    connection.send({
      method,
      path: full(path),
      headers: { accept, ...(body === undefined ? {} : { 'content-type': type }) },
      body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    })
  return {
    async send(request) {
      const answer = await call(request)
      return { status: answer.status, body: readBody(await answer.body.text()) }
    },
    async watch(path, count) {
      const { body } = await call({ method: 'GET', path })
      let text = ''
      for await (const chunk of body) {
        text += String(chunk)
        if (text.split('\n').length > count) break
      }
      return text.split('\n', count).map((line) => JSON.parse(line))
    },
    async stop() {
      await stop()
      await connection.close()
    },
  }
}

/** A path outside of the API answers in plain text. */
function readBody(text: string): ApiBody {
  try {
    return JSON.parse(text) as ApiBody
  } catch {
    return { kind: 'Status', status: 'Failure', code: 404, message: text } as unknown as ApiBody
  }
}
