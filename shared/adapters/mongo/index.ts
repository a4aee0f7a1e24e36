/** The Mongo database of the orchestrator of before, to be read once: its services, and its files in GridFS. */
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

/** Values as anybody knows them; what is none of these stays as it is, and is said to be wrong by who reads it. */
function plain(value: unknown): unknown {
  if (value instanceof ObjectId) return value.toHexString()
  if (value instanceof Long) return value.toNumber()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Binary) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

/** The address may hold a password, and the driver's words the address. */
const away = (cause: unknown): Fault =>
  isFault(cause)
    ? cause
    : new Fault('unavailable', `MongoDB did not answer: ${cause instanceof Error ? cause.name : 'unknown'}`, { cause })

async function* guarded<T>(items: () => AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* items()
  } catch (error) {
    throw away(error)
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
      guarded(async function* () {
        for await (const each of client.db(database).collection('services').find()) yield plain(each) as never
      }),
    files: () =>
      guarded(async function* () {
        const all = files()
          .collection('fs.files')
          .find({}, { sort: { uploadDate: 1, _id: 1 } })
        for await (const each of all) yield plain(each) as never
      }),
    bytes: (id) => guarded(() => bytes(id)),
    close: () => client.close(),
  }
}
