/** The runs of all services together are as many as the installation says; Jobs wait their turn, suspended. */
import { admit } from '../lifecycle.ts'
import type { Service } from '../model.ts'
import type { Ports } from '../ports.ts'

/** Lets Jobs go on for which there is room. They are read again: some were made, and some ended, since. */
export async function letGoOn(
  { cluster, settings, log }: Pick<Ports, 'cluster' | 'settings' | 'log'>,
  services: readonly Service[],
): Promise<void> {
  const { maxRuns } = settings
  const ids = services.filter(({ spec }) => spec.jobType !== 'persistent').map(({ id }) => id)
  if (maxRuns === 0 || ids.length === 0) return
  for (const { name } of admit(await cluster.jobs(ids), maxRuns)) {
    await cluster.resume(name)
    log('action', 'Job goes on', { job: name })
  }
}
