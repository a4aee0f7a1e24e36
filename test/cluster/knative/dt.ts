/**
 * The digital-twin orchestrator, installed by `make deploy` into a namespace that enforces Pod Security *restricted*, with
 * authentication. Database and Keycloak are on this machine.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import { type Api, createApi } from '../api.ts'
import { DT_PROGRAMS, defineKind } from '../dt-world.ts'
import { clusterEnvironment } from '../environment.ts'
import { loadPrograms } from '../images.ts'
import { forwardPort } from '../port-forward.ts'
import { timed } from '../world.ts'
import { make } from './installation.ts'
import { tokens } from './node.ts'
import { startOutside } from './outside.ts'
import { removeOverlay, writeDtOverlay } from './overlay.ts'

const INTERVAL = 2
const FORWARDED_AGAIN_MS = 2000

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

export interface InstalledDt {
  readonly api: Api
  /** URL of `orchestrator-api-svc` through a forwarded port. */
  readonly url: string
  readonly images: Readonly<Record<keyof typeof DT_PROGRAMS, string>>
  readonly functionImage: string
  /** Output of `make deploy`. */
  readonly deployed: readonly string[]
  /** Sends a request with a token. */
  send(method: Method, path: string, body?: object | FormData): Promise<Response>
}

export async function installDt(stops: AsyncDisposableStack): Promise<InstalledDt> {
  const { functionImage, images: node } = inject('installation')
  const environment = clusterEnvironment()
  const { kubeconfig } = environment
  const api = createApi(kubeconfig, `dt-node-${randomBytes(4).toString('hex')}`)
  stops.defer(() => api.close())
  stops.defer(() => timed('namespace of the twins removed', api.removeNamespace))
  stops.defer(api.endPods)
  await api.makeNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
  await defineKind(api)
  const images = await timed('images of services loaded', () => loadPrograms(environment, DT_PROGRAMS))
  const outside = await startOutside(environment)
  stops.defer(outside.stop)

  const folder = await mkdtemp(join(tmpdir(), 'dt-node-'))
  stops.defer(() => rm(folder, { recursive: true }))
  const SECRETS = join(folder, 'secrets.env')
  const secrets = { ...outside.secrets, DT_TOKEN_KEY: randomBytes(32).toString('base64url') }
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(SECRETS, lines.join(''), { mode: 0o600 })
  const OVERLAY = await writeDtOverlay({
    namespace: api.namespace,
    intervalSeconds: INTERVAL,
    settings: {
      ...outside.settings,
      CLUSTER_DOMAIN: environment.domain,
      POD_SECURITY: 'restricted',
      DT_AUTH: 'keycloak',
      DT_TOOLS_IMAGE: functionImage,
      DT_PULL_POLICY: 'IfNotPresent',
      DT_CPU_REQUEST: '10m',
      DT_MEMORY_REQUEST: '32Mi',
      DT_MEMORY_LIMIT: '256Mi',
      DT_OUTPUT_GRACE: '120',
    },
    functionImage,
    nginxImage: node.nginx,
    ingressNamespaces: environment.ingressNamespaces,
  })
  stops.defer(() => removeOverlay(OVERLAY))
  const deployed = await timed('make deploy of the twins, from nothing', () =>
    make(environment, 'deploy', { OVERLAY, SECRETS, TIMEOUT: '180' }, (line) => console.log(`          ${line}`)),
  )
  const to = 'service/orchestrator-api-svc'
  const gateway = await forwardPort({ kubeconfig, namespace: api.namespace, to, port: 80 })
  stops.defer(gateway.stop)
  const token = tokens(outside.realm)

  return {
    api,
    url: gateway.url,
    images,
    functionImage,
    deployed: deployed.lines,
    async send(method, path, body) {
      const isForm = body instanceof FormData
      const headers: Record<string, string> = { authorization: `Bearer ${await token()}` }
      if (body && !isForm) headers['content-type'] = 'application/json'
      const sent = body ? { body: isForm ? body : JSON.stringify(body) } : {}
      const ask = () => fetch(`${gateway.url}${path}`, { method, headers, ...sent })
      // A forwarded port breaks with its pod, and reconnects within a moment.
      return ask().catch(() => sleep(FORWARDED_AGAIN_MS).then(ask))
    },
  }
}
