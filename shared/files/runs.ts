/** Inputs and outputs of runs. The outputs of a run appear all at once, when the run ends with all of them, or never. */
import { Fault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'
import { assertMayLeave, assertMayRead, noRun, runIsOver, type Wanted } from './access.ts'
import { type Download, downloadOf } from './download.ts'
import { orphanedFrom } from './files.ts'
import { isJson } from './json.ts'
import {
  type Access,
  type Exceeded,
  exceeded,
  type ObjectId,
  type OutputLimits,
  type RunKey,
  roomFor,
  type Step,
  type Used,
} from './model.ts'
import type { FilePage, Kept, Moment, OutputFile, OutputSet, RunPorts, SetDigest } from './ports.ts'
import { named, receive } from './receive.ts'
import { inputRow, setAnswer } from './show.ts'

const momentOf = ({ now }: Pick<RunPorts, 'now'>): Moment => {
  const at = now()
  return { at, orphanedAt: orphanedFrom(at) }
}

const over = ({ state }: OutputSet) => new Fault('conflict', `The outputs of this run are ${state} already`)

/** The run of a token; -1 is the number of no attempt. */
const runOf = ({ serviceId, grant }: Access, firing: number): RunKey => ({
  serviceId,
  firing: grant?.firing ?? firing,
  index: grant?.index ?? 0,
  attempt: -1,
})

/** Most that one answer lists: a caller that asks for no page, as version 0.1 did, would take a part for the whole. */
const WHOLE_LIST = 10_000

interface WantedInputs extends Wanted {
  readonly after: string
  /** Left out: all. */
  readonly limit?: number | undefined
}

/** Inputs of a run, a page of them by name; a fan-in also finds the outputs of its firing. */
export async function inputs({ runs, now }: RunPorts, access: Access, wanted: WantedInputs) {
  const { step, firing, after, limit } = wanted
  assertMayRead(access, wanted, await runs.standing(runOf(access, firing)))
  const page = { after, limit: limit ?? WHOLE_LIST + 1 }
  const found = await runs.inputs(access.serviceId, step === 'fan-in' ? firing : null, page, orphanedFrom(now()))
  if (!found) throw noRun()
  if (limit === undefined && found.length > WHOLE_LIST)
    throw new Fault('too_large', `More than ${WHOLE_LIST} inputs: ask for them in pages, by limit and after`)
  return found.map(inputRow)
}

/** A content that the run may read. A token of version 0.1 does not name the run. */
export async function input(
  ports: RunPorts,
  access: Access,
  { sha256, firing }: { readonly sha256: string; readonly firing: number },
): Promise<Download> {
  const { runs } = ports
  const { serviceId, grant } = access
  const step: Step = grant?.step ?? 'replication'
  assertMayRead(access, { step, firing: grant?.firing ?? firing }, await runs.standing(runOf(access, firing)))
  const scope = grant ? (step === 'fan-in' ? { firing: grant.firing ?? firing } : 'mounts') : 'all firings'
  const found = await runs.findContent(serviceId, sha256, scope)
  if (!found) throw new Fault('not_found', 'No input of this run has this content')
  return downloadOf(ports, { ...found, filename: '' })
}

/** Larger ones are not read twice to find out what they are. */
const CHECKED_BYTES = 4 * 1024 * 1024

/**
 * An output as the run wrote it, to the byte: a parser would round its numbers. JSON has its media type.
 * @throws Fault `not_found` for a place without an output; negative places do not count from the end
 */
export async function output(
  ports: Pick<RunPorts, 'runs' | 'blobs'>,
  { id, idx }: { readonly id: ObjectId; readonly idx: number },
): Promise<Download> {
  const file = await ports.runs.output(id, idx)
  if (file === 'no_service') throw noRun()
  if (file === 'no_output') throw new Fault('not_found', 'Output file not found')
  const found = downloadOf(ports, file)
  const { length, read } = found
  const type = length <= CHECKED_BYTES && (await isJson(read({ from: 0, to: length - 1 }))) && 'application/json'
  return type ? { ...found, type } : found
}

/** A program beside a run, and the run whose outputs it is about. */
export interface OutputCall {
  readonly access: Access
  readonly run: RunKey
}

/** The set of a run, begun where there is none. */
async function setOf({ runs, now }: RunPorts, { access, run }: OutputCall): Promise<OutputSet> {
  assertMayLeave(access, run, await runs.standing(run), now())
  const set = await runs.open(run, now())
  if (!set) throw runIsOver()
  return set
}

/** The set of a run, and a page of the files of an open one. */
export async function outputs(ports: RunPorts, call: OutputCall, page: FilePage) {
  const set = await setOf(ports, call)
  return setAnswer(set, set.state === 'open' ? await ports.runs.taken(call.run, page) : [])
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

/** The same bytes, as long as they fit. The bytes that arrive count, not the announced length. */
async function* fitting(content: Bytes, limits: OutputLimits, used: Used): Bytes {
  const room = roomFor(limits, used)
  let size = 0
  for await (const bytes of content) {
    size += bytes.length
    if (size > room) assertRoom(limits, used, size)
    yield bytes
  }
}

export type Upload =
  | {
      readonly path: string
      /** Announced length; 0 where it is not known. */
      readonly announced: number
      readonly content: Bytes
    }
  /** Another name for the bytes of a file that the run has uploaded before; they count again. */
  | { readonly path: string; readonly sha256: string }

/** What an open set has, if one more file fits; else the fault names the limit. */
async function roomIn(ports: RunPorts, call: OutputCall, path: string, bytes: number): Promise<Used> {
  const { limits, runs } = ports
  assertPath(path, limits)
  const set = await setOf(ports, call)
  if (set.state !== 'open') throw over(set)
  const used = await runs.used(call.run, path)
  assertRoom(limits, used, bytes)
  return used
}

function assertKept(kept: Kept): void {
  if (kept === 'closed') throw runIsOver()
  if (kept !== 'kept') throw tooLarge(kept)
}

/** Stores one file of an open set, and replaces what was uploaded under this path before. It is no output yet. */
export async function upload(ports: RunPorts, call: OutputCall, file: Upload) {
  const { runs, limits } = ports
  const { path } = file
  const used = await roomIn(ports, call, path, 'sha256' in file ? 0 : file.announced)
  if ('sha256' in file) {
    const linked = await runs.link(call.run, path, file.sha256, limits, momentOf(ports))
    if (!linked) throw new Fault('conflict', 'No file of this run has this content')
    assertKept(linked)
    return { path, sha256: file.sha256 }
  }
  const received = await receive(ports, fitting(file.content, limits, used))
  assertKept(await named(ports, received, () => runs.keep(received, call.run, path, limits, momentOf(ports))))
  const { sha256, length } = received.content
  return { path, sha256, length }
}

export type Ending =
  | { readonly complete: SetDigest; readonly notes: readonly string[] }
  | { readonly files: readonly OutputFile[]; readonly notes: readonly string[] }
  | { readonly incomplete: string; readonly notes: readonly string[] }

/** Of the list of all files that version 0.1 sent. */
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

async function complete(ports: RunPorts, call: OutputCall, digest: SetDigest, notes: readonly string[]) {
  const { runs, limits, now, newId, log } = ports
  const { run } = call
  const { DT_OUTPUT_FILES: limit } = limits
  if (digest.files > limit) throw tooLarge({ setting: 'DT_OUTPUT_FILES', limit, wanted: digest.files })
  const ids: ObjectId[] = Array.from({ length: digest.files }, newId)
  const result = await runs.complete(run, digest, ids, notes, now())
  const set = await setOf(ports, call)
  if (result === 'complete') log('action', 'outputs stored', { ...run, files: digest.files })
  // Two calls at once: the other one completed the set.
  else if (set.state !== 'complete') throw result === 'differs' ? differs(digest, set) : runIsOver()
  return set
}

async function giveUp(ports: RunPorts, call: OutputCall, reason: string, notes: readonly string[]) {
  await ports.runs.giveUp(call.run, reason, notes, momentOf(ports))
  ports.log('warn', 'outputs incomplete', { ...call.run, reason })
  return setOf(ports, call)
}

/**
 * Ends a run: all its files become outputs in one step, or none does. Ending it again in the same way changes nothing.
 * @throws Fault `conflict` when the files are not those that were stored, or when the run ended otherwise
 */
export async function end(ports: RunPorts, call: OutputCall, ending: Ending) {
  const set = await setOf(ports, call)
  if ('incomplete' in ending) {
    if (set.state === 'complete') throw over(set)
    return setAnswer(await giveUp(ports, call, ending.incomplete, ending.notes))
  }
  if (set.state === 'incomplete') throw over(set)
  const digest = 'complete' in ending ? ending.complete : digestOf(ports, ending.files)
  if (set.state === 'open') return setAnswer(await complete(ports, call, digest, ending.notes))
  if (digest.files !== set.files || digest.bytes !== set.bytes) throw differs(digest, set)
  return setAnswer(set)
}
