/** Ports of the import: the Mongo database, and ours. */
import { createDigest } from '../adapters/digest.ts'
import { createFormer } from '../adapters/mongo/index.ts'
import { connect, createDtStore } from '../adapters/postgres/dt/index.ts'
import { createImportIntake } from '../adapters/postgres/dt/intake.ts'
import { createBlobs, createCatalogue } from '../adapters/postgres/files/index.ts'
import type { ImportPorts } from '../import/ports.ts'
import { type Environment, loadConfig } from '../settings/config.ts'

/** @throws ConfigFault */
export function wireImport(env: Environment, log: ImportPorts['log']): { ports: ImportPorts; close(): Promise<void> } {
  const config = loadConfig(['database', 'import'], env)
  const database = connect(config, { applicationName: 'dt-import' })
  const former = createFormer({
    url: config.MONGO_URL,
    database: config.MONGO_DB,
    filesDatabase: config.MONGO_FILES_DB,
  })
  const store = createDtStore(database)
  return {
    ports: {
      former,
      intake: createImportIntake(database),
      find: store.find,
      catalogue: createCatalogue(database),
      blobs: createBlobs(database),
      newDigest: createDigest,
      now: () => new Date(),
      log,
    },
    async close() {
      await Promise.all([former.close(), database.end()])
    },
  }
}
