/**
 * `kn po tick`: sends the CloudEvent of the PingSource now. In a cluster it reads the deployed PingSource and sends to its
 * sink. With `--url` it sends the event of the PingSource in the repository's base.
 */
import { randomUUID } from 'node:crypto'
import { PING_SOURCE, pingSource } from '../manifests/ping-source.ts'
import { responseError } from './api.ts'
import { fixedConnection, type NodeConnection, reconnecting } from './connection.ts'
import type { VerbContext } from './context.ts'
import { sendRequest } from './http.ts'
import type { Input } from './input.ts'
import { read } from './kubectl.ts'
import { type DeployedSource, toSink } from './sink.ts'
import { formatJson } from './table.ts'

/** Defined by `make render`: the interval of `knative/config/base`. */
declare const BASE_INTERVAL_SECONDS: number

const EVENT_TYPE = 'dev.knative.sources.ping'

/** @see CloudEvents HTTP binding 1.0.2, section 3.1.3.2 */
const headerValue = (value: string): string => value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, encodeURIComponent)

interface CloudEvent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

function eventOf({ metadata, spec }: DeployedSource): CloudEvent {
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

interface Target {
  readonly source: DeployedSource
  readonly connection: NodeConnection
  /** Appended to the URL of the connection. */
  readonly path: string
}

async function targetOf({ url, cluster }: Input): Promise<Target> {
  if (url !== undefined) {
    const { metadata, spec } = pingSource(BASE_INTERVAL_SECONDS)
    const namespace = cluster.namespace ?? 'default'
    return { source: { metadata: { ...metadata, namespace }, spec }, connection: fixedConnection(url), path: '' }
  }
  const source = await read<DeployedSource>(cluster, ['pingsources.sources.knative.dev', PING_SOURCE])
  const { open, path } = await toSink(cluster, source)
  return { source, connection: reconnecting(open), path }
}

export async function sendTick({ input, terminal }: Pick<VerbContext, 'input' | 'terminal'>): Promise<void> {
  const { source, connection, path } = await targetOf(input)
  try {
    const { headers, body } = eventOf(source)
    const answer = await sendRequest(`${await connection.url()}${path}`, { method: 'POST', headers, body })
    if (!answer.ok) throw responseError('the tick', answer)
    const sent = { id: headers['ce-id'], type: headers['ce-type'], source: headers['ce-source'] }
    terminal.out(input.json ? formatJson({ ...sent, status: answer.status }) : `${sent.id} taken (${answer.status})\n`)
  } finally {
    connection.close()
  }
}
