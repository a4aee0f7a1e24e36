/**
 * Deletes an installation in reverse order, event sources first. The database, the Secret and the namespace belong to the
 * operator and are kept. Running analyses must be stopped before: without the status loop their ends would go unnoticed.
 */
import { LABEL, STANDING_POLICY_NAME } from '../../shared/po/names.ts'
import * as cluster from './kubectl.ts'
import { DeployError, type DeployedObject, refOf } from './objects.ts'
import { namespaceOf, planOf, STAGES } from './plan.ts'

interface UndeployInput {
  readonly overlay: string
  /** Leaves running analyses and the policy that isolates them. */
  readonly force?: boolean
  readonly print: (line: string) => void
}

const isKept = ({ kind }: DeployedObject): boolean => kind === 'Namespace' || kind === 'Secret'
const isStandingPolicy = ({ kind, metadata }: DeployedObject): boolean =>
  kind === 'NetworkPolicy' && metadata.name === STANDING_POLICY_NAME

export async function undeploy({ overlay, force = false, print }: UndeployInput): Promise<void> {
  const objects = await cluster.renderOverlay(overlay)
  const namespace = namespaceOf(objects)
  const running = await cluster.selectAll(['pods'], namespace, LABEL.analysis)
  if (running.length > 0 && !force) {
    throw new DeployError(
      `${running.length} pods of analyses are running in namespace ${namespace}: stop them first (PUT /po/stop), or leave ` +
        'them to themselves with FORCE=1',
    )
  }
  const plan = planOf(objects)
  for (const stage of STAGES.toReversed()) {
    const deleted = plan[stage].filter((object) => !isKept(object) && !(running.length > 0 && isStandingPolicy(object)))
    if (deleted.length === 0) continue
    print(`removing ${stage} (${deleted.length})`)
    await cluster.deleteAll(deleted.map(refOf))
  }
  print(`removed from namespace ${namespace}; its Secrets and the database are as they were`)
}
