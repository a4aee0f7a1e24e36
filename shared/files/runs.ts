/** What a run takes and leaves. Its outputs are there all at once, when it says which there are, or never. */
import { Fault } from '../fault.ts'
import { looseFrom } from './files.ts'
import { type ObjectId, parseObjectId, type StoredFile } from './model.ts'
import type { Bytes, OutputFile, OutputSet, RunInput, RunKey, RunPorts } from './ports.ts'
import { named, receive } from './receive.ts'

const noRun = () => new Fault('not_found', 'Service not found in database')
const over = ({ state }: OutputSet) => new Fault('conflict', `The outputs of this run are ${state} already`)

/** @param fanIn the firing whose outputs are inputs as well; null for a replication */
export async function inputs({ runs, now }: RunPorts, id: ObjectId, fanIn: number | null): Promise<RunInput[]> {
  const found = await runs.inputs(id, fanIn, looseFrom(now()))
  if (!found) throw noRun()
  return found
}

/** A content that runs of the service may read. */
export async function input({ runs }: RunPorts, id: ObjectId, sha256: string) {
  const found = await runs.held(id, sha256)
  if (!found) throw new Fault('not_found', 'No input of this service has this content')
  return found
}

/** @throws Fault `not_found` for a place that nothing is in, or a negative one: nothing is counted from the end */
export async function output({ runs }: Pick<RunPorts, 'runs'>, text: string, seq: number): Promise<StoredFile> {
  const id = parseObjectId(text)
  const file = id && (await runs.output(id, seq))
  if (file) return file
  throw id && file === undefined ? new Fault('not_found', 'Output file not found') : noRun()
}

export async function outputs({ runs, now }: RunPorts, run: RunKey): Promise<OutputSet> {
  const set = await runs.open(run, now())
  if (!set) throw noRun()
  return set
}

const PATH_BYTES = 4096
const LEADS_OUT = ['', '.', '..']

/** A relative path that stays below where it begins. */
function assertPath(path: string): void {
  const isGood =
    Buffer.byteLength(path) <= PATH_BYTES &&
    !path.includes('\0') &&
    path.isWellFormed() &&
    !path.split('/').some((segment) => LEADS_OUT.includes(segment))
  if (isGood) return
  const msg = 'Value error, expected a relative path without `.` and `..`'
  const detail = [{ type: 'value_error', loc: ['path', 'path'], msg, input: path.slice(0, 200) }]
  throw new Fault('invalid', msg, { detail })
}

/** Takes one file, in the place of what was brought under this path before. Nobody sees it yet. */
export async function bring(ports: RunPorts, run: RunKey, path: string, content: Bytes): Promise<OutputFile> {
  assertPath(path)
  const set = await outputs(ports, run)
  if (set.state !== 'open') throw over(set)
  const received = await receive(ports, content)
  const at = ports.now()
  const kept = await named(ports, received, () => ports.runs.keep(received, run, path, { at, looseAt: looseFrom(at) }))
  if (!kept) throw new Fault('conflict', 'The run has ended already')
  const { sha256, length } = received.content
  return { path, sha256, length }
}

export type Said =
  | { readonly files: readonly OutputFile[]; readonly notes: readonly string[] }
  | { readonly incomplete: string; readonly notes: readonly string[] }

const keyOf = ({ path, sha256, length }: OutputFile): string => `${sha256} ${length} ${path}`

/** What is said and was not taken, and the other way round. */
function difference(said: readonly OutputFile[], taken: readonly OutputFile[]): OutputFile | undefined {
  const [left, right] = [new Set(said.map(keyOf)), new Set(taken.map(keyOf))]
  return said.find((file) => !right.has(keyOf(file))) ?? taken.find((file) => !left.has(keyOf(file)))
}

/**
 * Ends a run: all its files become outputs in one step, or none does. Saying it again changes nothing.
 * @throws Fault `conflict` when the files are not those that were taken, or when the run ended otherwise
 */
export async function end(ports: RunPorts, run: RunKey, said: Said): Promise<OutputSet> {
  const { runs, now, newId, log } = ports
  const set = await outputs(ports, run)
  if ('incomplete' in said) {
    if (set.state === 'complete') throw over(set)
    const at = now()
    await runs.giveUp(run, said.incomplete, said.notes, { at, looseAt: looseFrom(at) })
    log('warn', 'outputs incomplete', { ...run, reason: said.incomplete })
    return outputs(ports, run)
  }
  if (set.state === 'incomplete') throw over(set)
  const differing = difference(said.files, set.files)
  if (differing) throw new Fault('conflict', `Not as it was taken: ${differing.path.slice(0, 200)}`)
  if (set.state === 'complete') return set
  const files = said.files.map(({ path }) => ({ path, id: newId() }))
  if (!(await runs.complete(run, files, said.notes, now()))) return end(ports, run, said)
  log('action', 'outputs stored', { ...run, files: files.length })
  return outputs(ports, run)
}
