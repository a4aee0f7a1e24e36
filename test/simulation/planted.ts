/**
 * Planted faults, each of which breaks one guarantee that the product relies on. They wrap its ports; the product has no switch
 * for them. Together they break every promise.
 */

import type { KubernetesObject } from '../../shared/platform/ports.ts'
import { STATES } from '../../shared/po/model.ts'
import { parseObjectName } from '../../shared/po/names.ts'
import type { PoStore } from '../../shared/po/ports/store.ts'
import type { PoPorts } from '../../shared/po/ports.ts'
import type { PromiseName } from './invariants/watch.ts'
import type { Plant } from './simulation.ts'
import { createMemoryStore } from './store/index.ts'
import { createTables, type Tables } from './store/tables.ts'

/** Moves ignore the current state of the analysis. */
const withoutCompareAndSet = (store: PoStore): PoStore => ({
  ...store,
  transition: (key, _from, to, patch) => store.transition(key, STATES, to, patch),
})

/** Claims ignore the claims of others. */
const withoutClaims = (store: PoStore): PoStore => ({
  ...store,
  claimDue: (now, _leaseMs, limit) => store.claimDue(now, 0, limit),
  claimSuspects: (now, _leaseMs, sizes) => store.claimSuspects(now, 0, sizes),
  claim: (id, now) => store.claim(id, now, 0),
  claimRemovals: (now, _leaseMs, limit) => store.claimRemovals(now, 0, limit),
  claimSuspectRemoval: (now) => store.claimSuspectRemoval(now, 0),
  claimRemoval: (key, now) => store.claimRemoval(key, now, 0),
  claimReports: (now, _leaseMs, limit, id) => store.claimReports(now, 0, limit, id),
  claimChanges: (now, _leaseMs, limit) => store.claimChanges(now, 0, limit),
})

/** Every removal deletes the client, even if another incarnation uses it. */
const withoutRegardForOthers = (store: PoStore): PoStore => ({ ...store, claimClient: async () => 'held' })

/** A restart continues although the analysis was stopped meanwhile. */
const restartingWhatWasStopped = (store: PoStore): PoStore => ({
  ...store,
  transition: (key, from, to, patch, run) => {
    const goesOn = to === 'restarting' || to === 'starting'
    return store.transition(key, goesOn ? [...from, 'stopping', 'stopped'] : from, to, patch, run)
  },
})

/** A create does not wait for the deletion of the previous root. */
const beginningTooEarly = (store: PoStore): PoStore => ({
  ...store,
  begin: async (input) => {
    for (const { key, id } of await store.pendingRemovals()) if (id === input.id) await store.markRootRemoved(key)
    return store.begin(input)
  },
})

/** Each line reports again that the analysis executes. */
const passingLinesOn = (ports: PoPorts): PoPorts => ({
  ...ports,
  store: {
    ...ports.store,
    appendLine: (id, run, line, reports, limits) =>
      ports.store.appendLine(
        id,
        run,
        line,
        (analysis, ...facts) => {
          const lifted = { kind: 'status', status: 'executing', progress: analysis.progress } as const
          return [...reports(analysis, ...facts), lifted]
        },
        limits,
      ),
  },
})

/** A response does not reset the silence timer. */
const neverForgivingSilence = (store: PoStore): PoStore => ({
  ...store,
  recordPoll: (key, run, _outcome, at) => store.recordPoll(key, run, 'silent', at),
})

/** A change counts as published once it is claimed. */
const forgettingChanges = (store: PoStore): PoStore => ({
  ...store,
  claimChanges: async (...args) => {
    const claimed = await store.claimChanges(...args)
    for (const { seq } of claimed) await store.settleChange(seq)
    return claimed
  },
})

const neverCompletingRemovals = (store: PoStore): PoStore => ({ ...store, completeRemoval: async () => undefined })

/** A store in memory whose tables are changed after each call of one kind. */
const spoiling = (call: 'archive' | 'transition', spoil: (tables: Tables) => void) => (now: () => Date) => {
  const tables = createTables(now)
  const store = createMemoryStore(now, tables)
  const spoiled = async (...args: never[]) => {
    const answer = await (store[call] as (...args: never[]) => Promise<unknown>)(...args)
    spoil(tables)
    return answer
  }
  return { ...store, [call]: spoiled }
}

const startingProgressAgain = ({ analyses }: Tables): void => {
  for (const row of analyses.values()) if (row.state === 'restarting') analyses.set(row.key, { ...row, progress: 0 })
}

/** Reports to the Hub before the move is recorded. */
const tellingBeforeRecording = (ports: PoPorts): PoPorts => ({
  ...ports,
  store: {
    ...ports.store,
    transition: async (key, from, to, patch = {}, run = undefined) => {
      const analysis = await ports.store.findByKey(key)
      for (const report of patch.reports ?? []) {
        if (!analysis || report.kind !== 'status') continue
        const node = await ports.hub.analysisNode(analysis.id)
        if (node) await ports.hub.updateStatus(node.analysisNodeId, report.status, report.progress)
      }
      return ports.store.transition(key, from, to, patch, run)
    },
  },
})

const applying = (ports: PoPorts, apply: PoPorts['cluster']['apply']): PoPorts => ({
  ...ports,
  cluster: { ...ports.cluster, apply },
})

/** The policy of the run owns the Secret, like its other objects. */
function owningSecretsByTheRun(ports: PoPorts): PoPorts {
  const { apply } = ports.cluster
  const secrets = new Map<string, KubernetesObject>()
  const adopt = async (policy: KubernetesObject, uid: string): Promise<void> => {
    const secret = secrets.get(parseObjectName(policy.metadata.name)?.id ?? '')
    const [root] = secret?.metadata.ownerReferences ?? []
    if (!secret || !root || policy.metadata.ownerReferences?.[0]?.kind !== 'ConfigMap') return
    const { apiVersion, kind, metadata } = policy
    const owner = { ...root, apiVersion, kind, name: metadata.name, uid }
    await apply({ ...secret, metadata: { ...secret.metadata, ownerReferences: [owner] } })
  }
  return applying(ports, async (object) => {
    const applied = await apply(object)
    if (object.kind === 'Secret') secrets.set(parseObjectName(object.metadata.name)?.id ?? '', object)
    if (object.kind === 'NetworkPolicy') await adopt(object, applied.uid)
    return applied
  })
}

/** Owners are deleted before their dependents. */
const ownersThatDoNotWait = (ports: PoPorts): PoPorts =>
  applying(ports, (object) => {
    const owners = object.metadata.ownerReferences?.map((owner) => ({ ...owner, blockOwnerDeletion: false }))
    const metadata = { ...object.metadata, ...(owners ? { ownerReferences: owners } : {}) }
    return ports.cluster.apply({ ...object, metadata })
  })

const loggingTokens = (ports: PoPorts): PoPorts => ({
  ...ports,
  identity: {
    ...ports.identity,
    issueToken: async (id) => {
      const token = await ports.identity.issueToken(id)
      ports.log('debug', 'token issued', { token: token.value })
      return token
    },
  },
})

const crashingOverPartners = (ports: PoPorts): PoPorts => ({
  ...ports,
  hub: { ...ports.hub, partners: () => Promise.reject(new TypeError('partners is not iterable')) },
})

export interface Planted {
  readonly title: string
  readonly breaks: PromiseName
  readonly plant: Plant
}

export const PLANTED: readonly Planted[] = [
  { title: 'no compare-and-set', breaks: 'an end is final', plant: { store: withoutCompareAndSet } },
  {
    title: 'the Hub before the row',
    breaks: 'the Hub hears what was recorded, in order',
    plant: { ports: tellingBeforeRecording },
  },
  {
    title: 'the client deleted under a newer run',
    breaks: 'a live analysis keeps its client',
    plant: { store: withoutRegardForOthers },
  },
  { title: 'no claim', breaks: 'the Hub hears what was recorded, in order', plant: { store: withoutClaims } },
  { title: 'a restart after a stop', breaks: 'an end is final', plant: { store: restartingWhatWasStopped } },
  {
    title: 'the Secret owned by the run',
    breaks: 'a live analysis keeps its Secrets',
    plant: { ports: owningSecretsByTheRun },
  },
  {
    title: 'a create before the former root goes',
    breaks: 'at most one live run',
    plant: { store: beginningTooEarly },
  },
  {
    title: 'run numbers forgotten with the row',
    breaks: 'run numbers never repeat',
    plant: { place: spoiling('archive', ({ identities }) => identities.clear()) },
  },
  {
    title: 'progress that starts again from 0 with a restart',
    breaks: 'progress never falls',
    plant: { place: spoiling('transition', startingProgressAgain) },
  },
  {
    title: 'statuses of lines passed on',
    breaks: 'statuses of a run never regress',
    plant: { ports: passingLinesOn },
  },
  { title: 'a token in the log', breaks: 'no secret leaves Kubernetes', plant: { ports: loggingTokens } },
  { title: 'owners that do not wait', breaks: 'no pod without a policy', plant: { ports: ownersThatDoNotWait } },
  {
    title: 'silence that never ends',
    breaks: 'no restart and no failure that was not earned',
    plant: { store: neverForgivingSilence },
  },
  {
    title: 'changes deleted before they are published',
    breaks: 'changes are published in order, each once',
    plant: { store: forgettingChanges },
  },
  { title: 'a type error', breaks: 'no defect', plant: { ports: crashingOverPartners } },
  {
    title: 'removals that are never complete',
    breaks: 'the world comes to rest',
    plant: { store: neverCompletingRemovals },
  },
]
