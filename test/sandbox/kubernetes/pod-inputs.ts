/** What a container gets from Secrets and ConfigMaps: its environment and the files of its mounts. */
import { type KubeObject, kindNamed } from './objects.ts'
import { type ContainerSpec, podSpecOf, type ValueFrom, type Volume } from './pod-types.ts'
import type { Store } from './store.ts'

/** Something that is not there (yet): the container waits with this reason. */
export class NotReady extends Error {
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

export type Mounts = Record<string, Record<string, string>>

type Source = 'Secret' | 'ConfigMap'

export interface PodInputs {
  environment(pod: KubeObject, container: ContainerSpec): Record<string, string>
  /** As text. */
  mounts(pod: KubeObject, container: ContainerSpec): Mounts
  /** Of one volume, by path in it. */
  files(pod: KubeObject, volume: Volume): Record<string, Buffer>
}

export function createPodInputs(store: Store): PodInputs {
  function entries(pod: KubeObject, kind: Source, name: string): Record<string, string> | undefined {
    const found = contents(pod, kind, name)
    return found && textOf(found)
  }

  /** Undefined when the object is not there. */
  function contents(pod: KubeObject, kind: Source, name: string): Record<string, Buffer> | undefined {
    const object = store.get(kindNamed(kind), pod.metadata.namespace, name)
    if (!object) return undefined
    const data = (object['data'] ?? {}) as Record<string, string>
    const encoding = kind === 'ConfigMap' ? 'utf8' : 'base64'
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)]))
  }

  function pick(
    pod: KubeObject,
    kind: Source,
    ref: { name: string; key: string; optional?: boolean },
  ): string | undefined {
    const found = entries(pod, kind, ref.name)
    const value = found?.[ref.key]
    if (value !== undefined || ref.optional) return value
    const word = kind.toLowerCase()
    const what = found
      ? `couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`
      : `${word} "${ref.name}" not found`
    throw new NotReady('CreateContainerConfigError', what)
  }

  function valueFrom(pod: KubeObject, from: ValueFrom): string | undefined {
    if (from.secretKeyRef) return pick(pod, 'Secret', from.secretKeyRef)
    if (from.configMapKeyRef) return pick(pod, 'ConfigMap', from.configMapKeyRef)
    return from.fieldRef ? fieldText(pod, from.fieldRef.fieldPath) : undefined
  }

  function fromAll(pod: KubeObject, container: ContainerSpec): Record<string, string> {
    const all = (container.envFrom ?? []).map(({ prefix = '', secretRef, configMapRef }) => {
      const found = secretRef
        ? whole(pod, 'Secret', secretRef)
        : configMapRef
          ? whole(pod, 'ConfigMap', configMapRef)
          : {}
      return Object.fromEntries(Object.entries(found).map(([key, value]) => [prefix + key, value]))
    })
    return Object.assign({}, ...all)
  }

  function whole(pod: KubeObject, kind: Source, ref: { name: string; optional?: boolean }): Record<string, string> {
    const found = entries(pod, kind, ref.name)
    if (found || ref.optional) return found ?? {}
    throw new NotReady('CreateContainerConfigError', `${kind.toLowerCase()} "${ref.name}" not found`)
  }

  function environment(pod: KubeObject, container: ContainerSpec): Record<string, string> {
    const env = fromAll(pod, container)
    for (const one of container.env ?? []) {
      const value = one.valueFrom ? valueFrom(pod, one.valueFrom) : expand(one.value ?? '', env)
      if (value !== undefined) env[one.name] = value
    }
    return env
  }

  function files(pod: KubeObject, volume: Volume): Record<string, Buffer> {
    const [kind, source] = volume.secret
      ? (['Secret', { ...volume.secret, name: volume.secret.secretName }] as const)
      : (['ConfigMap', volume.configMap] as const)
    if (!source) return {}
    const found = contents(pod, kind, source.name)
    if (!found && !source.optional)
      throw new NotReady('ContainerCreating', `MountVolume.SetUp failed for volume "${volume.name}"`)
    if (!source.items) return found ?? {}
    return Object.fromEntries(source.items.map(({ key, path }) => [path, found?.[key] ?? Buffer.alloc(0)]))
  }

  function mounts(pod: KubeObject, container: ContainerSpec): Mounts {
    const volumes = new Map((podSpecOf(pod).volumes ?? []).map((volume) => [volume.name, volume]))
    return Object.fromEntries(
      (container.volumeMounts ?? []).map(({ name, mountPath, subPath }) => {
        const volume = volumes.get(name)
        const all = volume ? textOf(files(pod, volume)) : {}
        return [mountPath, subPath === undefined ? all : { '': all[subPath] ?? '' }]
      }),
    )
  }

  return { environment, mounts, files }
}

const textOf = (files: Record<string, Buffer>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.toString('utf8')]))

/** `$(NAME)` of variables defined before. */
export const expand = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g, (all, name: string) => env[name] ?? all)

function fieldText(pod: KubeObject, path: string): string {
  const label = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (label) return pod.metadata[label[1] as 'labels' | 'annotations']?.[label[2] ?? ''] ?? ''
  if (path === 'status.podIP' || path === 'status.hostIP') return '127.0.0.1'
  let at: unknown = pod
  for (const step of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[step]
  return String(at ?? '')
}
