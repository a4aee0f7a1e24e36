/** What only the reconciler has: the tokens of runs, and the collection of garbage. */
import { connect, createBlobs, createCatalogue, createRuns } from '../adapters/postgres/files/index.ts'
import type { Ports } from '../dt/ports.ts'
import { tidy } from '../files/tidy.ts'
import { runToken } from '../service-token.ts'
import type { TwinWiring } from './twins.ts'

export const twinKeeping: TwinWiring<Pick<Ports, 'tokenOf' | 'tidy'>> = ({ config, ambient }) => {
  const database = connect(config)
  const deps = {
    ...ambient,
    catalogue: createCatalogue(database),
    blobs: createBlobs(database),
    runs: createRuns(database),
  }
  return {
    tokenOf: (grant) => runToken(config.DT_TOKEN_KEY, grant),
    tidy: async () => void (await tidy(deps)),
  }
}
