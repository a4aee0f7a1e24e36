/**
 * Documents of the previous orchestrator, in all formats that its clients wrote. Each is converted, with notes on what is lost, or
 * refused with a reason. Pure.
 */

import { BOUNDS, isLonger } from '../dt/bounds.ts'
import { imageFault } from '../dt/image.ts'
import type { ServiceId, ServiceSpec } from '../dt/model.ts'
import { canonicalMounts, environmentFault, mountFault, mountsFault, type RecordFault } from '../dt/spec.ts'
import { type ObjectId, parseObjectId } from '../files/model.ts'

export type Document = Readonly<Record<string, unknown>>

/** `_id` as text, as the adapter read it. */
export interface FormerFile {
  readonly id: ObjectId
  readonly filename: string
  readonly length: number
  readonly uploadedAt: Date
  /** Of the upload, hexadecimal; null if the document has none. */
  readonly md5: string | null
}

export interface FormerService {
  readonly id: ServiceId
  readonly spec: ServiceSpec
  readonly createdAt: Date
  /** By their position, which callers use. */
  readonly outputs: readonly { readonly fileId: string; readonly filename: string }[]
}

export interface Read<T> {
  readonly taken: T
  /** What was changed or dropped. */
  readonly notes: readonly string[]
}

/** Why a document cannot be imported. */
export class Unreadable extends Error {}

const isText = (value: unknown): value is string => typeof value === 'string'
const isRecord = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
const MOST = 8.64e15

/** An id begins with the seconds since 1970. */
const bornAt = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8), 16) * 1000)

function idOf({ _id: id }: Document): ObjectId {
  const parsed = isText(id) ? parseObjectId(id) : undefined
  if (!parsed) throw new Unreadable('its _id is no ObjectId')
  return parsed
}

/** Collects notes. */
interface Notes {
  readonly notes: string[]
}

function pairs(field: string, value: unknown, { notes }: Notes, text: (value: unknown) => string | undefined) {
  if (value === null || value === undefined) return []
  if (!isRecord(value)) {
    notes.push(`${field} is no object and is left out`)
    return []
  }
  return Object.entries(value).flatMap(([key, each]) => {
    const is = text(each)
    if (is === undefined) notes.push(`${field}.${key} is no text and is left out`)
    return is === undefined ? [] : [[key, is] as const]
  })
}

const asText = (value: unknown): string | undefined => (isText(value) ? value : undefined)
/** Values that an environment can only have as text. */
const asVariable = (value: unknown): string | undefined =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : asText(value)

function refuse(field: string, fault: RecordFault | undefined): void {
  if (fault) throw new Unreadable(`${[field, fault.key].filter(Boolean).join('.')}: ${fault.message}`)
}

function mountsOf(value: unknown, gathered: Notes): Record<string, string> {
  const good = pairs('mount_files', value, gathered, asText).filter(([id, name]) => {
    const fault = mountFault(id, name)
    if (fault) gathered.notes.push(`mount_files.${id} is left out: "${name}": ${fault.message}`)
    return !fault
  })
  const mounts = Object.fromEntries(good)
  refuse('mount_files', mountsFault(mounts))
  return canonicalMounts(mounts)
}

function envOf(value: unknown, gathered: Notes): Record<string, string> {
  const env = Object.fromEntries(pairs('env', value, gathered, asVariable))
  refuse('env', environmentFault(env))
  return env
}

/** With its version as the tag. If an image cannot have this name, the service never ran. */
function imageOf({ image, version }: Document): string {
  if (!isText(image) || image === '') throw new Unreadable('it names no image')
  const whole = isText(version) && version !== '' ? `${image}:${version}` : image
  const fault = imageFault(whole)
  if (fault !== undefined) throw new Unreadable(`its image has no valid name: ${fault}`)
  return whole
}

function descriptionOf({ description }: Document): string {
  if (!isText(description)) return ''
  if (isLonger(description, BOUNDS.description))
    throw new Unreadable(`its description has more than ${BOUNDS.description} characters`)
  return description
}

function outputsOf(value: unknown, gathered: Notes) {
  return pairs('output_files', value, gathered, asText).map(([fileId, filename]) => ({ fileId, filename }))
}

function repsOf(value: unknown, { notes }: Notes): number | null {
  if (value === null || value === undefined) return null
  if (Number.isSafeInteger(value)) return value as number
  notes.push('reps is no whole number and is left out')
  return null
}

function timeOf(value: unknown, id: string): Date {
  const millis = value instanceof Date ? value.getTime() : Number(value) * 1000
  const isTime = (typeof value === 'number' || value instanceof Date) && Math.abs(millis) <= MOST && millis > 0
  return isTime ? new Date(millis) : bornAt(id)
}

/** A name or none; the last is a file whose upload named it otherwise. */
const nameOf = (value: unknown, id: string): string => (isText(value) && value !== '' ? value : id)

const SERVICE_FIELDS = new Set('_id image version description mount_files reps env created_at output_files'.split(' '))

/** @throws Unreadable */
export function readService(document: Document): Read<FormerService> {
  const id = idOf(document)
  const image = imageOf(document)
  const gathered: Notes = { notes: [] }
  const others = Object.keys(document).filter((field) => !SERVICE_FIELDS.has(field))
  if (others.length > 0) gathered.notes.push(`left out: ${others.sort().join(', ')}`)
  const reps = repsOf(document['reps'], gathered)
  const spec: ServiceSpec = {
    image,
    description: descriptionOf(document),
    displayName: null,
    // Only the resource had it, and only replicated services had replications.
    jobType: reps === null ? 'persistent' : 'ondemand',
    port: null,
    reps,
    schedule: null,
    env: envOf(document['env'], gathered),
    mountFiles: mountsOf(document['mount_files'], gathered),
    parallelism: null,
    retries: null,
    fanIn: null,
    concurrencyPolicy: null,
    historyLimit: null,
    retentionDays: null,
  }
  const taken = {
    id: id as string as ServiceId,
    spec,
    createdAt: timeOf(document['created_at'], id),
    outputs: outputsOf(document['output_files'], gathered),
  }
  return { taken, notes: gathered.notes }
}

const MD5 = /^[0-9a-f]{32}$/i

/** @throws Unreadable */
export function readFile(document: Document): Read<FormerFile> {
  const id = idOf(document)
  const { filename, length, uploadDate, metadata, md5 } = document
  if (!Number.isSafeInteger(length) || (length as number) < 0) throw new Unreadable('its length is no whole number')
  const hash = isRecord(metadata) ? metadata['hash'] : md5
  const known = isText(hash) && MD5.test(hash) ? hash.toLowerCase() : null
  const taken = {
    id,
    filename: nameOf(filename, id),
    length: length as number,
    uploadedAt: timeOf(uploadDate, id),
    md5: known,
  }
  return { taken, notes: known === null ? ['no MD5 was kept with it: only its length is checked'] : [] }
}
