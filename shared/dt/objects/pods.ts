/** Containers of our programs beside the image of a service, and resources of both. */
import { foreignSecurity, resources, type V1 } from '../../platform/objects.ts'
import type { ServiceId } from '../model.ts'
import { bytesOf, type ServiceSettings } from '../settings.ts'
import { TOKEN_MOUNT, type ToolRun, toolEnvironment } from './environment.ts'

export const INPUT = { name: 'shared-data', mountPath: '/input' } as const

/**
 * Under `baseline` the image may write as any user, with any mode: to read that, and nothing else, the programs are root
 * without its other capabilities. Under `restricted` all are one user.
 */
const toolSecurity = ({ podSecurity }: ServiceSettings): V1<'SecurityContext'> =>
  podSecurity === 'restricted'
    ? { ...foreignSecurity(podSecurity), readOnlyRootFilesystem: true }
    : {
        allowPrivilegeEscalation: false,
        runAsUser: 0,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE'] },
      }

/** Sum of quantities in bytes; an empty one is 0. */
const sumOf = (...limits: readonly string[]): string =>
  String(limits.reduce((sum, quantity) => sum + (quantity === '' ? 0 : bytesOf(quantity)), 0))

/**
 * Kubernetes limits a container by what it writes itself, and a pod by the sum of these limits with its volumes. `volumes` are
 * limits of volumes that no other container accounts for.
 */
export const imageResources = (settings: ServiceSettings, ...volumes: readonly string[]) => {
  const { diskLimit } = settings
  return resources({ ...settings, diskLimit: diskLimit === '' ? '' : sumOf(diskLimit, ...volumes) })
}

/** Our programs write only a log. The one that always runs accounts for the volumes: they do not raise the limit of the image. */
const toolResources = ({ diskLimit }: ServiceSettings, volumes: readonly string[]) =>
  resources({
    cpuRequest: '10m',
    cpuLimit: '',
    memoryRequest: '64Mi',
    memoryLimit: '256Mi',
    diskLimit: diskLimit === '' ? '' : sumOf('256Mi', ...volumes),
  })

interface Tool {
  readonly id: ServiceId
  readonly run: ToolRun
  readonly settings: ServiceSettings
}

/** The container of one of our programs. `volumes` as in {@link imageResources}. */
export const toolContainer = (
  program: string,
  { id, run, settings }: Tool,
  mount: V1<'VolumeMount'>,
  ...volumes: readonly string[]
): V1<'Container'> => ({
  name: program,
  image: settings.toolsImage,
  imagePullPolicy: 'IfNotPresent',
  env: toolEnvironment(program, settings, id, run),
  resources: toolResources(settings, volumes),
  securityContext: toolSecurity(settings),
  terminationMessagePolicy: 'FallbackToLogsOnError',
  volumeMounts: [mount, TOKEN_MOUNT],
})
