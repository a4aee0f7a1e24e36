/**
 * A node of which everything runs on the cluster: the functions as Knative Services behind their gateway, installed by
 * `make deploy` as an operator does, into a namespace that demands Pod Security *restricted*. Only what a node finds outside
 * of its cluster is on this machine: database, Hub and Keycloak.
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

/** What the test files are told; plain data, since they run in other processes. */
export interface Installation {
  readonly namespace: string
  /** The gateway, through a forwarded port. */
  readonly url: string
  readonly realm: {
    readonly url: string
    readonly realm: string
    readonly clientId: string
    readonly clientSecret: string
  }
  /** The Hub's stand-in as this machine reaches it; `/_sandbox` tells what it was told. */
  readonly hubUrl: string
  /** As this machine reaches it. */
  readonly database: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
    readonly database: string
  }
  readonly images: Images
  readonly functionImage: string
  /** What the overlay was written from: a test writes another one of it. */
  readonly overlay: OverlayInput
  /** File that the Secret was made of. */
  readonly secretsFile: string
  /** What `make deploy` printed. */
  readonly deployed: readonly string[]
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly installation: Installation
  }
}

const toolEnv = ({ kubeconfig }: Pick<ClusterEnvironment, 'kubeconfig'>) => ({ KUBECONFIG: kubeconfig })

/** `make TARGET`, with the lines that it prints. */
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

/** The installation with something else about it, deployed as an upgrade is. @returns what was printed */
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
  ANALYSIS_PULL_POLICY: 'IfNotPresent',
  ANALYSIS_MEMORY_REQUEST: '64Mi',
})

export async function install(stops: AsyncDisposableStack): Promise<Installation> {
  const environment = clusterEnvironment()
  const { kubeconfig } = environment
  const api = createApi(kubeconfig, `po-node-${randomBytes(4).toString('hex')}`)
  stops.defer(() => api.close())
  stops.defer(() => timed('namespace removed', api.removeNamespace))
  // Nothing is to be drained any more, which takes a function half a minute.
  stops.defer(api.endPods)
  await api.makeNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
  await installAdmission(kubeconfig)
  const functionImage = await timed('image of the functions built and loaded', () => loadFunctionImage(environment))
  const images = await timed('images of analyses, peers and proxy loaded', () => loadImages(environment, {}))
  const outside = await timed('database, Hub and doors to them', () => startOutside(environment))
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
