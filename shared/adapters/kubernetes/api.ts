/** Calls the API server with a deadline, and turns its errors into faults. */
import { Fault, isFault } from '../../platform/fault.ts'
import type { Answer, ApiConnection, Call } from './connection.ts'

/** Verb, kind and name of a call, for messages. */
export interface Subject {
  readonly verb: string
  readonly kind: string
  readonly name?: string
}

export const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

type Request = Omit<Call, 'signal'>

/** The answer's JSON, or undefined for a status in `absent`. */
export async function callJson<T>(
  connection: ApiConnection,
  subject: Subject,
  request: Request,
  ...absent: readonly number[]
): Promise<T | undefined> {
  return call(connection, subject, request, connection.deadlineMs, async (answer) => {
    const text = await answer.body.text()
    if (absent.includes(answer.status)) return undefined
    if (answer.status >= 300) throw apiFault(subject, answer, text)
    return JSON.parse(text) as T
  })
}

/** Sends and reads within one deadline. Every error is a fault. */
export async function call<T>(
  connection: ApiConnection,
  subject: Subject,
  request: Request,
  deadlineMs: number,
  read: (answer: Answer) => Promise<T>,
): Promise<T> {
  try {
    const answer = await connection.send({ ...request, signal: AbortSignal.timeout(deadlineMs) })
    return await read(answer)
  } catch (cause) {
    if (isFault(cause)) throw cause
    throw new Fault('unavailable', `The Kubernetes API did not answer: ${wordsOf(subject)}.`, { cause })
  }
}

/** The fault for an error answer. It contains only reason and field names, because the message may quote values of the object. */
export function apiFault(subject: Subject, answer: Pick<Answer, 'status' | 'headers'>, text: string): Fault {
  const reason = reasonOf(text)
  if (answer.status === 429 || answer.status >= 500) {
    const seconds = Number(answer.headers['retry-after'])
    const message = `The Kubernetes API is not able to ${wordsOf(subject)}: ${reason || answer.status}.`
    return new Fault('unavailable', message, seconds > 0 ? { retryAfter: seconds } : {})
  }
  return new Fault('refused', `The Kubernetes API refused to ${wordsOf(subject)}: ${reason || answer.status}.`, {
    status: answer.status,
  })
}

const wordsOf = ({ verb, kind, name }: Subject): string => [verb, kind, name].filter(Boolean).join(' ')

interface Status {
  readonly reason?: string
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly reason?: string }[] }
}

function reasonOf(text: string): string {
  try {
    const status = JSON.parse(text) as Status
    const fields = (status.details?.causes ?? []).map((cause) => `${cause.field} ${cause.reason}`)
    return [status.reason ?? '', ...(fields.length ? [`(${fields.join(', ')})`] : [])].join(' ').trim()
  } catch {
    return ''
  }
}
