/** What the programs in the pods of runs ask for, inputs and places for outputs, and what callers see of these. */

import { limited } from '../http/bytes.ts'
import { json, type Reply } from '../http/exchange.ts'
import type { StreamRequest } from '../http/stream-endpoint.ts'
import { validate } from '../http/validation.ts'
import { Fault } from '../platform/fault.ts'
import { bytesReply } from './answers.ts'
import { isJson } from './json.ts'
import type { Access, RunKey, Step } from './model.ts'
import type { Bytes, OutputSet, RunPorts } from './ports.ts'
import * as runs from './runs.ts'
import { ending } from './schema.ts'

interface InputParams {
  readonly sha256?: string | undefined
}
interface InputQuery {
  readonly step: Step
  readonly firing: number
  readonly after: string
  readonly limit?: number | undefined
}

/** Of an answer to one who does not ask for pages, as the version before did not: half a list would be taken for all of it. */
const WHOLE_LIST = 10_000

export async function runInput(
  ports: RunPorts,
  request: StreamRequest<InputParams, InputQuery, Access>,
): Promise<Reply> {
  const { params, query, caller: access } = request
  if (params.sha256 !== undefined) {
    const content = await runs.input(ports, access, query.firing, params.sha256)
    return bytesReply(ports, request, { ...content, filename: '' })
  }
  const { after, limit } = query
  const found = await runs.inputs(ports, access, query, { after, limit: limit ?? WHOLE_LIST + 1 })
  if (limit === undefined && found.length > WHOLE_LIST)
    throw new Fault('too_large', `More than ${WHOLE_LIST} inputs: ask for them in pages, by limit and after`)
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

/** Larger ones are not read twice to find out what they are. */
const CHECKED_BYTES = 4 * 1024 * 1024

interface Position {
  readonly id: string
  readonly idx: number
}

/** An output as the run wrote it, to the byte: a parser would round its numbers. JSON is called so. */
export async function serviceOutput(
  ports: RunPorts,
  request: StreamRequest<Position, object, unknown>,
): Promise<Reply> {
  const { id, idx } = request.params
  const file = await runs.output(ports, id, idx)
  const { body, length } = file
  const isText = length <= CHECKED_BYTES && (await isJson(ports.blobs.get(body, { from: 0, to: length - 1 })))
  return bytesReply(ports, request, file, isText ? 'application/json' : undefined)
}

interface OutputParams {
  readonly path?: string | undefined
}
interface OutputQuery extends Omit<RunKey, 'serviceId'> {
  readonly after: string
  readonly limit: number
  readonly sha256?: string | undefined
}

/** The notes of a run, and the list of all files that the version before sent. */
const ENDING_BYTES = 2 * 1024 * 1024

async function parsed(content: Bytes): Promise<unknown> {
  const pieces: Uint8Array[] = []
  for await (const piece of limited(content, ENDING_BYTES)) pieces.push(piece)
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch (cause) {
    throw new Fault('bad_request', 'There was an error parsing the body', { cause })
  }
}

const setReply = ({ state, reason, files: count, bytes }: OutputSet, files: readonly object[] = []): Reply =>
  json(200, { state, reason, count, bytes, files })

export async function runOutput(
  ports: RunPorts,
  request: StreamRequest<OutputParams, OutputQuery, Access>,
): Promise<Reply> {
  const { method, params, query, headers, content, fileLimit, caller: access } = request
  const { firing, index, attempt, after, limit, sha256 } = query
  const { path = '' } = params
  const run: RunKey = { serviceId: access.serviceId, firing, index, attempt }
  if (method === 'GET') {
    const set = await runs.outputs(ports, access, run)
    return setReply(set, set.state === 'open' ? await ports.runs.taken(run, { after, limit }) : [])
  }
  if (method === 'POST')
    return setReply(await runs.end(ports, access, run, validate(ending, await parsed(content), 'body')))
  if (sha256 !== undefined) return json(200, await runs.link(ports, access, run, path, sha256))
  const announced = Number(headers['content-length'] ?? 0)
  const brought = { path, announced, content: limited(content, fileLimit) }
  return json(200, await runs.bring(ports, access, run, brought))
}
