/** The egress proxy of a run, through which all ingress and egress of its analysis passes. */
import { CHECK_KEY } from '../../platform/isolation.ts'
import {
  CONFINED,
  deployment,
  isolatedPod,
  nonRoot,
  type ObjectOf,
  SERVICE_PORT,
  service,
} from '../../platform/objects.ts'
import { proxyConfigName, proxyName, proxySelector, runName } from '../names.ts'
import type { Peer, PeerService } from '../ports/cluster.ts'
import type { RunInput } from './input.ts'
import { isolationCheck } from './isolation.ts'
import { HEALTH_PATH, proxyLocations, type Upstream, type Upstreams } from './locations.ts'
import { componentLabels, runLabels } from './metadata.ts'
import { nginxConf } from './nginx-conf.ts'

/** Unprivileged port of the pods; their Service has port 80. */
export const PROXY_PORT = 8080

const CONFIG_KEY = 'nginx.conf'
const CONFIG_PATH = '/etc/nginx/nginx.conf'
/** The user of nginx-unprivileged; any other works too. */
const USER = 101

/**
 * The CPU request is twice that of an analysis, because every log line of an analysis passes through the proxy. It writes only
 * its access log, which the kubelet rotates, and temporary files in a volume of 16 MiB.
 */
export const PROXY_RESOURCES = {
  requests: { cpu: '20m', memory: '16Mi', 'ephemeral-storage': '16Mi' },
  limits: { cpu: '1', memory: '128Mi', 'ephemeral-storage': '256Mi' },
} as const

/** Kong is reachable only for analyses that read data. */
export function reachablePeers({ peers, needsKong }: RunInput): Partial<Record<Peer, PeerService>> {
  const { kong, ...others } = peers
  return kong && needsKong ? { ...others, kong } : others
}

function proxyUpstreams(input: RunInput): Upstreams {
  const { id, run, settings } = input
  const at = (service: string, port: number): Upstream => ({
    host: `${service}.${settings.namespace}.svc.${settings.clusterDomain}`,
    port,
  })
  const peers = Object.entries(reachablePeers(input)).map(([peer, { name, port }]) => [peer, at(name, port)])
  return { ...Object.fromEntries(peers), analysis: at(runName(id, run), SERVICE_PORT) }
}

const proxyLabels = (input: RunInput) => ({
  ...proxySelector(input.id, input.run),
  ...runLabels(input),
})

export const proxyConfig = (input: RunInput): ObjectOf<'ConfigMap'> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: proxyConfigName(input.id, input.run),
    labels: componentLabels(input, 'configMap'),
  },
  data: {
    [CONFIG_KEY]: nginxConf(proxyLocations(input), proxyUpstreams(input), {
      resolver: input.settings.resolver,
      port: PROXY_PORT,
    }),
    ...(input.settings.isolation ? { [CHECK_KEY]: isolationCheck(input) } : {}),
  },
})

export function proxyService(input: RunInput): ObjectOf<'Service'> {
  const { id, run } = input
  return service({ name: proxyName(id, run), labels: proxyLabels(input) }, proxySelector(id, run), PROXY_PORT)
}

export function proxyDeployment(input: RunInput): ObjectOf<'Deployment'> {
  const { id, run } = input
  const httpGet = { path: HEALTH_PATH, port: PROXY_PORT }
  const metadata = { name: proxyName(id, run), labels: proxyLabels(input) }
  return deployment(metadata, proxySelector(id, run), {
    ...isolatedPod(input.settings.priorityClass),
    terminationGracePeriodSeconds: 10,
    containers: [
      {
        name: proxyName(id, run),
        image: input.settings.nginxImage,
        imagePullPolicy: 'IfNotPresent',
        // Bypasses the image's entry point, which writes below /etc.
        command: ['nginx', '-e', 'stderr', '-c', CONFIG_PATH, '-g', 'daemon off;'],
        ports: [{ name: 'http', protocol: 'TCP', containerPort: PROXY_PORT }],
        readinessProbe: { httpGet, periodSeconds: 2, timeoutSeconds: 2 },
        livenessProbe: { httpGet, initialDelaySeconds: 15, periodSeconds: 20, failureThreshold: 3, timeoutSeconds: 5 },
        resources: PROXY_RESOURCES,
        securityContext: { ...CONFINED, ...nonRoot(USER), readOnlyRootFilesystem: true },
        volumeMounts: [
          { name: 'config', mountPath: CONFIG_PATH, subPath: CONFIG_KEY, readOnly: true },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: proxyConfigName(id, run) } },
      { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
    ],
  })
}
