/**
 * CloudEvents 1.0 over HTTP, implemented from the specification instead of with the product's SDK, so that each tests the other.
 * Data is text here; the product sends JSON.
 */
import type { IncomingHttpHeaders } from 'node:http'

/** Attributes by name, including extensions, and the data as received. */
export interface BrokerEvent {
  readonly attributes: Readonly<Record<string, string>>
  readonly data: string
}

const REQUIRED = ['id', 'source', 'type'] as const
const STRUCTURED = 'application/cloudevents+json'
const JSON_TYPE = 'application/json'
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i
/** A percent-encoded header value. */
const ENCODED = /^[\x21\x23-\x7e]*$/

export class NoEvent extends Error {}

const mediaType = (headers: IncomingHttpHeaders): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

/** Undefined if the message is not marked as an event, which a reply need not be. @throws NoEvent */
export function readEvent(headers: IncomingHttpHeaders, body: string): BrokerEvent | undefined {
  const structured = mediaType(headers) === STRUCTURED
  if (!structured && headers['ce-specversion'] === undefined) return undefined
  const event = structured ? readStructured(body) : readBinary(headers, body)
  assertValid(event.attributes)
  return event
}

function readBinary(headers: IncomingHttpHeaders, data: string): BrokerEvent {
  const type = headers['content-type']
  const attributes = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith('ce-') ? [[name.slice(3), decode(String(value))]] : [],
  )
  return { attributes: { ...Object.fromEntries(attributes), ...(type ? { datacontenttype: type } : {}) }, data }
}

function decode(value: string): string {
  if (!ENCODED.test(value)) throw new NoEvent('a header value is not percent-encoded')
  try {
    return decodeURIComponent(value)
  } catch (cause) {
    throw new NoEvent('a header value is badly percent-encoded', { cause })
  }
}

function readStructured(body: string): BrokerEvent {
  const { data, data_base64: base64, ...found } = parseObject(body)
  const implied = data === undefined || data === null ? {} : { datacontenttype: JSON_TYPE }
  const attributes = Object.entries({ ...implied, ...found }).filter(([, value]) => value !== null)
  return {
    attributes: Object.fromEntries(attributes.map(([name, value]) => [name, scalar(value)])),
    data: typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString() : toText(data, found),
  }
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    if (value && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new NoEvent('malformed JSON', { cause })
  }
  throw new NoEvent('not an object')
}

/** JSON unless the event says that its data is something else, which a string then holds. */
function toText(data: unknown, { datacontenttype = JSON_TYPE }: Record<string, unknown>): string {
  if (data === undefined || data === null) return ''
  const isJson = /[/+]json\b/i.test(String(datacontenttype))
  return typeof data === 'string' && !isJson ? data : JSON.stringify(data)
}

function scalar(value: unknown): string {
  if (typeof value === 'object') throw new NoEvent('an attribute is no scalar')
  return String(value)
}

function assertValid(attributes: BrokerEvent['attributes']): void {
  const { specversion, time } = attributes
  if (specversion !== '1.0') throw new NoEvent('specversion must be 1.0')
  const missing = REQUIRED.filter((name) => !attributes[name])
  if (missing.length > 0) throw new NoEvent(`${missing.join(', ')} missing`)
  const misnamed = Object.keys(attributes).filter((name) => !/^[a-z0-9]+$/.test(name))
  if (misnamed.length > 0) throw new NoEvent(`attributes may not be named ${misnamed.join(', ')}`)
  if (time !== undefined && !(TIME.test(time) && Date.parse(time))) throw new NoEvent('time is none')
}

/** Headers of the event in binary mode. */
export function binaryHeaders({ attributes }: BrokerEvent): Record<string, string> {
  const { datacontenttype, ...others } = attributes
  const headers = Object.entries(others).map(([name, value]) => [`ce-${name}`, encode(value)])
  return { ...Object.fromEntries(headers), ...(datacontenttype ? { 'content-type': datacontenttype } : {}) }
}

const encode = (value: string): string =>
  [...Buffer.from(value)]
    .map((byte) =>
      byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
