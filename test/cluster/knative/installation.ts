/**
 * A node on the cluster: `make deploy` installs the functions as Knative Services behind their gateway into a namespace that
 * enforces Pod Security *restricted*. The external services are on this machine: database, Hub and Keycloak.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installAdmission } from '../admission.ts'
import { type Api, createApi } from '../api.ts'
import { type ClusterEnvironment, clusterEnvironment } from '../environment.ts'
import { type Images, loadFunctionImage, loadImages } from '../images.ts'
import { forwardPort } from '../port-forward.ts'
import { startSurroundings } from '../surroundings.ts'
import { findResolver, timed } from '../world.ts'
import { type Printed, succeed } from './make.ts'
import { startOutside } from './outside.ts'
import { type OverlayInput, removeOverlay, writeOverlay } from './overlay.ts'

/** Seconds between two ticks. */
const INTERVAL = 2

/** Plain data, since test files run in other processes. */
export interface Installation {
  readonly namespace: string
  /** URL of the gateway through a forwarded port. */
  readonly url: string
  readonly realm: {
    readonly url: string
    readonly realm: string
    readonly clientId: string
    readonly clientSecret: string
  }
  /** URL of the Hub's stand-in for this machine; `/_sandbox` lists the reports. */
  readonly hubUrl: string
  /** URL for this machine. */
  readonly database: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
    readonly database: string
  }
  readonly images: Images
  readonly functionImage: string
  /** Input of the overlay, from which a test can write another one. */
  readonly overlay: OverlayInput
  /** File of the Secret. */
  readonly secretsFile: string
  /** Output of `make deploy`. */
  readonly deployed: readonly string[]
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly installation: Installation
  }
}

const toolEnv = ({ kubeconfig }: Pick<ClusterEnvironment, 'kubeconfig'>) => ({ KUBECONFIG: kubeconfig })

/** Runs `make TARGET` and prints its lines. */
export const make = (
  environment: Pick<ClusterEnvironment, 'kubeconfig'>,
  target: string,
  variables: Readonly<Record<string, string>>,
  onLine?: (line: string) => void,
): Promise<Printed> =>
  succeed(
    'make',
    ['--no-print-directory', target, ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)],
    {
      env: toolEnv(environment),
      ...(onLine ? { onLine } : {}),
    },
  )

/** Deploys a changed overlay, like an upgrade. @returns the output */
export async function redeploy(
  { overlay, secretsFile }: Installation,
  environment: Pick<ClusterEnvironment, 'kubeconfig'>,
  changes: Partial<OverlayInput>,
): Promise<Printed> {
  const OVERLAY = await writeOverlay({ ...overlay, ...changes }, `${overlay.namespace}-changed`)
  try {
    return await make(environment, 'deploy', { OVERLAY, SECRETS: secretsFile, TIMEOUT: '180', PRUNE: '1' })
  } finally {
    await removeOverlay(OVERLAY)
  }
}

const ofRuns = async ({ resolver, domain }: ClusterEnvironment, api: Api, images: Images) => ({
  NAMESPACE: api.namespace,
  NGINX_IMAGE: images.nginx,
  CLUSTER_RESOLVER: resolver ?? (await findResolver(api)),
  CLUSTER_DOMAIN: domain,
  POD_SECURITY: 'restricted',
  ANALYSIS_MEMORY_LIMIT: '192Mi',
  RESTART_MAX: '2',
  STARTUP_BUDGET: '20',
  SILENCE_BUDGET: '20',
  PULL_BUDGET: '20',
  ANALYSIS_PULL_POLICY: 'IfNotPresent',
  ANALYSIS_MEMORY_REQUEST: '64Mi',
})

export async function install(stops: AsyncDisposableStack): Promise<Installation> {
  const environment = clusterEnvironment()
  const { kubeconfig } = environment
  const api = createApi(kubeconfig, `po-node-${randomBytes(4).toString('hex')}`)
  stops.defer(() => api.close())
  stops.defer(() => timed('namespace removed', api.removeNamespace))
  // Skips the drain, which takes half a minute for a function.
  stops.defer(api.endPods)
  await api.makeNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
  await installAdmission(kubeconfig)
  const functionImage = await timed('image of the functions built and loaded', () => loadFunctionImage(environment))
  const images = await timed('images of analyses, peers and proxy loaded', () => loadImages(environment, {}))
  const outside = await timed('database, Hub and proxies to them', () => startOutside(environment))
  stops.defer(outside.stop)
  await timed('peers ready', () => startSurroundings(api, images.node))

  const folder = await mkdtemp(join(tmpdir(), 'po-node-'))
  stops.defer(() => rm(folder, { recursive: true }))
  const secretsFile = join(folder, 'secrets.env')
  const secrets = Object.entries(outside.secrets).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(secretsFile, secrets.join(''), { mode: 0o600 })
  const overlay: OverlayInput = {
    namespace: api.namespace,
    intervalSeconds: INTERVAL,
    settings: { ...outside.settings, ...(await ofRuns(environment, api, images)) },
    functionImage,
    nginxImage: images.nginx,
    ingressNamespaces: environment.ingressNamespaces,
  }
  const OVERLAY = await writeOverlay(overlay)
  stops.defer(() => removeOverlay(OVERLAY))
  const { lines } = await timed('make deploy, from nothing', () =>
    make(environment, 'deploy', { OVERLAY, SECRETS: secretsFile, TIMEOUT: '180' }, (line) =>
      console.log(`          ${line}`),
    ),
  )
  const gateway = await forwardPort({ kubeconfig, namespace: api.namespace, to: 'service/po-service', port: 8000 })
  stops.defer(gateway.stop)
  const { host, port, user, password, database } = outside.postgres
  return {
    namespace: api.namespace,
    url: gateway.url,
    realm: outside.realm,
    hubUrl: outside.hubUrl,
    database: { host, port, user, password, database },
    images,
    functionImage,
    overlay,
    secretsFile,
    deployed: lines,
  }
}
