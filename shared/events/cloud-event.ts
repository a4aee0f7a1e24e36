/** The CloudEvent in a request, from its headers and raw bytes: binary or structured mode, with or without data. */
import type { IncomingHttpHeaders } from 'node:http'
import { CloudEvent, HTTP } from 'cloudevents'
import { Fault } from '../platform/fault.ts'

/** The SDK would make up missing ones; an event without one of them is invalid. */
const REQUIRED = ['specversion', 'id', 'source', 'type'] as const
const STRUCTURED = 'application/cloudevents+json'
const VERSION = '1.0'

const notAnEvent = (why: string, cause?: unknown) => new Fault('bad_request', `No CloudEvent: ${why}`, { cause })

/** Lower case and without parameters: the SDK knows media types only in this form. */
const mediaType = (value = ''): string => (value.split(';', 1)[0] ?? '').trim().toLowerCase()

type Attributes = Readonly<Record<string, unknown>>

function structuredAttributes(body: string): Attributes {
  try {
    const value: unknown = JSON.parse(body)
    if (value && typeof value === 'object' && !Array.isArray(value)) return value as Attributes
  } catch (cause) {
    throw notAnEvent('malformed JSON', cause)
  }
  throw notAnEvent('not an object')
}

const binaryAttributes = (headers: IncomingHttpHeaders): Attributes =>
  Object.fromEntries(REQUIRED.map((name) => [name, headers[`ce-${name}`]]))

function assertRequired(attributes: Attributes): void {
  const missing = REQUIRED.filter((name) => typeof attributes[name] !== 'string' || attributes[name] === '')
  if (missing.length > 0) throw notAnEvent(`${missing.join(', ')} missing`)
  if (attributes['specversion'] !== VERSION) throw notAnEvent(`specversion must be ${VERSION}`)
}

/**
 * Attribute values in headers are percent-encoded, and may be quoted; the SDK does not decode them. A value with broken escapes
 * stays as it is: some senders do not encode.
 * @see CloudEvents HTTP binding 1.0.2, section 3.1.3.2
 */
function decode(value: string): string {
  const quoted = /^"(.*)"$/s.exec(value)?.[1]
  const plain = quoted === undefined ? value : quoted.replace(/\\(.)/gs, '$1')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

const decodeAttributes = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.startsWith('ce-') && typeof value === 'string' ? decode(value) : value,
    ]),
  )

/** @throws Fault `bad_request` for anything but one event; a batch is refused */
export function parseEvent(headers: IncomingHttpHeaders, bytes: Buffer): CloudEvent {
  const type = mediaType(headers['content-type'])
  const body = bytes.toString('utf8')
  if (type.startsWith('application/cloudevents') && type !== STRUCTURED) throw notAnEvent(`${type} is not taken`)
  const attributes = decodeAttributes(headers)
  assertRequired(type === STRUCTURED ? structuredAttributes(body) : binaryAttributes(attributes))
  try {
    const event = HTTP.toEvent({
      headers: { ...attributes, 'content-type': type || undefined },
      body: body || undefined,
    })
    if (!(event instanceof CloudEvent)) throw new TypeError('a batch')
    event.validate()
    return event
  } catch (cause) {
    throw notAnEvent('it does not fit the specification', cause)
  }
}
