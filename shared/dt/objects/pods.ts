/** What pods of services have in common: their security, and what they may use. */
import type { TwinSettings } from '../settings.ts'

/** Whom a run runs as where the site demands non-root; images are seldom built for a user of their own. */
const USER = 10_001

const nonRoot = { runAsNonRoot: true, runAsUser: USER, runAsGroup: USER } as const

/** Holds for every container; satisfies Pod Security `restricted` together with a user. */
const CONFINED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } as const

/** Of an image of others. */
export const imageSecurity = ({ podSecurity }: TwinSettings) => ({
  ...CONFINED,
  ...(podSecurity === 'restricted' ? nonRoot : {}),
})

/**
 * Of our programs beside it. Under `baseline` the image may write as any user, with whatever mode: to read that, and no
 * more, the programs are root without its other powers. Under `restricted` all are one user.
 */
export const toolSecurity = ({ podSecurity }: TwinSettings) =>
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

/** Of a whole pod, where pods may say so; Serving wants it of each container. */
export const SECCOMP = { seccompProfile: { type: 'RuntimeDefault' } } as const

const quantities = (cpu: string, memory: string) => ({ ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) })

export const resources = ({ cpuRequest, cpuLimit, memoryRequest, memoryLimit }: TwinSettings) => ({
  requests: quantities(cpuRequest, memoryRequest),
  limits: quantities(cpuLimit, memoryLimit),
})

export const TOOL_RESOURCES = {
  requests: { cpu: '10m', memory: '64Mi' },
  limits: { memory: '256Mi' },
} as const
