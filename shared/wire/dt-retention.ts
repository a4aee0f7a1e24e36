/** Ports of the reconciler alone: tokens of runs, and garbage collection. */
import { createBlobs, createCatalogue, createRuns } from '../adapters/postgres/files/index.ts'
import type { DtPorts } from '../dt/ports.ts'
import { collectGarbage } from '../files/garbage.ts'
import { runToken } from '../platform/service-token.ts'
import type { Wiring } from './context.ts'
import { databaseOf } from './database.ts'

export const dtRetention: Wiring<Pick<DtPorts, 'tokenOf' | 'collectGarbage'>> = (context) => {
  const { config, ambient } = context
  const database = databaseOf(context)
  const deps = {
    ...ambient,
    catalogue: createCatalogue(database),
    blobs: createBlobs(database),
    runs: createRuns(database),
  }
  return {
    tokenOf: (grant) => runToken(config.DT_TOKEN_KEY, grant),
    collectGarbage: async () => void (await collectGarbage(deps)),
  }
}
