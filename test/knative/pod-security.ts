/** Pod Security `restricted`, as far as it concerns the fields of a pod that this product sets. */

interface Context {
  readonly allowPrivilegeEscalation?: boolean
  readonly privileged?: boolean
  readonly runAsNonRoot?: boolean
  readonly runAsUser?: number
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] }
  readonly seccompProfile?: { readonly type: string }
}

interface Container {
  readonly name?: string
  readonly image: string
  readonly securityContext?: Context
  readonly ports?: readonly { readonly hostPort?: number }[]
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly securityContext?: Context
  readonly volumes?: readonly Readonly<Record<string, unknown>>[]
  readonly hostNetwork?: boolean
  readonly hostPID?: boolean
  readonly hostIPC?: boolean
}

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

function containerFaults(pod: Context, { name = 'container', securityContext = {}, ports = [] }: Container): string[] {
  const { allowPrivilegeEscalation, privileged, capabilities } = securityContext
  const nonRoot = securityContext.runAsNonRoot ?? pod.runAsNonRoot
  const seccomp = securityContext.seccompProfile ?? pod.seccompProfile
  const checks: readonly (readonly [boolean, string])[] = [
    [allowPrivilegeEscalation === false, 'may escalate its privileges'],
    [privileged !== true, 'is privileged'],
    [capabilities?.drop?.includes('ALL') === true, 'keeps capabilities'],
    [(capabilities?.add ?? []).every((each) => each === 'NET_BIND_SERVICE'), 'adds capabilities'],
    [nonRoot === true && securityContext.runAsUser !== 0 && pod.runAsUser !== 0, 'may run as root'],
    [seccomp?.type === 'RuntimeDefault' || seccomp?.type === 'Localhost', 'has no seccomp profile'],
    [ports.every(({ hostPort }) => hostPort === undefined), 'takes a port of the host'],
  ]
  return checks.filter(([holds]) => !holds).map(([, fault]) => `${name} ${fault}`)
}

/** Empty if the pod passes. */
export function restrictedFaults(pod: PodSpec): string[] {
  const kinds = (pod.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'))
  return [
    ...(pod.hostNetwork || pod.hostPID || pod.hostIPC ? ['the pod shares a namespace of the host'] : []),
    ...kinds.filter((kind) => !VOLUMES.includes(kind)).map((kind) => `a volume is a ${kind}`),
    ...[...(pod.initContainers ?? []), ...pod.containers].flatMap((each) =>
      containerFaults(pod.securityContext ?? {}, each),
    ),
  ]
}
