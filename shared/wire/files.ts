import { randomBytes } from 'node:crypto'
import { createDigest } from '../adapters/digest.ts'
import { createBlobs, createCatalogue, createRuns } from '../adapters/postgres/files/index.ts'
import { objectIdOf } from '../files/id.ts'
import type { RunPorts } from '../files/ports.ts'
import { databaseOf } from './database.ts'
import type { Wiring } from './index.ts'

export const files: Wiring<Pick<RunPorts, 'catalogue' | 'blobs' | 'runs' | 'newDigest' | 'newId'>> = (context) => {
  const database = databaseOf(context)
  return {
    catalogue: createCatalogue(database),
    blobs: createBlobs(database),
    runs: createRuns(database),
    newDigest: createDigest,
    newId: () => objectIdOf(new Date(), randomBytes(8)),
  }
}
