/** What only the reconciler has: the tokens it hands to runs, and the clearing away of bytes that nobody has. */
import { createBlobs, createCatalogue } from '../adapters/postgres/files/index.ts'
import type { Ports } from '../dt/ports.ts'
import { tidy } from '../files/tidy.ts'
import { serviceToken } from '../service-token.ts'
import { databaseOf } from './database.ts'
import type { TwinWiring } from './twins.ts'

export const twinKeeping: TwinWiring<Pick<Ports, 'tokenOf' | 'tidy'>> = (context) => {
  const { config, ambient } = context
  const database = databaseOf(context)
  const deps = { ...ambient, catalogue: createCatalogue(database), blobs: createBlobs(database) }
  return {
    tokenOf: (id) => serviceToken(config.DT_TOKEN_KEY, id),
    tidy: async () => void (await tidy(deps)),
  }
}
