/**
 * Faults that are built in on purpose, each the undoing of one thing the product relies on. They stand around its ports:
 * the product itself has no switch for any of them.
 */
import { STATES } from '../../shared/po/model.ts'
import { parseObjectName } from '../../shared/po/names.ts'
import type { KubernetesObject, Ports, Store } from '../../shared/po/ports.ts'
import type { Plant } from './simulation.ts'

/** Moves happen wherever the analysis is by now. */
const withoutCompareAndSet = (store: Store): Store => ({
  ...store,
  transition: (key, _from, to, patch) => store.transition(key, STATES, to, patch),
})

/** Whoever asks gets all that is due, whether or not somebody works on it. */
const withoutClaims = (store: Store): Store => ({
  ...store,
  claimDue: (now, _leaseMs, limit) => store.claimDue(now, 0, limit),
  claim: (id, now) => store.claim(id, now, 0),
  claimRemovals: (now, _leaseMs, limit) => store.claimRemovals(now, 0, limit),
  claimRemoval: (key, now) => store.claimRemoval(key, now, 0),
  claimReports: (now, _leaseMs, limit, id) => store.claimReports(now, 0, limit, id),
  claimChanges: (now, _leaseMs, limit) => store.claimChanges(now, 0, limit),
})

/** Every removal takes the client with it, whoever uses it now. */
const withoutRegardForOthers = (store: Store): Store => ({ ...store, holdClient: async () => 'held' })

/** A restart goes ahead although the analysis was stopped meanwhile. */
const restartingWhatWasStopped = (store: Store): Store => ({
  ...store,
  transition: (key, from, to, patch, run) => {
    const goesOn = to === 'restarting' || to === 'starting'
    return store.transition(key, goesOn ? [...from, 'stopping', 'stopped'] : from, to, patch, run)
  },
})

/** The Hub is told at once, and the move is recorded afterwards, if it still can be. */
const tellingBeforeRecording = (ports: Ports): Ports => ({
  ...ports,
  store: {
    ...ports.store,
    transition: async (key, from, to, patch = {}, run = undefined) => {
      const analysis = await ports.store.findByKey(key)
      for (const report of patch.reports ?? []) {
        const node = analysis && report.kind === 'status' ? await ports.hub.analysisNode(analysis.id) : undefined
        if (node && report.kind === 'status')
          await ports.hub.updateStatus(node.analysisNodeId, report.status, report.progress)
      }
      return ports.store.transition(key, from, to, patch, run)
    },
  },
})

const isPullSecret = ({ type }: KubernetesObject): boolean => type === 'kubernetes.io/dockerconfigjson'

/** The pull Secret hangs on the policy of the run, as everything else of it does. */
function owningSecretsByTheRun(ports: Ports): Ports {
  const { apply } = ports.cluster
  const secrets = new Map<string, KubernetesObject>()
  const adopt = async (policy: KubernetesObject, uid: string): Promise<void> => {
    const secret = secrets.get(parseObjectName(policy.metadata.name)?.id ?? '')
    const [root] = secret?.metadata.ownerReferences ?? []
    if (!secret || !root || policy.metadata.ownerReferences?.[0]?.kind !== 'Secret') return
    const { apiVersion, kind, metadata } = policy
    const owner = { ...root, apiVersion, kind, name: metadata.name, uid }
    await apply({ ...secret, metadata: { ...secret.metadata, ownerReferences: [owner] } })
  }
  return {
    ...ports,
    cluster: {
      ...ports.cluster,
      apply: async (object) => {
        const applied = await apply(object)
        if (isPullSecret(object)) secrets.set(parseObjectName(object.metadata.name)?.id ?? '', object)
        if (object.kind === 'NetworkPolicy') await adopt(object, applied.uid)
        return applied
      },
    },
  }
}

export const PLANTED = {
  'no compare-and-set': { store: withoutCompareAndSet },
  'the Hub before the row': { ports: tellingBeforeRecording },
  'the client deleted under a newer run': { store: withoutRegardForOthers },
  'no claim': { store: withoutClaims },
  'a restart after a stop': { store: restartingWhatWasStopped },
  'the Secret owned by the run': { ports: owningSecretsByTheRun },
} as const satisfies Record<string, Plant>
