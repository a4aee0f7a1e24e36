/** The policies that runs are confined by: part of the installation, and put back when they are missing or old. */
import { standingPolicies } from '../objects/index.ts'
import type { Ports } from '../ports.ts'

export interface Memory {
  /** What a process of this version has applied. */
  guarded: boolean
}

export const createMemory = (): Memory => ({ guarded: false })

/** Before anything is started. */
export async function standGuard(
  { cluster, settings, log }: Pick<Ports, 'cluster' | 'settings' | 'log'>,
  memory: Memory,
): Promise<void> {
  for (const policy of standingPolicies(settings.service)) {
    const { name } = policy.metadata
    if (memory.guarded && (await cluster.has('NetworkPolicy', name))) continue
    await cluster.apply(policy)
    if (memory.guarded) log('warn', 'policy was missing and is back', { policy: name })
  }
  memory.guarded = true
}
