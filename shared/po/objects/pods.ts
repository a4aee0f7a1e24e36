/** What the pods of analyses and proxies have in common: ports, security, shape of Service and Deployment. */
import type { KubernetesObject } from '../../platform/ports.ts'
import type { RunSettings } from '../settings.ts'

/** Port the SDK listens on. */
export const ANALYSIS_PORT = 8000
/** Unprivileged port of the proxy's pods; its Service is port 80. */
export const PROXY_PORT = 8080
/** What the Services of both show to others. */
export const SERVICE_PORT = 80

type Labels = Readonly<Record<string, string>>

/** Holds for every container; satisfies Pod Security `restricted` together with {@link nonRoot}. */
export const CONFINED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } as const

export const nonRoot = (user: number) => ({ runAsNonRoot: true, runAsUser: user, runAsGroup: user })

/** For every pod: nothing of the cluster reaches what runs in it. */
export const ISOLATED = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
} as const

export const service = (name: string, labels: Labels, selector: Labels, targetPort: number): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels },
  spec: {
    type: 'ClusterIP',
    selector,
    ports: [{ name: 'http', protocol: 'TCP', port: SERVICE_PORT, targetPort }],
  },
})

/** Scheduled after the control plane, and evicted before it. */
export const prioritised = ({ priorityClass }: Pick<RunSettings, 'priorityClass'>) =>
  priorityClass ? { priorityClassName: priorityClass } : {}

/** One pod, never two: a new one is made when the old one has ended. */
export const deployment = (name: string, labels: Labels, selector: Labels, podSpec: object): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels },
  spec: {
    replicas: 1,
    revisionHistoryLimit: 0,
    strategy: { type: 'Recreate' },
    selector: { matchLabels: selector },
    template: { metadata: { labels }, spec: { ...ISOLATED, ...podSpec } },
  },
})
