/**
 * An installation out of a cluster, what sends events first. The database, the Secret and the namespace stay: they are the
 * site's. Analyses that run would go on without anybody to watch them, so they have to be ended before.
 */
import { LABEL, STANDING_POLICY_NAME } from '../../shared/po/names.ts'
import * as cluster from './kubectl.ts'
import { type DeployedObject, Refused, refOf } from './objects.ts'
import { namespaceOf, planOf, STAGES } from './plan.ts'

interface UndeployInput {
  readonly overlay: string
  /** Leaves running analyses to themselves, with the policy that keeps them apart. */
  readonly force?: boolean
  readonly say: (line: string) => void
}

const isKept = ({ kind }: DeployedObject): boolean => kind === 'Namespace' || kind === 'Secret'
const isStandingPolicy = ({ kind, metadata }: DeployedObject): boolean =>
  kind === 'NetworkPolicy' && metadata.name === STANDING_POLICY_NAME

export async function undeploy({ overlay, force = false, say }: UndeployInput): Promise<void> {
  const objects = await cluster.render(overlay)
  const namespace = namespaceOf(objects)
  const running = await cluster.select(['pods'], namespace, LABEL.analysis)
  if (running.length > 0 && !force) {
    throw new Refused(
      `${running.length} pods of analyses are running in namespace ${namespace}: stop them first (PUT /po/stop), or leave ` +
        'them to themselves with FORCE=1',
    )
  }
  const plan = planOf(objects)
  for (const stage of STAGES.toReversed()) {
    const gone = plan[stage].filter((object) => !isKept(object) && !(running.length > 0 && isStandingPolicy(object)))
    if (gone.length === 0) continue
    say(`removing ${stage} (${gone.length})`)
    await cluster.remove(gone.map(refOf))
  }
  say(`removed from namespace ${namespace}; its Secrets and the database are as they were`)
}
