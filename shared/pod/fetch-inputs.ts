/**
 * `fetch-inputs` downloads the inputs of a run to `/input` before its image starts. It ends with 0 if all inputs have arrived with
 * their digests. Otherwise its last line is the reason with which the run fails.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Bytes } from '../platform/ports.ts'
import { createClient, Refused, type RunClient } from './client.ts'
import { type RunEnvironment, readEnvironment } from './environment.ts'

interface Input {
  readonly name: string
  readonly file_id: string
  readonly sha256: string | null
  readonly length: number | null
}

/** How long the start of a download is retried while the functions or the database do not answer. */
const RETRY_MS = 5 * 60_000

const named = (inputs: readonly Input[]): string =>
  inputs.map(({ name, file_id }) => `${name} (file ${file_id})`).join(', ')

const leadsOut = ({ name }: Input): boolean =>
  name.includes('\0') || name.split('/').some((segment) => ['', '.', '..'].includes(segment))

/** The same bytes. @throws Error at their end if their digest is another one */
async function* verified(source: Bytes, { sha256, name }: Input): Bytes {
  const hash = createHash('sha256')
  for await (const bytes of source) {
    hash.update(bytes)
    yield bytes
  }
  if (hash.digest('hex') !== sha256) throw new Error(`${name} did not arrive as it was stored`)
}

/** Step and firing of the run. */
const queryOf = ({ step, firing }: RunEnvironment): string => `?step=${step}&firing=${firing}`

/** The file gets its name only when it is complete. All users may read it. */
async function fetchOne(client: RunClient, run: RunEnvironment, input: Input): Promise<void> {
  const path = join(run.input, input.name)
  const partial = join(run.input, `.${input.sha256}.part`)
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  try {
    const bytes = await client.receive(`inputs/${input.sha256}${queryOf(run)}`)
    await pipeline(verified(bytes, input), createWriteStream(partial, { mode: 0o644 }))
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

const PAGE = 1000

/** All inputs, page by page, as long as they fit below `/input`. */
async function listed(client: RunClient, run: RunEnvironment): Promise<Input[]> {
  const inputs: Input[] = []
  let bytes = 0
  for (let page: readonly Input[] | undefined; !page || page.length === PAGE; ) {
    const after = encodeURIComponent(inputs.at(-1)?.name ?? '')
    const path = `inputs${queryOf(run)}&limit=${PAGE}&after=${after}`
    page = (await client.persist(Date.now() + RETRY_MS, () => client.json('GET', path))) as readonly Input[]
    inputs.push(...page)
    bytes = page.reduce((sum, { length }) => sum + (length ?? 0), bytes)
    if (bytes > run.limits.bytes)
      throw new Error(`they may have ${run.limits.bytes} bytes together (DT_OUTPUT_LIMIT), and have more`)
  }
  return inputs
}

async function fetchAll(): Promise<number> {
  const run = readEnvironment(process.env)
  const client = createClient(run)
  const until = () => Date.now() + RETRY_MS
  const inputs = await listed(client, run)
  const missing = inputs.filter(({ sha256 }) => sha256 === null)
  if (missing.length > 0) throw new Error(`no such input file: ${named(missing)}`)
  const bad = inputs.filter(leadsOut)
  if (bad.length > 0) throw new Error(`no relative path below /input: ${named(bad)}`)
  for (const input of inputs) {
    await client
      .persist(until(), () => fetchOne(client, run, input))
      .catch((error: unknown) => {
        const why = error instanceof Refused ? `refused: ${error.message}` : String((error as Error).message)
        throw new Error(`input file ${named([input])}: ${why}`, { cause: error })
      })
  }
  return inputs.length
}

try {
  console.log(`${await fetchAll()} input files`)
} catch (error) {
  console.log(`inputs: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
