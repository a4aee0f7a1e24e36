/** What pods of services have in common: their security, and what they may use. */
import { bytesOf, type ServiceSettings } from '../settings.ts'

/** Whom a run runs as where the site demands non-root; images are seldom built for a user of their own. */
const USER = 10_001

const nonRoot = { runAsNonRoot: true, runAsUser: USER, runAsGroup: USER } as const

/** Holds for every container; satisfies Pod Security `restricted` together with a user. */
const CONFINED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } as const

/** Of an image of others. */
export const imageSecurity = ({ podSecurity }: ServiceSettings) => ({
  ...CONFINED,
  ...(podSecurity === 'restricted' ? nonRoot : {}),
})

/**
 * Of our programs beside it. Under `baseline` the image may write as any user, with whatever mode: to read that, and no
 * more, the programs are root without its other powers. Under `restricted` all are one user.
 */
export const toolSecurity = ({ podSecurity }: ServiceSettings) =>
  podSecurity === 'restricted'
    ? { ...CONFINED, ...nonRoot, readOnlyRootFilesystem: true }
    : {
        allowPrivilegeEscalation: false,
        runAsUser: 0,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE'] },
      }

/** For every pod: nothing of the cluster is handed to what runs in it. */
export const ISOLATED = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
} as const

/** Of a whole pod, so that the functions keep their turn on a full node. */
export const prioritised = ({ priorityClass }: ServiceSettings) =>
  priorityClass === '' ? {} : { priorityClassName: priorityClass }

/** Of a whole pod, where pods may say so; Serving wants it of each container. */
export const SECCOMP = { seccompProfile: { type: 'RuntimeDefault' } } as const

const quantities = (cpu: string, memory: string) => ({ ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) })

/** Of quantities, in bytes; none counts as 0. */
const sumOf = (...limits: readonly string[]): string =>
  String(limits.reduce((sum, quantity) => sum + (quantity === '' ? 0 : bytesOf(quantity)), 0))

/** The scheduler reserves a limit that no request stands beside. */
const LITTLE_DISK = { 'ephemeral-storage': '64Mi' } as const

/** Kubernetes holds a container to its limit for what it writes itself, and a pod to the sum of them with its volumes. */
const disk = ({ diskLimit }: ServiceSettings, ...volumes: readonly string[]) =>
  diskLimit === ''
    ? { requests: {}, limits: {} }
    : { requests: LITTLE_DISK, limits: { 'ephemeral-storage': sumOf(diskLimit, ...volumes) } }

/** Of an image of others. `volumes` are limits of volumes that no container beside it accounts for. */
export const resources = (settings: ServiceSettings, ...volumes: readonly string[]) => {
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = settings
  const { requests, limits } = disk(settings, ...volumes)
  return {
    requests: { ...quantities(cpuRequest, memoryRequest), ...requests },
    limits: { ...quantities(cpuLimit, memoryLimit), ...limits },
  }
}

const TOOL_RESOURCES = {
  requests: { cpu: '10m', memory: '64Mi' },
  limits: { memory: '256Mi' },
} as const

/**
 * Of our programs, which write nothing but a log. The one that runs all the time beside an image accounts for the volumes of the
 * pod, so that these do not widen what the image may write elsewhere.
 */
export const toolResources = ({ diskLimit }: ServiceSettings, ...volumes: readonly string[]) =>
  diskLimit === ''
    ? TOOL_RESOURCES
    : {
        requests: { ...TOOL_RESOURCES.requests, ...LITTLE_DISK },
        limits: { ...TOOL_RESOURCES.limits, 'ephemeral-storage': sumOf('256Mi', ...volumes) },
      }

/** An image that was rebuilt under its tag must not run in its old form: only a digest says which image it is. */
export const pullPolicy = (image: string, { pullPolicy: chosen }: ServiceSettings): 'Always' | 'IfNotPresent' => {
  if (chosen !== 'auto') return chosen
  return image.includes('@') ? 'IfNotPresent' : 'Always'
}
