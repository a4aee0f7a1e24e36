/**
 * Validates the spec of a service: the schema of a launch, a resource of kubectl and the importer use the
 * same checks. The schema of the kind has checked most of a resource, but perhaps in an older version. Pure.
 */
import { BOUNDS, isLonger, RANGES } from './bounds.ts'
import { imageFault } from './image.ts'
import { CONCURRENCY_POLICIES, type FanIn, JOB_TYPES, parseServiceId, SERVICE_ID, type ServiceSpec } from './model.ts'
import type { Resource } from './ports/cluster.ts'

type Fields = Readonly<Record<string, unknown>>
export type Texts = Readonly<Record<string, string>>

/** The spec of a resource is invalid. */
export class Unacceptable extends Error {}

/** A fault of a record, at one of its keys; null: of the whole record. */
export interface RecordFault {
  readonly key: string | null
  readonly message: string
}

const isBelow = (name: string): boolean =>
  !name.includes('\0') && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

/** A name of a file below `/input`: relative, and it stays below. */
export const isInputName = (name: string): boolean => !isLonger(name, BOUNDS.inputName) && isBelow(name)

/**
 * Names may not be one, nor may one be a folder of the other. Sorted with the slash before every other character, a folder
 * stands directly before what is in it, so neighbours are all that has to be compared.
 */
export function clashingName(names: readonly string[]): string | undefined {
  const sorted = names.map((name) => name.replaceAll('/', '\0')).sort()
  const at = sorted.findIndex((name, index) => {
    const next = sorted[index + 1]
    return next !== undefined && (next === name || next.startsWith(`${name}\0`))
  })
  return sorted[at]?.replaceAll('\0', '/')
}

/** Names of files below `/input/outputs` are those of a fan-in. */
const RESERVED_FOLDER = 'outputs'
const isReserved = (name: string): boolean => name === RESERVED_FOLDER || name.startsWith(`${RESERVED_FOLDER}/`)

/** Runs before a record is read, because counting keys is cheap. */
export const countFault = (record: object, most: number, what: string): RecordFault | undefined =>
  Object.keys(record).length > most ? { key: null, message: `Input should have at most ${most} ${what}` } : undefined

/** The fault of one mounted file. */
export function mountFault(id: string, name: string): RecordFault | undefined {
  if (id.includes('\0') || isLonger(id, BOUNDS.fileId))
    return { key: id, message: `Input should be the id of a file, of at most ${BOUNDS.fileId} characters` }
  if (!isInputName(name))
    return {
      key: id,
      message: `Input should be a relative path without "..", of at most ${BOUNDS.inputName} characters`,
    }
  if (isReserved(name)) return { key: id, message: `Names below ${RESERVED_FOLDER}/ are those of outputs` }
  return undefined
}

/** The first fault of mounted files: file id → name. */
export function mountsFault(mounts: Texts): RecordFault | undefined {
  const tooMany = countFault(mounts, BOUNDS.mounts, 'files')
  if (tooMany) return tooMany
  const entries = Object.entries(mounts)
  for (const [id, name] of entries) {
    const fault = mountFault(id, name)
    if (fault) return fault
  }
  const clash = clashingName(Object.values(mounts))
  if (clash !== undefined)
    return { key: null, message: `No two files may have one name: "${clash}" stands for two files` }
  const ids = new Set(entries.map(([id]) => canonicalId(id)))
  return ids.size < entries.length ? { key: null, message: 'No file may be named twice' } : undefined
}

const canonicalId = (id: string): string => parseServiceId(id) ?? id

/** With ids in lower case. */
export const canonicalMounts = (mounts: Texts): Record<string, string> =>
  Object.fromEntries(Object.entries(mounts).map(([id, name]) => [canonicalId(id), name]))

/** Printable ASCII but `=`, which is what Kubernetes takes. */
const VARIABLE = /^[ -<>-~]+$/

function variableFault(name: string, value: string): RecordFault | undefined {
  if (isLonger(name, BOUNDS.variableName) || !VARIABLE.test(name))
    return {
      key: name,
      message: `Input should be the name of a variable: 1 to ${BOUNDS.variableName} printable ASCII characters without "="`,
    }
  if (value.includes('\0')) return { key: name, message: 'Input should hold no NUL character' }
  if (isLonger(value, BOUNDS.variableValue))
    return { key: name, message: `Input should have at most ${BOUNDS.variableValue} characters` }
  return undefined
}

/** The first fault of an environment. */
export function environmentFault(env: Texts): RecordFault | undefined {
  const tooMany = countFault(env, BOUNDS.variables, 'variables')
  if (tooMany) return tooMany
  let bytes = 0
  for (const [name, value] of Object.entries(env)) {
    const fault = variableFault(name, value)
    if (fault) return fault
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  if (bytes <= BOUNDS.environmentBytes) return undefined
  return { key: null, message: `Input should have at most ${BOUNDS.environmentBytes} bytes of names and values` }
}

/** Serving gives these to a server itself, and takes none of that name. `PORT` it takes as a port. */
const GIVEN = ['K_SERVICE', 'K_CONFIGURATION', 'K_REVISION']

/** A variable that a service may not have. */
export const reservedVariable = (jobType: string, env: Texts): string | undefined =>
  jobType === 'persistent' ? GIVEN.find((name) => Object.hasOwn(env, name)) : undefined

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

const among = <const W extends string>(words: readonly W[], value: unknown): W | null =>
  words.find((word) => word === value) ?? null

function text(name: string, value: unknown, longest: number): string | null {
  if (typeof value !== 'string') return null
  if (isLonger(value, longest)) throw new Unacceptable(`spec.${name}: it has more than ${longest} characters`)
  return value
}

function whole(name: keyof typeof RANGES, value: unknown): number | null {
  if (!Number.isInteger(value)) return null
  const [min, max] = RANGES[name]
  const number = value as number
  if (number < min || number > max) throw new Unacceptable(`spec.${name}: expected ${min} to ${max}`)
  return number
}

interface RecordField {
  readonly most: number
  readonly what: string
  readonly faultOf: (texts: Texts) => RecordFault | undefined
}
const VARIABLES: RecordField = { most: BOUNDS.variables, what: 'variables', faultOf: environmentFault }
const MOUNTS: RecordField = { most: BOUNDS.mounts, what: 'files', faultOf: mountsFault }

/** Texts of a record that has no fault. */
function texts(name: string, value: unknown, { most, what, faultOf }: RecordField): Record<string, string> {
  const given = fields(value)
  const refuse = ({ key, message }: RecordFault): never => {
    const where = key === null ? '' : ` ${JSON.stringify(key.slice(0, BOUNDS.variableName))}`
    throw new Unacceptable(`spec.${name}${where}: ${message}`)
  }
  const tooMany = countFault(given, most, what)
  if (tooMany) refuse(tooMany)
  const record = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
  const fault = faultOf(record)
  if (fault) refuse(fault)
  return record
}

function imageOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new Unacceptable(`spec.${name} must name an image`)
  const fault = imageFault(value)
  if (fault !== undefined) throw new Unacceptable(`spec.${name} is not the name of an image: ${fault}`)
  return value
}

function fanInOf(value: unknown): FanIn | null {
  if (value === undefined || value === null) return null
  const { image, env } = fields(value)
  return { image: imageOf('fanIn.image', image), env: texts('fanIn.env', env, VARIABLES) }
}

const mountsOf = (value: unknown): Record<string, string> | null =>
  value === undefined || value === null ? null : canonicalMounts(texts('mountFiles', value, MOUNTS))

/** @throws Unacceptable with the reason */
export function readSpec({ name, labels, spec }: Pick<Resource, 'name' | 'labels' | 'spec'>): ServiceSpec {
  if (!SERVICE_ID.test(name)) throw new Unacceptable('metadata.name must be 24 hexadecimal digits in small letters')
  if (Object.keys(labels).length > BOUNDS.labels)
    throw new Unacceptable(`metadata.labels: expected at most ${BOUNDS.labels}`)
  const image = imageOf('image', spec['image'])
  const jobType = among(JOB_TYPES, spec['jobType'])
  const [reps, schedule] = [whole('reps', spec['reps']), text('schedule', spec['schedule'], BOUNDS.schedule)]
  if (!jobType) throw new Unacceptable(`spec.jobType must be one of ${JOB_TYPES.join(', ')}`)
  if (jobType !== 'persistent' && reps === null) throw new Unacceptable(`spec.reps is needed for ${jobType}`)
  if (jobType === 'scheduled' && !schedule) throw new Unacceptable('spec.schedule is needed for scheduled')
  const env = texts('env', spec['env'], VARIABLES)
  const reserved = reservedVariable(jobType, env)
  if (reserved !== undefined) throw new Unacceptable(`spec.env: ${reserved} is given by Knative`)
  return {
    image,
    description: text('description', spec['description'], BOUNDS.description) ?? '',
    displayName: text('displayName', spec['displayName'], BOUNDS.displayName),
    jobType,
    port: whole('port', spec['port']),
    reps,
    schedule,
    env,
    mountFiles: mountsOf(spec['mountFiles']),
    parallelism: whole('parallelism', spec['parallelism']),
    retries: whole('retries', spec['retries']),
    fanIn: fanInOf(spec['fanIn']),
    concurrencyPolicy: among(CONCURRENCY_POLICIES, spec['concurrencyPolicy']),
    historyLimit: whole('historyLimit', spec['historyLimit']),
    retentionDays: whole('retentionDays', spec['retentionDays']),
  }
}
