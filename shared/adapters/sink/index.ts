/** Publishes CloudEvents 1.0, in binary mode, to the addressable in K_SINK. */
import { CloudEvent, HTTP } from 'cloudevents'
import { Fault } from '../../platform/fault.ts'
import { createHttpClient, expectOk, type HttpRequest, type Send } from '../../platform/http-client.ts'
import type { OutgoingEvent, Sink } from '../../platform/ports.ts'

interface SinkOptions {
  readonly url: string
  /** Extension attributes of every event. They override our `partitionkey`, but no attribute of the specification. */
  readonly extensions?: Readonly<Record<string, string>>
  readonly deadlineMs?: number
  readonly send?: Send
}

const SYSTEM = 'The event sink'
const DOING = 'take an event'
const LIMIT_BYTES = 64 * 1024

/** Temporary failures; 404 is the answer for a broker that is not ready. */
const TEMPORARY = new Set([404, 408, 425, 429])
const isFinal = (status: number): boolean => status >= 400 && status < 500 && !TEMPORARY.has(status)

/** Attributes of the specification, and of earlier versions that the SDK knows: no extensions. */
const DEFINED =
  /^(specversion|id|type|source|subject|time|data|datacontenttype|dataschema|datacontentencoding|schemaurl)$/

/** `emit` fails with `refused` if the sink will never accept the event, and with `unavailable` if it may later. */
export function createSink({ url, extensions = {}, deadlineMs = 5_000, send }: SinkOptions): Sink {
  const added = Object.fromEntries(Object.entries(extensions).filter(([name]) => !DEFINED.test(name)))
  const ask = createHttpClient({ system: SYSTEM, deadlineMs, limitBytes: LIMIT_BYTES, ...(send ? { send } : {}) })
  return {
    async emit(event) {
      const request = { method: 'POST', url, ...binary(event, added) } satisfies HttpRequest
      expectOk(SYSTEM, DOING, await ask(request, DOING), isFinal)
    },
  }
}

function binary(event: OutgoingEvent, extensions: Readonly<Record<string, string>>) {
  const { headers, body } = HTTP.binary(toCloudEvent(event, extensions))
  const encoded = Object.entries(headers).map(([name, value]) => [
    name,
    name.startsWith('ce-') ? encodeHeader(String(value)) : String(value),
  ])
  return { headers: Object.fromEntries(encoded) as Record<string, string>, body: String(body) }
}

function toCloudEvent(event: OutgoingEvent, extensions: Readonly<Record<string, string>>): CloudEvent<unknown> {
  const { id, type, source, subject, time, data } = event
  const attributes = { id, type, source, subject, time: time.toISOString(), data, datacontenttype: 'application/json' }
  try {
    return new CloudEvent({ partitionkey: subject, ...extensions, ...attributes, specversion: '1.0' })
  } catch (cause) {
    throw new Fault('unexpected', 'An event does not fit the CloudEvents specification', { cause })
  }
}

/**
 * Percent-encodes spaces, quotes, percent signs and everything except printable ASCII as UTF-8.
 * @see CloudEvents HTTP binding 1.0.2, section 3.1.3.2
 */
const encodeHeader = (value: string): string =>
  value
    .toWellFormed()
    .replace(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
      [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
