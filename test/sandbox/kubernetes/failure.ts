/** Errors as the API answers them: a Status object with a reason and a code. */
import { type Kind, resourceOf } from './objects.ts'

export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

export class Failure extends Error {
  readonly code: number
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }
}

export const statusOf = (failure: Failure) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: failure.message,
  reason: failure.reason,
  ...(failure.details ? { details: failure.details } : {}),
  code: failure.code,
})

const about = (kind: Kind, name: string) => ({ name, ...(kind.group ? { group: kind.group } : {}), kind: kind.plural })
const quoted = (kind: Kind, name: string) => `${resourceOf(kind)} "${name}"`

export const notFound = (kind: Kind, name: string) =>
  new Failure(404, 'NotFound', `${quoted(kind, name)} not found`, about(kind, name))
export const noPath = () => new Failure(404, 'NotFound', 'the server could not find the requested resource', {})
export const alreadyExists = (kind: Kind, name: string) =>
  new Failure(409, 'AlreadyExists', `${quoted(kind, name)} already exists`, about(kind, name))
export const badRequest = (message: string) => new Failure(400, 'BadRequest', message)
export const conflict = (kind: Kind, name: string, why: string, causes?: readonly Cause[]) =>
  new Failure(
    409,
    'Conflict',
    causes ? why : `Operation cannot be fulfilled on ${quoted(kind, name)}: ${why}`,
    causes ? { causes } : about(kind, name),
  )
export const invalid = (kind: Kind, name: string, causes: readonly Cause[]) =>
  new Failure(
    422,
    'Invalid',
    `${kind.kind}${kind.group ? `.${kind.group}` : ''} "${name}" is invalid: ${causes.map((one) => `${one.field}: ${one.message}`).join(', ')}`,
    { ...about(kind, name), kind: kind.kind, causes },
  )
export function managerRequired(): Failure {
  const cause = {
    reason: 'FieldValueRequired',
    message: 'Required value: is required for apply patch',
    field: 'fieldManager',
  }
  const details = { group: 'meta.k8s.io', kind: 'PatchOptions', causes: [cause] }
  return new Failure(422, 'Invalid', `PatchOptions.meta.k8s.io "" is invalid: fieldManager: ${cause.message}`, details)
}

export const expired = () =>
  new Failure(410, 'Expired', 'The provided continue parameter is too old to display a consistent list result.')
export const unavailable = (message: string) => new Failure(503, 'ServiceUnavailable', message)
