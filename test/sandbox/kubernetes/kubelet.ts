/** Runs the stored pods, writes their status, and removes deleted ones. */
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type Container, type ImageContext, type Runtime, startContainer } from './container.ts'
import { IDLE, startIdleContainer } from './idle-container.ts'
import { equal } from './merge.ts'
import type { KubeObject } from './objects.ts'
import { createPodInputs, expand } from './pod-inputs.ts'
import { statusOf } from './pod-status.ts'
import { type ContainerSpec, isOver, type PodSpec, podSpecOf } from './pod-types.ts'
import { createPodVolumes, type Places, relocated } from './pod-volumes.ts'
import { type PodWorker, startPod } from './pod-worker.ts'
import type { Resources } from './resources.ts'
import { type Store, timestamp } from './store.ts'

export interface Kubelet {
  /** Of a pod, those that were begun; init containers last. */
  containers(podUid: string): readonly Container[]
  stop(): Promise<void>
}

interface Charge {
  readonly worker: PodWorker
  readonly startTime: string
  ending: boolean
}

export interface KubeletOptions extends Runtime {
  /** A deleted pod's grace period is cut to this. */
  readonly maxGraceMs: number
}

export function startKubelet(store: Store, resources: Resources, options: KubeletOptions): Kubelet {
  const charges = new Map<string, Charge>()
  const inputs = createPodInputs(store)
  const volumes = createPodVolumes(inputs)
  const ended = new EventEmitter().setMaxListeners(0)

  const look = (pod: KubeObject): void => {
    const { uid, deletionTimestamp } = pod.metadata
    const charge = charges.get(uid)
    if (deletionTimestamp === undefined) {
      if (!charge && !isOver(pod)) take(pod)
    } else if (charge) void end(uid, charge)
    else release(uid)
  }

  function take(pod: KubeObject): void {
    const { uid } = pod.metadata
    const worker = startPod(podSpecOf(pod), {
      start: (spec, restartPolicy) => begin(pod, spec, restartPolicy),
      onChange: () => report(uid),
    })
    charges.set(uid, { worker, startTime: timestamp(), ending: false })
  }

  async function begin(
    pod: KubeObject,
    spec: ContainerSpec,
    restartPolicy: PodSpec['restartPolicy'],
  ): Promise<Container> {
    let places: Places | undefined
    const start = options.images[spec.image] === IDLE ? startIdleContainer : startContainer
    return start(spec, {
      runtime: options,
      restartPolicy,
      inputs: async () => {
        places = await volumes.places(pod, spec)
        return contextOf(pod, spec, places)
      },
      local: (text) => (places ? relocated(text, places, spec) : text),
      message: () => (places ? readFileSync(places.terminationLog, 'utf8').slice(0, 4096) : ''),
      onChange: () => report(pod.metadata.uid),
    })
  }

  function contextOf(pod: KubeObject, spec: ContainerSpec, places: Places): Omit<ImageContext, 'port'> {
    const { name, namespace = '', labels = {} } = pod.metadata
    const { command = [], args = [] } = spec
    const local = (text: string) => relocated(text, places, spec)
    const environment = inputs.environment(pod, spec)
    const env = Object.entries(environment).map(([key, value]) => [key, local(value)])
    const word = (text: string) => local(expand(text, environment))
    return {
      env: { HOSTNAME: podSpecOf(pod).hostname ?? name, ...Object.fromEntries(env) },
      name,
      namespace,
      labels,
      container: spec.name,
      mounts: inputs.mounts(pod, spec),
      directories: places.directories,
      command: command.map(word),
      args: args.map(word),
    }
  }

  /** Changes of one moment are written once. */
  const pending = new Set<string>()
  function report(uid: string): void {
    if (pending.has(uid)) return
    pending.add(uid)
    setImmediate(() => {
      pending.delete(uid)
      const [pod, charge] = [store.byUid(uid), charges.get(uid)]
      // Without init containers, nothing is worth telling before all have begun.
      const { initContainers = [], containers } = pod ? podSpecOf(pod) : NOTHING
      if (pod && charge && (initContainers.length > 0 || charge.worker.main.length === containers.length))
        write(pod, charge)
    })
  }

  function write(pod: KubeObject, { worker, startTime }: Charge): void {
    const status = statusOf(pod, worker, startTime)
    if (!equal(status, pod['status'])) resources.write({ ...pod, status })
  }

  async function end(uid: string, charge: Charge): Promise<void> {
    if (charge.ending) return
    charge.ending = true
    const asked = store.byUid(uid)?.metadata.deletionGracePeriodSeconds ?? 0
    await charge.worker.stop(Math.min(asked * 1000, options.maxGraceMs))
    const pod = store.byUid(uid)
    // Whoever holds it by a finalizer learns how it ended.
    if (pod?.metadata.finalizers?.length) write(pod, charge)
    charges.delete(uid)
    release(uid)
    await volumes.remove(uid)
    ended.emit(uid)
  }

  function release(uid: string): void {
    const pod = store.byUid(uid)
    if (!pod || pod.metadata.deletionGracePeriodSeconds === 0) return
    resources.write({ ...pod, metadata: { ...pod.metadata, deletionGracePeriodSeconds: 0 } })
  }

  const stopWatching = store.onChange(({ type, kind, object }) => {
    if (kind.kind !== 'Pod') return
    const charge = charges.get(object.metadata.uid)
    if (type !== 'DELETED') look(object)
    else if (charge) void end(object.metadata.uid, charge)
  })

  return {
    containers(uid) {
      const worker = charges.get(uid)?.worker
      return worker ? [...worker.main, ...worker.init] : []
    },
    async stop() {
      stopWatching()
      const all = [...charges].map(async ([uid, charge]) => {
        const done = once(ended, uid)
        void end(uid, charge)
        await done
      })
      await Promise.all(all)
    },
  }
}

const NOTHING: Pick<PodSpec, 'initContainers' | 'containers'> = { containers: [] }
