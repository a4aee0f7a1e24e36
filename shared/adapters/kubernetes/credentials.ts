/**
 * Credentials for the API server: KUBECONFIG if it is set, otherwise the pod's service account. Rotated files are read again.
 * KubeConfig is imported from its own file, because the package's index loads all API groups (0.8 s).
 */
import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { isIPv6 } from 'node:net'
import { delimiter, join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import { Fault } from '../../platform/fault.ts'

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface CredentialOptions {
  /** Overrides the namespace of service account and KUBECONFIG; may be empty. */
  readonly namespace?: string | undefined
  /** Variables read: KUBECONFIG, KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly serviceAccountDir?: string | undefined
}

/** Headers and TLS options at present. */
export interface ApiAccess {
  readonly headers: Readonly<Record<string, string>>
  readonly tls: {
    readonly ca?: Buffer
    readonly cert?: Buffer
    readonly key?: Buffer
    readonly servername?: string
    readonly rejectUnauthorized?: boolean
  }
}

export interface ApiCredentials {
  /** URL of the API server without a trailing slash. */
  readonly server: string
  readonly proxyUrl: string | undefined
  readonly namespace: string
  access(): Promise<ApiAccess>
}

export function loadCredentials(options: CredentialOptions = {}): ApiCredentials {
  const env = options.env ?? process.env
  const directory = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR
  const config = env['KUBECONFIG'] ? fromFiles(env['KUBECONFIG']) : fromServiceAccount(env, directory)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Fault('unexpected', 'KUBECONFIG names no cluster in its current context.')
  return {
    server: cluster.server.replace(/\/+$/, ''),
    proxyUrl: cluster.proxyUrl,
    namespace: options.namespace || namespaceOf(config, env, directory),
    access: () => accessOf(config),
  }
}

function fromFiles(paths: string): KubeConfig {
  const [first, ...others] = paths.split(delimiter).filter((path) => path !== '')
  const config = new KubeConfig()
  try {
    config.loadFromFile(first ?? '')
    for (const path of others) {
      const next = new KubeConfig()
      next.loadFromFile(path)
      config.mergeConfig(next, true)
    }
  } catch (cause) {
    throw new Fault('unexpected', 'KUBECONFIG cannot be read.', { cause })
  }
  return config
}

function fromServiceAccount(env: Readonly<Record<string, string | undefined>>, directory: string): KubeConfig {
  const host = env['KUBERNETES_SERVICE_HOST']
  const port = env['KUBERNETES_SERVICE_PORT'] || '443'
  if (!host) throw new Fault('unexpected', 'No Kubernetes credentials: not in a pod, and KUBECONFIG is not set.')
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [
      {
        name: 'pod',
        server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
        caFile: join(directory, 'ca.crt'),
      },
    ],
    users: [{ name: 'pod', authProvider: { name: 'tokenFile', config: { tokenFile: join(directory, 'token') } } }],
    contexts: [{ name: 'pod', cluster: 'pod', user: 'pod' }],
    currentContext: 'pod',
  })
  return config
}

/** Like kubectl: `default` if the context of KUBECONFIG names no namespace. In a pod there is no default. */
function namespaceOf(config: KubeConfig, env: Readonly<Record<string, string | undefined>>, directory: string): string {
  const own = readText(join(directory, 'namespace'))
  if (own) return own
  if (env['KUBECONFIG']) return config.getContextObject(config.getCurrentContext())?.namespace || 'default'
  throw new Fault('unexpected', 'No namespace: set NAMESPACE, or mount the service account.')
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/** `applyToHTTPSOptions` would also create an agent without keep-alive, and reject `http:` servers without a flag. */
async function accessOf(config: KubeConfig): Promise<ApiAccess> {
  const options: RequestOptions & { headers: Record<string, string> } = { headers: {} }
  await config.applyToHTTPSOptions(options)
  const user = config.getCurrentUser()
  if (user?.username) {
    options.headers['Authorization'] = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`
  }
  const { ca, cert, key, servername, rejectUnauthorized } = options
  return {
    headers: trimmed(options.headers),
    tls: {
      ...(ca ? { ca: ca as Buffer } : {}),
      ...(cert ? { cert: cert as Buffer } : {}),
      ...(key ? { key: key as Buffer } : {}),
      ...(servername ? { servername } : {}),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    },
  }
}

/**
 * A token file may end with a newline, which headers must not contain. Lower-case names replace headers of the caller with the
 * same name.
 */
const trimmed = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value).trim()]))
