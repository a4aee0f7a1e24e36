/**
 * Volumes as directories of this machine. A process cannot mount them: paths at or below a mount in its environment, command
 * and arguments are replaced by the real paths, and likewise the path of its termination message.
 */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { KubeObject } from './objects.ts'
import { expand, type PodInputs } from './pod-inputs.ts'
import { type ContainerSpec, podSpecOf, type Volume } from './pod-types.ts'

export interface Places {
  /** Real directory (of a subPath, perhaps file) by mount path. */
  readonly directories: Readonly<Record<string, string>>
  readonly terminationLog: string
}

export interface PodVolumes {
  /** Where a container's mounts are; made, and filled from Secrets and ConfigMaps, each time it is asked. */
  places(pod: KubeObject, container: ContainerSpec): Promise<Places>
  /** Takes away everything of a pod. */
  remove(podUid: string): Promise<void>
}

const folderOf = (uid: string): string => join(tmpdir(), `sandbox-pod-${uid}`)

export function createPodVolumes(inputs: PodInputs): PodVolumes {
  async function fill(pod: KubeObject, volume: Volume): Promise<string> {
    const folder = join(folderOf(pod.metadata.uid), 'volumes', volume.name)
    await mkdir(folder, { recursive: true })
    for (const [name, bytes] of Object.entries(inputs.files(pod, volume))) {
      const file = join(folder, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes, { mode: 0o600 })
    }
    return folder
  }

  return {
    async places(pod, container) {
      const volumes = new Map((podSpecOf(pod).volumes ?? []).map((volume) => [volume.name, volume]))
      const directories: Record<string, string> = {}
      const env = inputs.environment(pod, container)
      for (const { name, mountPath, subPath = '', subPathExpr } of container.volumeMounts ?? []) {
        const volume = volumes.get(name)
        if (volume)
          directories[mountPath] = join(
            await fill(pod, volume),
            subPathExpr === undefined ? subPath : expand(subPathExpr, env),
          )
      }
      const terminationLog = join(folderOf(pod.metadata.uid), 'termination', container.name)
      await mkdir(dirname(terminationLog), { recursive: true })
      await writeFile(terminationLog, '')
      return { directories, terminationLog }
    },
    async remove(uid) {
      await chmod(folderOf(uid), 0o700).catch(() => {})
      // What is left of its processes may still write.
      await rm(folderOf(uid), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

/** A text that is a path at or below a mount, as the path it really is; any other as it is. */
export function relocated(text: string, { directories, terminationLog }: Places, container: ContainerSpec): string {
  const log = container.terminationMessagePath
  if (log !== undefined && text === log) return terminationLog
  const mount = Object.keys(directories)
    .filter((path) => text === path || text.startsWith(path.endsWith('/') ? path : `${path}/`))
    .sort((a, b) => b.length - a.length)[0]
  return mount === undefined ? text : join(directories[mount] ?? '', text.slice(mount.length))
}
