import { randomBytes } from 'node:crypto'
import { createDigest } from '../adapters/digest.ts'
import { checkAuthority, createBlobs, createCatalogue, createRuns } from '../adapters/postgres/files/index.ts'
import { bytesOf } from '../dt/settings.ts'
import { objectIdOf } from '../files/id.ts'
import { parseObjectId } from '../files/model.ts'
import type { RunPorts } from '../files/ports.ts'
import type { Route } from '../routes/index.ts'
import { type Wiring, wireWith } from './context.ts'
import { databaseOf } from './database.ts'

const wiring: Wiring<Pick<RunPorts, 'catalogue' | 'blobs' | 'runs' | 'limits' | 'newDigest' | 'newId'>> = (context) => {
  const { config } = context
  const database = databaseOf(context)
  return {
    catalogue: createCatalogue(database, { limitBytes: bytesOf(config.DT_STORE_LIMIT) }),
    blobs: createBlobs(database),
    runs: createRuns(database),
    limits: {
      DT_OUTPUT_FILES: config.DT_OUTPUT_FILES,
      DT_OUTPUT_LIMIT: bytesOf(config.DT_OUTPUT_LIMIT),
      DT_OUTPUT_PATH_BYTES: config.DT_OUTPUT_PATH_BYTES,
      DT_SERVICE_OUTPUT_FILES: config.DT_SERVICE_OUTPUT_FILES,
      DT_SERVICE_OUTPUT_LIMIT: bytesOf(config.DT_SERVICE_OUTPUT_LIMIT),
    },
    newDigest: createDigest,
    newId: () => objectIdOf(parseObjectId, new Date(), randomBytes(8)),
  }
}

const files = Object.assign(wiring, { check: checkAuthority })

/** Ports of functions that store and serve files, which need no settings of a system. */
export const wireFiles = <const R extends Route>(route: R) => wireWith(() => undefined)(route, files)
