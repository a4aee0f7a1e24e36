/** Reads services and GridFS files from the MongoDB database of the former orchestrator, for the import. */
import { Binary, Long, MongoClient, ObjectId } from 'mongodb'
import type { FormerDatabase } from '../../import/ports.ts'
import { Fault, isFault } from '../../platform/fault.ts'

const ANSWER_MS = 5000
const BATCH = 20

interface MongoOptions {
  readonly url: string
  readonly database: string
  readonly filesDatabase: string
}

/** BSON values as plain values. Other types stay as they are, and the import reports them. */
function plain(value: unknown): unknown {
  if (value instanceof ObjectId) return value.toHexString()
  if (value instanceof Long) return value.toNumber()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Binary) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

/** Without the driver's message, which may contain the URL and its password. */
const toFault = (cause: unknown): Fault =>
  isFault(cause)
    ? cause
    : new Fault('unavailable', `MongoDB did not answer: ${cause instanceof Error ? cause.name : 'unknown'}`, { cause })

async function* withFaults<T>(items: () => AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* items()
  } catch (error) {
    throw toFault(error)
  }
}

interface Piece {
  readonly n: number
  readonly data: Binary
}

export function createFormer({
  url,
  database,
  filesDatabase,
}: MongoOptions): FormerDatabase & { close(): Promise<void> } {
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: ANSWER_MS,
    connectTimeoutMS: ANSWER_MS,
    readPreference: 'primaryPreferred',
  })
  const files = () => client.db(filesDatabase)

  async function* bytes(id: string): AsyncIterable<Uint8Array> {
    const pieces = files()
      .collection('fs.chunks')
      .find<Piece>({ files_id: new ObjectId(id) }, { sort: { n: 1 }, batchSize: BATCH })
    let next = 0
    for await (const { n, data } of pieces) {
      if (n > next) throw new Fault('not_found', `piece ${next} of it is missing`)
      if (n < next) throw new Fault('refused', `piece ${n} of it is there twice`)
      next += 1
      yield data.buffer.subarray(0, data.position)
    }
  }

  return {
    services: () =>
      withFaults(async function* () {
        for await (const each of client.db(database).collection('services').find()) yield plain(each) as never
      }),
    files: () =>
      withFaults(async function* () {
        const all = files()
          .collection('fs.files')
          .find({}, { sort: { uploadDate: 1, _id: 1 } })
        for await (const each of all) yield plain(each) as never
      }),
    bytes: (id) => withFaults(() => bytes(id)),
    close: () => client.close(),
  }
}
