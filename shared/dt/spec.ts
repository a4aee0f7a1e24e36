/** From the fields of a resource to a spec. The schema of its kind has checked most of it, in whatever version it came. Pure. */
import { CONCURRENCY_POLICIES, type FanIn, JOB_TYPES, parseServiceId, type ServiceSpec } from './model.ts'
import type { Resource } from './ports.ts'

type Fields = Readonly<Record<string, unknown>>

/** Why a resource cannot be acted on. */
export class Unacceptable extends Error {}

/** A name of a file below `/input`: relative, and it stays below. */
export function isInputName(name: string): boolean {
  const parts = name.split('/')
  return (
    name.length <= 1024 && !name.includes('\0') && parts.every((part) => part !== '' && part !== '.' && part !== '..')
  )
}

/** Names may not be one, nor may one be a folder of the other. */
export function clashingName(names: readonly string[]): string | undefined {
  const sorted = names.toSorted()
  return sorted.find((name, at) => {
    const next = sorted[at + 1]
    return next !== undefined && (next === name || sorted.some((other) => other.startsWith(`${name}/`)))
  })
}

/** Names of files below `/input/outputs` are those of a fan-in. */
export const RESERVED_FOLDER = 'outputs'

/** Serving gives these to a server itself, and takes none of that name. `PORT` it takes as a port. */
const GIVEN = ['K_SERVICE', 'K_CONFIGURATION', 'K_REVISION']

/** A variable that a service may not have. */
export const reservedVariable = (jobType: string, env: Readonly<Record<string, string>>): string | undefined =>
  jobType === 'persistent' ? GIVEN.find((name) => name in env) : undefined

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const whole = (value: unknown): number | null => (Number.isInteger(value) ? (value as number) : null)
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

const texts = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields(value)).flatMap(([name, entry]) =>
      typeof entry === 'string' ? [[name, entry] as const] : [],
    ),
  )

const among = <const W extends string>(words: readonly W[], value: unknown): W | null =>
  words.find((word) => word === value) ?? null

function fanInOf(value: unknown): FanIn | null {
  const { image, env } = fields(value)
  return typeof image === 'string' ? { image, env: texts(env) } : null
}

function mountsOf(value: unknown): Record<string, string> | null {
  if (value === undefined || value === null) return null
  const mounts = texts(value)
  const names = Object.values(mounts)
  const bad = names.find((name) => !isInputName(name))
  if (bad !== undefined) throw new Unacceptable(`mountFiles: "${bad}" is not a relative path without ".."`)
  const clash = clashingName(names)
  if (clash !== undefined) throw new Unacceptable(`mountFiles: "${clash}" stands for two files`)
  return mounts
}

/** @throws Unacceptable with the reason */
export function readSpec({ name, spec }: Pick<Resource, 'name' | 'spec'>): ServiceSpec {
  if (!parseServiceId(name)) throw new Unacceptable('metadata.name must be 24 hexadecimal digits in small letters')
  const image = text(spec['image'])
  const jobType = among(JOB_TYPES, spec['jobType'])
  const [reps, schedule] = [whole(spec['reps']), text(spec['schedule'])]
  if (!image) throw new Unacceptable('spec.image must name an image')
  if (!jobType) throw new Unacceptable(`spec.jobType must be one of ${JOB_TYPES.join(', ')}`)
  if (jobType !== 'persistent' && (reps ?? 0) < 1) throw new Unacceptable(`spec.reps is needed for ${jobType}`)
  if (jobType === 'scheduled' && !schedule) throw new Unacceptable('spec.schedule is needed for scheduled')
  const env = texts(spec['env'])
  const reserved = reservedVariable(jobType, env)
  if (reserved !== undefined) throw new Unacceptable(`spec.env: ${reserved} is given by Knative`)
  return {
    image,
    description: text(spec['description']) ?? '',
    displayName: text(spec['displayName']),
    jobType,
    port: whole(spec['port']),
    reps,
    schedule,
    env,
    mountFiles: mountsOf(spec['mountFiles']),
    parallelism: whole(spec['parallelism']),
    retries: whole(spec['retries']),
    fanIn: fanInOf(spec['fanIn']),
    concurrencyPolicy: among(CONCURRENCY_POLICIES, spec['concurrencyPolicy']),
    historyLimit: whole(spec['historyLimit']),
    retentionDays: whole(spec['retentionDays']),
  }
}
