/**
 * Makes our root the owner of the objects of a former run, so they are deleted with it in the usual order. Only metadata is
 * written: no pod restarts, and no policy changes.
 */
import { ownerReference } from '../../platform/objects.ts'
import type { OwnerReference } from '../../platform/ports.ts'
import type { RunNumber } from '../model.ts'
import { LABEL } from '../names.ts'
import { policyOwnedByRoot, type RunInput, rootOf, runLabels } from '../objects/index.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { PoPodFacts } from '../ports/cluster.ts'
import { analysisParts, type FormerRun, formerPolicy, formerProxy, proxyParts } from './former.ts'

interface ClaimOptions {
  /** Claims its proxy as well. Otherwise the proxy is replaced. */
  readonly withProxy: boolean
}

const POLICY = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' } as const

/** Claims the policy of the run, which owns its other objects. Applies ours if there is none. */
async function claimPolicy(ports: AdoptPorts, input: RunInput, rootUid: string, { run, row }: FormerRun) {
  const name = formerPolicy(row.deployment)
  const marks = { labels: runLabels(input, run), owner: ownerReference(rootOf(input), rootUid) }
  const uid = await ports.takeover.mark('NetworkPolicy', name, marks)
  if (uid) return ownerReference({ ...POLICY, metadata: { name } }, uid)
  const own = policyOwnedByRoot({ ...input, run }, rootUid)
  return ownerReference(own, (await ports.cluster.apply(own)).uid)
}

const restartsOf = ({ containers }: PoPodFacts): number => Math.max(0, ...containers.map(({ restarts }) => restarts))

/** Claims the present pods. A pod that is created later has no such label, and the loop ends the run. */
async function claimPods(ports: AdoptPorts, input: RunInput, run: RunNumber, app: string): Promise<void> {
  const pods = (await ports.cluster.pods({ app })).filter(({ labels }) => labels[LABEL.analysis] === undefined)
  for (const pod of pods) {
    const labels = { ...runLabels(input, run), [LABEL.restartsBefore]: String(restartsOf(pod)) }
    await ports.takeover.mark('Pod', pod.name, { labels })
  }
}

/** Claims the objects of a run. A repetition changes nothing. Resolves to the owner of its other objects. */
export async function claimRun(
  ports: AdoptPorts,
  input: RunInput,
  rootUid: string,
  former: FormerRun,
  { withProxy }: ClaimOptions,
): Promise<OwnerReference> {
  const { run } = former
  const { deployment } = former.row
  const owner = await claimPolicy(ports, input, rootUid, former)
  const parts = [...analysisParts(deployment), ...(withProxy ? proxyParts(deployment) : [])]
  for (const [kind, name] of parts) {
    const adopted = kind === 'Deployment' ? { [LABEL.adopted]: 'true' } : {}
    await ports.takeover.mark(kind, name, { labels: { ...runLabels(input, run), ...adopted }, owner })
  }
  for (const app of [deployment, ...(withProxy ? [formerProxy(deployment)] : [])]) {
    await claimPods(ports, input, run, app)
  }
  return owner
}
