import { randomBytes } from 'node:crypto'
import { createDigest } from '../adapters/digest.ts'
import { checkAuthority, connect, createBlobs, createCatalogue, createRuns } from '../adapters/postgres/files/index.ts'
import { objectIdOf } from '../files/id.ts'
import type { RunPorts } from '../files/ports.ts'
import type { Wiring } from './index.ts'

const wiring: Wiring<Pick<RunPorts, 'catalogue' | 'blobs' | 'runs' | 'newDigest' | 'newId'>> = ({ config }) => {
  const database = connect(config)
  return {
    catalogue: createCatalogue(database),
    blobs: createBlobs(database),
    runs: createRuns(database),
    newDigest: createDigest,
    newId: () => objectIdOf(new Date(), randomBytes(8)),
  }
}

export const files = Object.assign(wiring, { check: checkAuthority })
