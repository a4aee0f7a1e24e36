/** What a run takes and leaves. Its outputs are there all at once, when it says which there are, or never. */
import { Fault } from '../platform/fault.ts'
import { assertMayLeave, assertMayRead, noRun, runIsOver, type Wanted } from './access.ts'
import { looseFrom } from './files.ts'
import {
  type Access,
  type Exceeded,
  exceeded,
  type ObjectId,
  type OutputLimits,
  parseObjectId,
  type RunKey,
  roomFor,
  type Step,
  type StoredFile,
  type Used,
} from './model.ts'
import type { Bytes, OutputFile, OutputSet, Page, RunInput, RunPorts, SetDigest } from './ports.ts'
import { named, receive } from './receive.ts'

const over = ({ state }: OutputSet) => new Fault('conflict', `The outputs of this run are ${state} already`)

/** Of the run that a token is for; no attempt has the number -1. */
const runOf = ({ serviceId, grant }: Access, firing: number): RunKey => ({
  serviceId,
  firing: grant?.firing ?? firing,
  index: grant?.index ?? 0,
  attempt: -1,
})

/** Names after `after`, so many of them; a fan-in finds the outputs of its firing as well. */
export async function inputs({ runs, now }: RunPorts, access: Access, wanted: Wanted, page: Page): Promise<RunInput[]> {
  assertMayRead(access, wanted, await runs.standing(runOf(access, wanted.firing)))
  const firing = wanted.step === 'fan-in' ? wanted.firing : null
  const found = await runs.inputs(access.serviceId, firing, page, looseFrom(now()))
  if (!found) throw noRun()
  return found
}

/** A content that the run may read. What is asked for by a token of former times does not say by which run. */
export async function input({ runs }: RunPorts, access: Access, firing: number, sha256: string) {
  const { serviceId, grant } = access
  const step: Step = grant?.step ?? 'replication'
  assertMayRead(access, { step, firing: grant?.firing ?? firing }, await runs.standing(runOf(access, firing)))
  const scope = grant ? (step === 'fan-in' ? (grant.firing ?? firing) : null) : 'any'
  const found = await runs.held(serviceId, sha256, scope)
  if (!found) throw new Fault('not_found', 'No input of this run has this content')
  return found
}

/** @throws Fault `not_found` for a place that nothing is in, or a negative one: nothing is counted from the end */
export async function output({ runs }: Pick<RunPorts, 'runs'>, text: string, seq: number): Promise<StoredFile> {
  const id = parseObjectId(text)
  const file = id && (await runs.output(id, seq))
  if (file) return file
  throw id && file === undefined ? new Fault('not_found', 'Output file not found') : noRun()
}

/** The set of a run, begun where there is none. */
export async function outputs({ runs, now }: RunPorts, access: Access, run: RunKey): Promise<OutputSet> {
  assertMayLeave(access, run, await runs.standing(run), now())
  const set = await runs.open(run, now())
  if (!set) throw runIsOver()
  return set
}

const LEADS_OUT = ['', '.', '..']

/** A relative path that stays below where it begins. */
function assertPath(path: string, { DT_OUTPUT_PATH_BYTES: limit }: OutputLimits): void {
  const length = Buffer.byteLength(path)
  if (length > limit)
    throw new Fault('too_large', `The path of an output may have ${limit} bytes (DT_OUTPUT_PATH_BYTES), not ${length}`)
  const isGood =
    !path.includes('\0') && path.isWellFormed() && !path.split('/').some((segment) => LEADS_OUT.includes(segment))
  if (isGood) return
  const msg = 'Value error, expected a relative path without `.` and `..`'
  const detail = [{ type: 'value_error', loc: ['path', 'path'], msg, input: path.slice(0, 200) }]
  throw new Fault('invalid', msg, { detail })
}

const BOUNDS = {
  DT_OUTPUT_FILES: 'A run may leave %d files',
  DT_OUTPUT_LIMIT: 'The outputs of a run may have %d bytes',
  DT_SERVICE_OUTPUT_FILES: 'The runs of a service may leave %d files',
  DT_SERVICE_OUTPUT_LIMIT: 'The outputs of a service may have %d bytes',
  DT_OUTPUT_PATH_BYTES: 'The path of an output may have %d bytes',
} as const satisfies Record<keyof OutputLimits, string>

const tooLarge = ({ setting, limit, wanted }: Exceeded) =>
  new Fault('too_large', `${BOUNDS[setting].replace('%d', String(limit))} (${setting}), not ${wanted}`)

function assertRoom(limits: OutputLimits, used: Used, bytes: number): void {
  const passed = exceeded(limits, used, { files: 1, bytes })
  if (passed) throw tooLarge(passed)
}

/** The same bytes, as long as they fit: what is counted is what comes, not what was announced. */
async function* fitting(content: Bytes, limits: OutputLimits, used: Used): Bytes {
  const room = roomFor(limits, used)
  let size = 0
  for await (const bytes of content) {
    size += bytes.length
    if (size > room) assertRoom(limits, used, size)
    yield bytes
  }
}

export interface Brought {
  readonly path: string
  /** Bytes that are to come, as far as that is known. */
  readonly announced: number
  readonly content: Bytes
}

/** Room for one more file in a set that is open, or the fault that says which limit it would pass. */
async function roomIn(ports: RunPorts, access: Access, run: RunKey, path: string, bytes: number): Promise<Used> {
  const { limits, runs } = ports
  assertPath(path, limits)
  const set = await outputs(ports, access, run)
  if (set.state !== 'open') throw over(set)
  const used = await runs.used(run, path)
  assertRoom(limits, used, bytes)
  return used
}

/** Takes one file, in the place of what was brought under this path before. It is no output yet. */
export async function bring(ports: RunPorts, access: Access, run: RunKey, brought: Brought): Promise<OutputFile> {
  const { runs, limits, now } = ports
  const { path, announced, content } = brought
  const used = await roomIn(ports, access, run, path, announced)
  const received = await receive(ports, fitting(content, limits, used))
  const at = now()
  const moment = { at, looseAt: looseFrom(at) }
  const kept = await named(ports, received, () => runs.keep(received, run, path, limits, moment))
  if (kept === 'closed') throw runIsOver()
  if (kept !== 'kept') throw tooLarge(kept)
  const { sha256, length } = received.content
  return { path, sha256, length }
}

/** As `bring`, with the content of a file that was brought: another name of the same bytes, which counts as they do. */
export async function link(ports: RunPorts, access: Access, run: RunKey, path: string, sha256: string) {
  const { runs, limits, now } = ports
  await roomIn(ports, access, run, path, 0)
  const at = now()
  const kept = await runs.link(run, path, sha256, limits, { at, looseAt: looseFrom(at) })
  if (kept === undefined) throw new Fault('conflict', 'No file of this run has this content')
  if (kept === 'closed') throw runIsOver()
  if (kept !== 'kept') throw tooLarge(kept)
  return { path, sha256 }
}

export type Said =
  | { readonly complete: SetDigest; readonly notes: readonly string[] }
  | { readonly files: readonly OutputFile[]; readonly notes: readonly string[] }
  | { readonly incomplete: string; readonly notes: readonly string[] }

/** Of a list of all files, as the version before sent it. */
function digestOf({ newDigest }: Pick<RunPorts, 'newDigest'>, files: readonly OutputFile[]): SetDigest {
  const digest = newDigest()
  const lines = files.map((file) => ({ ...file, order: Buffer.from(file.path) }))
  for (const { path, sha256, length } of lines.toSorted((one, other) => Buffer.compare(one.order, other.order)))
    digest.update(Buffer.from(`${sha256} ${length} ${path}\0`))
  const bytes = files.reduce((sum, { length }) => sum + length, 0)
  return { files: files.length, bytes, sha256: digest.end().sha256 }
}

const differs = (said: SetDigest, { files, bytes }: OutputSet) =>
  new Fault(
    'conflict',
    `Not as it was taken: ${said.files} files of ${said.bytes} bytes were expected, ${files} of ${bytes} are there`,
  )

async function giveUp(ports: RunPorts, run: RunKey, reason: string, notes: readonly string[]): Promise<void> {
  const at = ports.now()
  await ports.runs.giveUp(run, reason, notes, { at, looseAt: looseFrom(at) })
  ports.log('warn', 'outputs incomplete', { ...run, reason })
}

async function complete(ports: RunPorts, access: Access, run: RunKey, digest: SetDigest, notes: readonly string[]) {
  const { runs, limits, now, newId, log } = ports
  const { DT_OUTPUT_FILES: limit } = limits
  if (digest.files > limit) throw tooLarge({ setting: 'DT_OUTPUT_FILES', limit, wanted: digest.files })
  const ids: ObjectId[] = Array.from({ length: digest.files }, newId)
  const result = await runs.complete(run, digest, ids, notes, now())
  const set = await outputs(ports, access, run)
  if (result === 'complete') log('action', 'outputs stored', { ...run, files: digest.files })
  // Said twice at once: the other one was taken.
  else if (set.state !== 'complete') throw result === 'differs' ? differs(digest, set) : runIsOver()
  return set
}

/**
 * Ends a run: all its files become outputs in one step, or none does. Saying it again changes nothing.
 * @throws Fault `conflict` when the files are not those that were taken, or when the run ended otherwise
 */
export async function end(ports: RunPorts, access: Access, run: RunKey, said: Said): Promise<OutputSet> {
  const set = await outputs(ports, access, run)
  if ('incomplete' in said) {
    if (set.state === 'complete') throw over(set)
    await giveUp(ports, run, said.incomplete, said.notes)
    return outputs(ports, access, run)
  }
  if (set.state === 'incomplete') throw over(set)
  const digest = 'complete' in said ? said.complete : digestOf(ports, said.files)
  if (set.state === 'open') return complete(ports, access, run, digest, said.notes)
  if (digest.files !== set.files || digest.bytes !== set.bytes) throw differs(digest, set)
  return set
}
