/**
 * The behaviour of the real API that the sandbox's reproduces, as requests and responses. Both pass; a new difference is added
 * here first.
 */
import { afterAll, beforeAll, describe } from 'vitest'
import { serverSideApply } from './apply.ts'
import { cronJobRefusals, cronJobRuns } from './cron-jobs.ts'
import { customs } from './customs.ts'
import { deletion } from './deletion.ts'
import { jobRefusals, jobRuns } from './jobs.ts'
import { lists } from './lists.ts'
import { patches } from './patches.ts'
import { refusals } from './refusals.ts'
import { type ApiTarget, verbsOf } from './target.ts'

export interface ApiAbilities {
  /** An image with a POSIX shell; undefined where no pods run. */
  readonly shellImage: string | undefined
}

export function kubernetesApiConformance(
  title: string,
  make: () => Promise<ApiTarget>,
  { shellImage }: ApiAbilities,
): void {
  describe(`Kubernetes API: ${title}`, () => {
    let target: ApiTarget
    beforeAll(async () => {
      target = await make()
    })
    afterAll(() => target?.stop())

    const verbs = verbsOf(() => target)
    for (const part of [refusals, lists, serverSideApply, patches, deletion, customs, jobRefusals, cronJobRefusals])
      part(verbs)
    if (!shellImage) return
    jobRuns(verbs, shellImage)
    cronJobRuns(verbs, shellImage)
  })
}
