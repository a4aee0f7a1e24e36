/**
 * Imports services and files of a Mongo database. Files come first, since services refer to them. An invalid document does not
 * stop the import, and existing records stay unchanged, so the import can be repeated. Without `apply` it reads everything but
 * the bytes, and writes nothing.
 */

import type { Origin } from '../files/model.ts'
import type { Catalogue } from '../files/ports.ts'
import { named, receive } from '../files/receive.ts'
import { isFault } from '../platform/fault.ts'
import {
  type Document,
  type FormerFile,
  type FormerService,
  type Read,
  readFile,
  readService,
  Unreadable,
} from './documents.ts'
import type { ImportInput, ImportPorts } from './ports.ts'

export type ImportKind = 'service' | 'file'
/** `new`: would be taken. `refused`: a reason why it cannot be. */
export type ImportVerdict = 'new' | 'taken' | 'there' | 'refused'

export interface Finding {
  readonly kind: ImportKind
  readonly id: string
  readonly name: string
  readonly verdict: ImportVerdict
  readonly notes: readonly string[]
}

interface ImportOptions {
  readonly apply: boolean
  readonly onFinding?: (finding: Finding) => void
}

const labelOf = ({ _id: id }: Document): string => (typeof id === 'string' ? id : JSON.stringify(id ?? null))
const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown')

/** As it is here already, or why not. */
async function fileHere(catalogue: Catalogue, file: FormerFile): Promise<ImportVerdict> {
  const here = await catalogue.find(file.id)
  if (!here) return 'new'
  const same = here.length === file.length && (file.md5 === null || here.md5 === file.md5)
  if (!same) throw new Unreadable('another file has its id here')
  return 'there'
}

async function takeFile(ports: ImportPorts, file: FormerFile, origin: Origin): Promise<ImportVerdict> {
  const received = await receive(ports, ports.former.bytes(file.id))
  const taken = await named(ports, received, async () => {
    const { length, md5 } = received.content
    if (length !== file.length) throw new Unreadable(`it has ${length} bytes and should have ${file.length}`)
    if (file.md5 !== null && md5 !== file.md5) throw new Unreadable(`its MD5 is ${md5} and should be ${file.md5}`)
    const { id, filename, uploadedAt: at } = file
    return ports.catalogue.restore(received, { id, filename, at, origin })
  })
  return taken ? 'taken' : 'there'
}

/** Only its Job recorded how it ended, so outputs are the only evidence of success. */
function endOf(service: FormerService): Omit<ImportInput, 'service'> {
  const { outputs, spec } = service
  const count = outputs.length
  return count > 0
    ? {
        phase: 'succeeded',
        reason: `imported; it left ${count} output${count === 1 ? '' : 's'}`,
        succeeded: spec.reps ?? 0,
      }
    : { phase: 'terminated', reason: 'imported; it left no outputs, and how it ended was not kept', succeeded: 0 }
}

async function serviceHere(ports: ImportPorts, { id, spec, createdAt }: FormerService): Promise<ImportVerdict> {
  const here = await ports.find(id)
  if (!here) return 'new'
  const same = here.spec.image === spec.image && here.createdAt.getTime() === createdAt.getTime()
  // If its resource was reconciled since, it has begun again, with a time of its own.
  if (!same && here.uid === null) throw new Unreadable('another service has its id here')
  return 'there'
}

/** Files that a service refers to and that do not exist. */
function missing({ spec, outputs }: FormerService, files: ReadonlySet<string>): string[] {
  const named = [...Object.keys(spec.mountFiles ?? {}), ...outputs.map(({ fileId }) => fileId)]
  const gone = [...new Set(named)].filter((id) => !files.has(id.toLowerCase()))
  return gone.length === 0 ? [] : [`files that are not there: ${gone.join(', ')}`]
}

/** Reads a document, imports it if `take` is given, and reports the result. */
async function each<T>(
  kind: ImportKind,
  document: Document,
  onFinding: (finding: Finding) => void,
  steps: {
    readonly read: (document: Document) => Read<T>
    readonly name: (taken: T) => string
    readonly here: (taken: T) => Promise<ImportVerdict>
    readonly take: ((taken: T) => Promise<ImportVerdict>) | undefined
    readonly more?: (taken: T) => string[]
  },
): Promise<void> {
  let name = ''
  let notes: readonly string[] = []
  let verdict: ImportVerdict
  try {
    const read = steps.read(document)
    name = steps.name(read.taken)
    notes = [...read.notes, ...(steps.more?.(read.taken) ?? [])]
    verdict = await steps.here(read.taken)
    if (verdict === 'new' && steps.take) verdict = await steps.take(read.taken)
  } catch (error) {
    // An outage affects all documents.
    if (isFault(error) && error.code === 'unavailable') throw error
    verdict = 'refused'
    notes = [sentenceOf(error), ...notes]
  }
  onFinding({ kind, id: labelOf(document), name, verdict, notes })
}

/** Resolves to all findings: files before services, each in the order of the former database. */
export async function importAll(
  ports: ImportPorts,
  { apply, onFinding = () => {} }: ImportOptions,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const found = (finding: Finding): void => {
    findings.push(finding)
    onFinding(finding)
  }
  const { former, catalogue, intake } = ports
  const services: Document[] = []
  for await (const document of former.services()) services.push(document)
  const left = outputIds(services)

  for await (const document of former.files())
    await each('file', document, found, {
      read: readFile,
      name: ({ filename }) => filename,
      here: (file) => fileHere(catalogue, file),
      take: apply ? (file) => takeFile(ports, file, left.has(file.id) ? 'output' : 'upload') : undefined,
    })

  const files = new Set(findings.filter(({ verdict }) => verdict !== 'refused').map(({ id }) => id.toLowerCase()))
  for (const document of services)
    await each('service', document, found, {
      read: readService,
      name: ({ spec }) => spec.image,
      here: (service) => serviceHere(ports, service),
      take: apply
        ? async (service) => ((await intake.take({ service, ...endOf(service) })) ? 'taken' : 'there')
        : undefined,
      more: (service) => missing(service, files),
    })
  return findings
}

/** Files that are outputs and not mounted: they are not uploads. */
function outputIds(services: readonly Document[]): ReadonlySet<string> {
  const left = new Set<string>()
  const mounted = new Set<string>()
  for (const document of services)
    try {
      const { outputs, spec } = readService(document).taken
      for (const { fileId } of outputs) left.add(fileId.toLowerCase())
      for (const fileId of Object.keys(spec.mountFiles ?? {})) mounted.add(fileId.toLowerCase())
    } catch {
      // Reported with its own finding.
    }
  return new Set([...left].filter((id) => !mounted.has(id)))
}
