/** What the programs in the pods of runs ask for, inputs and places for outputs, and what callers see of these. */
import { Fault } from '../fault.ts'
import { limited } from '../http/bytes.ts'
import { json, type Reply } from '../http/exchange.ts'
import type { StreamRequest } from '../http/stream-endpoint.ts'
import { validate } from '../http/validation.ts'
import { bytesReply } from './answers.ts'
import type { ObjectId } from './model.ts'
import type { Bytes, RunKey, RunPorts } from './ports.ts'
import * as runs from './runs.ts'
import { ending } from './schema.ts'

interface InputParams {
  readonly service_id: string
  readonly sha256?: string | undefined
}
interface InputQuery {
  readonly step: 'replication' | 'fan-in'
  readonly firing: number
}

export async function runInput(ports: RunPorts, request: StreamRequest<InputParams, InputQuery>): Promise<Reply> {
  const { params, query } = request
  const id = params.service_id as ObjectId
  if (params.sha256 !== undefined) {
    const content = await runs.input(ports, id, params.sha256)
    return bytesReply(ports, request, { ...content, filename: '' })
  }
  const found = await runs.inputs(ports, id, query.step === 'fan-in' ? query.firing : null)
  return json(
    200,
    found.map(({ name, fileId, content }) => ({
      name,
      file_id: fileId,
      sha256: content?.sha256 ?? null,
      length: content?.length ?? null,
    })),
  )
}

/** Larger ones are not read into memory: they go out as they are. */
const COMPACT_BYTES = 4 * 1024 * 1024

/** Undefined for what is no JSON, be it for a number that JSON does not know. */
function compacted(bytes: Buffer): string | undefined {
  try {
    return JSON.stringify(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    return undefined
  }
}

interface Place {
  readonly id: string
  readonly idx: number
}

export async function serviceOutput(ports: RunPorts, request: StreamRequest<Place, object>): Promise<Reply> {
  const { id, idx } = request.params
  const file = await runs.output(ports, id, idx)
  if (file.length <= COMPACT_BYTES) {
    const text = compacted(await whole(ports.blobs.get(file.body, { from: 0, to: file.length - 1 })))
    if (text !== undefined) return { status: 200, headers: { 'content-type': 'application/json' }, body: text }
  }
  return bytesReply(ports, request, file)
}

interface OutputParams {
  readonly service_id: string
  readonly path?: string | undefined
}

const ENDING_BYTES = 64 * 1024 * 1024

async function whole(content: Bytes): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function parsed(content: Bytes): Promise<unknown> {
  const bytes = await whole(limited(content, ENDING_BYTES))
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new Fault('bad_request', 'There was an error parsing the body', { cause })
  }
}

export async function runOutput(
  ports: RunPorts,
  request: StreamRequest<OutputParams, Omit<RunKey, 'serviceId'>>,
): Promise<Reply> {
  const { method, params, query, content, fileLimit } = request
  const run: RunKey = { ...query, serviceId: params.service_id as ObjectId }
  if (method === 'GET') return json(200, await runs.outputs(ports, run))
  if (method === 'PUT') return json(200, await runs.bring(ports, run, params.path ?? '', limited(content, fileLimit)))
  return json(200, await runs.end(ports, run, validate(ending, await parsed(content), 'body')))
}
