/**
 * The lifecycle of a pod: scheduled, image pulled with its credentials, Secrets and files mounted, started, ready, and
 * terminated within its grace period. While faults are on, some pods wait long, fail, are evicted or hang on a lost node.
 */
import type { Random } from '../core/random.ts'
import type { Timeline } from '../core/timeline.ts'
import { keyOf, type Namespace, type Pod, type PodSpec, templateOf } from './objects.ts'

export interface Exit {
  readonly reason: string
  readonly exitCode: number
}

export interface KubeletDeps {
  readonly namespace: Namespace
  readonly timeline: Timeline
  readonly random: Random
  /** Current share of pods with a fault. */
  readonly trouble: () => number
  /** A pod had a fault that is not its analysis's. */
  readonly troubled: (pod: Pod, what: string) => void
  readonly started: (pod: Pod) => void
  readonly changed: () => void
  readonly gone: (pod: Pod) => void
}

export interface Kubelet {
  readonly admit: (pod: Pod) => void
  /** Terminates a pod: its container runs for a part of the grace period. */
  readonly end: (pod: Pod) => void
  /** The process of the container exited. */
  readonly exit: (pod: Pod, exit: Exit) => void
}

const TROUBLES = ['unschedulable', 'unpullable', 'slow', 'evicted', 'killed', 'drained', 'lost'] as const
type PodTrouble = (typeof TROUBLES)[number]

const RETRY_MS = 2000
const RESTART_MS = [1000, 10_000, 20_000, 40_000] as const

const secretsOf = ({ containers, imagePullSecrets = [] }: PodSpec) => ({
  env: containers.flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef.name ?? [])),
  pull: imagePullSecrets.map(({ name }) => name),
})

export function createKubelet(deps: KubeletDeps): Kubelet {
  const { namespace, timeline, random, trouble, troubled, started, changed, gone } = deps
  const lost = new Set<Pod>()
  const isHere = (pod: Pod): boolean => namespace.pods.get(pod.name) === pod
  const isThere = (kind: 'Secret' | 'ConfigMap', names: readonly string[]): boolean =>
    names.every((name) => namespace.things.has(keyOf(kind, name)))

  /** Acts later, unless the pod is gone or terminating by then. */
  const later = (pod: Pod, ms: number, act: () => void) =>
    timeline.after(ms, () => {
      if (isHere(pod) && !pod.deleting && pod.phase !== 'Failed') act()
    })

  const start = (pod: Pod): void => {
    pod.phase = 'Running'
    pod.waiting = null
    pod.terminated = null
    pod.isRunning = true
    later(pod, random.skewed(50, 2000), () => {
      pod.ready = pod.isRunning
    })
    started(pod)
  }

  /** Why its container cannot start yet. */
  const obstacle = (pod: Pod): { reason: string; message: string } | undefined => {
    const spec = templateOf(pod.owner).spec
    const { env, pull } = secretsOf(spec)
    const files = (spec.volumes ?? []).flatMap(({ configMap }) => configMap?.name ?? [])
    if (!isThere('Secret', pull)) return { reason: 'ImagePullBackOff', message: 'no login' }
    if (!isThere('Secret', env)) return { reason: 'CreateContainerConfigError', message: 'secret not found' }
    return isThere('ConfigMap', files) ? undefined : { reason: 'ContainerCreating', message: 'configmap not found' }
  }

  const prepare = (pod: Pod): void => {
    pod.waiting = obstacle(pod) ?? null
    if (pod.waiting) later(pod, RETRY_MS, () => prepare(pod))
    else start(pod)
  }

  const pull = (pod: Pod, ms: number): void => {
    pod.unschedulable = null
    pod.waiting = { reason: 'ContainerCreating', message: '' }
    later(pod, ms, () => prepare(pod))
  }

  const exit = (pod: Pod, end: Exit): void => {
    if (!pod.isRunning) return
    const termination = { ...end, message: '' }
    Object.assign(pod, { isRunning: false, ready: false, terminated: termination })
    later(pod, 500, () => {
      Object.assign(pod, { terminated: null, lastTerminated: termination })
      pod.waiting = { reason: 'CrashLoopBackOff', message: 'back-off' }
      later(pod, RESTART_MS[Math.min(pod.restarts, RESTART_MS.length - 1)] ?? 0, () => {
        pod.restarts += 1
        prepare(pod)
      })
    })
  }

  const evict = (pod: Pod): void => {
    Object.assign(pod, { phase: 'Failed', reason: 'Evicted', isRunning: false, ready: false })
    changed()
  }

  const remove = (pod: Pod): void => {
    if (!isHere(pod)) return
    namespace.pods.delete(pod.name)
    lost.delete(pod)
    gone(pod)
    changed()
  }

  const end = (pod: Pod): void => {
    if (pod.deleting) return
    pod.deleting = true
    pod.ready = false
    const grace = templateOf(pod.owner).spec.terminationGracePeriodSeconds ?? 30
    const ms = pod.isRunning ? random.skewed(100, grace * 1000) : random.whole(50, 500)
    timeline.after(lost.has(pod) ? 60_000 : ms, () => remove(pod))
  }

  const TROUBLE: Readonly<Record<PodTrouble | 'none', (pod: Pod) => void>> = {
    none: (pod) => pull(pod, random.skewed(200, 5000)),
    unschedulable: (pod) => {
      pod.unschedulable = '0/3 nodes are available'
      later(pod, random.whole(5, 90) * 1000, () => pull(pod, 1000))
    },
    unpullable: (pod) => {
      pod.waiting = { reason: random.pick(['ErrImagePull', 'ImagePullBackOff']), message: 'no such image' }
      later(pod, random.whole(5, 90) * 1000, () => pull(pod, 1000))
    },
    slow: (pod) => pull(pod, random.whole(10, 100) * 1000),
    evicted: (pod) => soon(pod, () => evict(pod)),
    killed: (pod) => soon(pod, () => exit(pod, { reason: 'OOMKilled', exitCode: 137 })),
    drained: (pod) => soon(pod, () => end(pod)),
    lost: (pod) =>
      soon(pod, () => {
        lost.add(pod)
        end(pod)
      }),
  }

  const soon = (pod: Pod, act: () => void): void => {
    pull(pod, random.skewed(200, 5000))
    later(pod, random.whole(2, 60) * 1000, act)
  }

  const admit = (pod: Pod): void => {
    const what = random.chance(trouble()) ? random.pick(TROUBLES) : 'none'
    if (what !== 'none') troubled(pod, what)
    TROUBLE[what](pod)
  }

  return { admit, end, exit }
}
