/**
 * `upload-outputs` waits beside a run until its image has ended, with any exit code. Then it uploads all files in `/output`, or
 * reports why it could not. Kubernetes sends it a signal and waits for the grace period. After a restart it continues. With `--now`
 * it does not wait for a signal.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { withinDeadline } from '../platform/http-client.ts'
import type { Bytes } from '../platform/ports.ts'
import { createClient, type RunClient } from './client.ts'
import { type RunEnvironment, readEnvironment } from './environment.ts'
import { type FoundFile, openPlain, walk } from './walk.ts'

interface Taken {
  readonly path: string
  readonly sha256: string
  readonly length: number
}
interface OutputSet {
  readonly state: 'open' | 'complete' | 'incomplete'
  readonly reason: string | null
  readonly count: number
  /** A page of them. */
  readonly files: readonly Taken[]
}

const CONCURRENCY = 4
const READ_BYTES = 256 * 1024
const PAGE = 1000
/** Reserved to report a timeout before SIGKILL. */
const REPORT_MS = 5000

/** The bytes of a file, which must have the announced length. */
async function* counted(source: Bytes, length: number, see: (bytes: Uint8Array) => void): Bytes {
  let size = 0
  for await (const bytes of source) {
    size += bytes.length
    see(bytes)
    yield bytes
  }
  if (size !== length) throw new Error(`has ${size} bytes and had ${length}`)
}

type Run = Pick<RunEnvironment, 'firing' | 'index' | 'attempt'>
const queryOf = ({ firing, index, attempt }: Run): string => `?firing=${firing}&index=${index}&attempt=${attempt}`
const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

async function reading<T>(file: FoundFile, use: (bytes: Bytes, length: number) => Promise<T>): Promise<T> {
  const { handle, length } = await openPlain(file)
  try {
    const whole = { start: 0, end: length - 1, autoClose: false, highWaterMark: READ_BYTES }
    return await use(length === 0 ? Readable.from([]) : handle.createReadStream(whole), length)
  } finally {
    await handle.close()
  }
}

/** Whether the server has the file from an interrupted upload. */
async function isTaken(file: FoundFile, taken: Taken | undefined): Promise<boolean> {
  if (!taken) return false
  return reading(file, async (bytes, length) => {
    const hash = createHash('sha256')
    if (length === taken.length) for await (const some of bytes) hash.update(some)
    return length === taken.length && hash.digest('hex') === taken.sha256
  })
}

const sendOne = (client: RunClient, run: Run, file: FoundFile): Promise<Taken> =>
  reading(file, async (bytes, length) => {
    const hash = createHash('sha256')
    const body = { length, bytes: counted(bytes, length, (some) => hash.update(some)) }
    const answer = await client.send('PUT', `outputs/${encoded(file.path)}${queryOf(run)}`, body)
    const taken = { path: file.path, length, sha256: hash.digest('hex') }
    if ((answer as Taken).sha256 !== taken.sha256) throw new Error('did not arrive as it was sent')
    return taken
  })

/** Another name of a file that was uploaded: the server has its content. */
async function linkOne(client: RunClient, run: Run, { path }: FoundFile, { sha256, length }: Taken): Promise<Taken> {
  await client.json('PUT', `outputs/${encoded(path)}${queryOf(run)}&sha256=${sha256}`)
  return { path, sha256, length }
}

/** Each item once, a few at the same time; the first failure ends it. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

/** Files of an interrupted upload by path, read page by page. */
async function takenBefore(client: RunClient, run: Run, first: OutputSet, until: number): Promise<Map<string, Taken>> {
  const taken = new Map<string, Taken>()
  for (let page = first.files; page.length > 0; ) {
    for (const file of page) taken.set(file.path, file)
    if (page.length < PAGE) break
    const after = encodeURIComponent(page.at(-1)?.path ?? '')
    const next = () => client.json('GET', `outputs${queryOf(run)}&limit=${PAGE}&after=${after}`)
    page = ((await client.persist(until, next)) as OutputSet).files
  }
  return taken
}

/** One digest of all files: ending a run costs the same for any number of them. */
function digestOf(files: readonly Taken[]) {
  const hash = createHash('sha256')
  const lines = files.map((file) => ({ ...file, order: Buffer.from(file.path) }))
  for (const { path, sha256, length } of lines.toSorted((one, other) => Buffer.compare(one.order, other.order)))
    hash.update(`${sha256} ${length} ${path}\0`)
  const bytes = files.reduce((sum, { length }) => sum + length, 0)
  return { files: files.length, bytes, sha256: hash.digest('hex') }
}

async function sendAll(client: RunClient, run: RunEnvironment, until: number): Promise<string> {
  const ask = <T>(attempt: () => Promise<unknown>) => client.persist(until, attempt) as Promise<T>
  const set = await ask<OutputSet>(() => client.json('GET', `outputs${queryOf(run)}`))
  if (set.state === 'complete') return `${set.count} output files, sent before`
  if (set.state === 'incomplete') throw new Error(`given up before: ${set.reason}`)
  const { files, notes } = await walk(run.output, run.limits)
  const before = await takenBefore(client, run, set, until)
  const byInode = Map.groupBy(files, ({ inode }) => inode)
  const sent: Taken[] = []
  await each([...byInode.values()], async ([file, ...names]) => {
    if (!file) return
    const known = before.get(file.path)
    const taken = (await isTaken(file, known)) ? known : undefined
    const one = taken ?? (await ask<Taken>(() => sendOne(client, run, file)).catch(naming(file)))
    sent.push(one)
    for (const name of names) sent.push(await ask<Taken>(() => linkOne(client, run, name, one)).catch(naming(name)))
  })
  await ask(() => client.json('POST', `outputs${queryOf(run)}`, { complete: digestOf(sent), notes }))
  for (const note of notes) console.log(note)
  return `${sent.length} output files`
}

const naming = (file: FoundFile) => (cause: unknown) => {
  throw new Error(`${file.path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}

const inTime = <T>(until: number, work: Promise<T>): Promise<T> =>
  withinDeadline(until - Date.now(), () => work, 'the grace period was too short for them')

async function main(): Promise<void> {
  const signal = once(process, 'SIGTERM')
  process.title = 'upload-outputs' // read by the startup probe: from now on the signal is handled
  process.on('SIGTERM', () => {}) // a second signal does not end the upload
  const alive = setInterval(() => {}, 2 ** 30)
  const run = readEnvironment(process.env)
  if (!process.argv.includes('--now')) await signal
  clearInterval(alive)
  const client = createClient(run)
  const end = Date.now() + run.graceSeconds * 1000
  const until = Math.max(end - REPORT_MS, Date.now() + (run.graceSeconds * 1000) / 2)
  try {
    console.log(await inTime(until, sendAll(client, run, until)))
  } catch (error) {
    const reason = `outputs are incomplete: ${error instanceof Error ? error.message : String(error)}`.slice(0, 2000)
    console.log(reason)
    await inTime(end, client.json('POST', `outputs${queryOf(run)}`, { incomplete: reason })).catch(() => {})
    process.exit(1)
  }
}

try {
  await main()
} catch (error) {
  console.log(`outputs: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
