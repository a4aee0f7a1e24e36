/**
 * `kn po tick`: the CloudEvent that the PingSource sends, now. From a cluster its PingSource is read, and the event goes to
 * the sink that it has there; to a `--url` goes what the PingSource of the repository's base would send.
 */
import { randomUUID } from 'node:crypto'
import { PING_SOURCE, pingSource } from '../manifests/ping-source.ts'
import { refusal } from './api.ts'
import { ask } from './ask.ts'
import { fixed, type NodeConnection, reopened } from './connection.ts'
import type { Input } from './input.ts'
import { read } from './kubectl.ts'
import { type DeployedSource, toSink } from './sink.ts'
import { asJson } from './table.ts'
import type { VerbContext } from './work.ts'

/** Put in by `make render`: the interval of `knative/config/base`. */
declare const BASE_INTERVAL_SECONDS: number

const EVENT_TYPE = 'dev.knative.sources.ping'

/** @see CloudEvents HTTP binding 1.0.2, section 3.1.3.2 */
const headerValue = (value: string): string => value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, encodeURIComponent)

export interface Event {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function eventOf({ metadata, spec }: DeployedSource): Event {
  const { name, namespace = 'default' } = metadata
  const extensions = Object.entries(spec.ceOverrides?.extensions ?? {})
  return {
    headers: {
      'ce-specversion': '1.0',
      'ce-type': EVENT_TYPE,
      'ce-source': `/apis/v1/namespaces/${namespace}/pingsources/${name}`,
      'ce-id': randomUUID(),
      'ce-time': new Date().toISOString(),
      ...Object.fromEntries(extensions.map(([extension, value]) => [`ce-${extension}`, headerValue(value)])),
      'content-type': spec.contentType ?? 'application/json',
    },
    body: spec.dataBase64 === undefined ? (spec.data ?? '') : Buffer.from(spec.dataBase64, 'base64').toString(),
  }
}

interface Way {
  readonly source: DeployedSource
  readonly connection: NodeConnection
  /** Behind the address of the connection. */
  readonly path: string
}

async function wayOf({ url, cluster }: Input): Promise<Way> {
  if (url !== undefined) {
    const { metadata, spec } = pingSource(BASE_INTERVAL_SECONDS)
    const namespace = cluster.namespace ?? 'default'
    return { source: { metadata: { ...metadata, namespace }, spec }, connection: fixed(url), path: '' }
  }
  const source = await read<DeployedSource>(cluster, ['pingsources.sources.knative.dev', PING_SOURCE])
  const { open, path } = await toSink(cluster, source)
  return { source, connection: reopened(open), path }
}

export async function tick({ input, terminal }: Pick<VerbContext, 'input' | 'terminal'>): Promise<void> {
  const { source, connection, path } = await wayOf(input)
  try {
    const { headers, body } = eventOf(source)
    const answer = await ask(`${await connection.url()}${path}`, { method: 'POST', headers, body })
    if (!answer.ok) throw refusal('the tick', answer)
    const sent = { id: headers['ce-id'], type: headers['ce-type'], source: headers['ce-source'] }
    terminal.out(input.json ? asJson({ ...sent, status: answer.status }) : `${sent.id} taken (${answer.status})\n`)
  } finally {
    connection.close()
  }
}
