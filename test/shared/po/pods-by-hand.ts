/** Pods of runs, and what becomes of them, in the hands of the test: the sandbox's API without its kubelet. */
import { PROOF_CONTAINER } from '../../../shared/platform/isolation.ts'
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import { analysisSelector, LABEL, PROBE_NAME, proxyName, proxySelector, runName } from '../../../shared/po/names.ts'
import { PROBE_SELECTOR } from '../../../shared/po/objects/index.ts'
import type { Kubernetes } from '../../sandbox/kubernetes/index.ts'

interface Ending {
  readonly reason: string
  readonly exitCode: number
}

/** What a pod looks like; nothing said: it runs and is ready. */
export interface Look {
  readonly phase?: string
  /** Why Kubernetes ended the pod. */
  readonly reason?: string
  readonly message?: string
  readonly unschedulable?: string
  readonly waiting?: { readonly reason: string; readonly message?: string }
  readonly terminated?: Ending
  readonly restarts?: number
  readonly lastTerminated?: Ending
  /** How its proof of isolation ended. */
  readonly proof?: { readonly exitCode: number; readonly message: string }
  /** Its deletion takes until `letGo`. */
  readonly clings?: boolean
  /** The garbage collector has not come to it: nobody deletes it but by hand. */
  readonly overlooked?: boolean
}

const FINALIZER = 'test/clings'
const time = () => new Date().toISOString()
const ended = (end: Ending) => ({ terminated: { ...end, startedAt: time(), finishedAt: time() } })

function containerState({ waiting, terminated }: Look) {
  if (waiting) return { waiting }
  return terminated ? ended(terminated) : { running: { startedAt: time() } }
}

const scheduled = (unschedulable: string | undefined) =>
  unschedulable === undefined
    ? { type: 'PodScheduled', status: 'True' }
    : { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: unschedulable }

function phaseOf({ phase, unschedulable, waiting, lastTerminated }: Look): string {
  if (phase) return phase
  return unschedulable !== undefined || (waiting && !lastTerminated) ? 'Pending' : 'Running'
}

function containerStatus(container: string, look: Look) {
  const { waiting, terminated, restarts = 0, lastTerminated } = look
  const lastState = lastTerminated ? ended(lastTerminated) : {}
  const known = { name: container, image: 'any', imageID: '', restartCount: restarts, lastState }
  return { ...known, ready: !waiting && !terminated, state: containerState(look) }
}

const proofStatus = (proof: NonNullable<Look['proof']>) => ({
  name: PROOF_CONTAINER,
  image: 'any',
  imageID: '',
  ready: proof.exitCode === 0,
  restartCount: 0,
  state: { terminated: { reason: 'Any', ...proof, startedAt: time(), finishedAt: time() } },
})

function statusOf(container: string, look: Look) {
  const { reason, message, unschedulable, waiting, terminated } = look
  const lost = look.phase === 'Failed' || unschedulable !== undefined
  return {
    phase: phaseOf(look),
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
    conditions: [scheduled(unschedulable), { type: 'Ready', status: lost || waiting || terminated ? 'False' : 'True' }],
    ...(look.proof ? { initContainerStatuses: [proofStatus(look.proof)] } : {}),
    containerStatuses: lost ? [] : [containerStatus(container, look)],
  }
}

export function createPods({ url, token, namespace }: Kubernetes) {
  const send = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': TYPES[method] ?? 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const result = (await answer.json()) as { metadata?: { uid?: string; name?: string }; message?: string }
    if (!answer.ok) throw new Error(`${method} ${path}: ${result.message}`)
    return result
  }
  const pods = `/api/v1/namespaces/${namespace}/pods`
  let made = 0

  /** As a kubelet says it: no other request writes a status. */
  const show = (name: string, container: string, look: Look): Promise<unknown> =>
    send('PATCH', `${pods}/${name}/status`, { status: statusOf(container, look) })

  async function start(deployment: string, labels: Readonly<Record<string, string>>, look: Look): Promise<string> {
    const owner = await send('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`)
    made += 1
    const name = `${deployment}-by-hand-${made}`
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment, uid: owner.metadata?.uid }
    const metadata = {
      name,
      labels,
      ownerReferences: look.overlooked ? [] : [{ ...ref, controller: true, blockOwnerDeletion: true }],
      ...(look.clings ? { finalizers: [FINALIZER] } : {}),
    }
    const spec = { containers: [{ name: deployment, image: 'any' }] }
    await send('POST', pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
    await show(name, deployment, look)
    return name
  }

  return {
    /** A pod of a run's analysis; resolves to its name. */
    start: (id: AnalysisId, run: number, look: Look = {}): Promise<string> => {
      const number = run as RunNumber
      return start(runName(id, number), { ...labelsOf(id, run), ...analysisSelector(id, number) }, look)
    },
    startProxy: (id: AnalysisId, run: number, look: Look = {}): Promise<string> => {
      const number = run as RunNumber
      return start(proxyName(id, number), { ...labelsOf(id, run), ...proxySelector(id, number) }, look)
    },
    /** A pod of the probe of the loop. */
    startProbe: (look: Look): Promise<string> => start(PROBE_NAME, PROBE_SELECTOR, look),
    /** From now on the pod looks like this. */
    change: async (name: string, look: Look): Promise<void> => {
      const container = name.replace(/-by-hand-\d+$/, '')
      await show(name, container, look)
    },
    remove: async (name: string): Promise<void> => void (await send('DELETE', `${pods}/${name}`)),
    /** A pod that clings ends now, if it is being deleted. */
    letGo: async (name: string): Promise<void> => {
      await send('PATCH', `${pods}/${name}`, { metadata: { finalizers: null } })
    },
  }
}

export type Pods = ReturnType<typeof createPods>

const TYPES: Readonly<Record<string, string>> = { PATCH: 'application/merge-patch+json' }
const labelsOf = (id: AnalysisId, run: number) => ({ [LABEL.analysis]: id, [LABEL.run]: String(run) })
