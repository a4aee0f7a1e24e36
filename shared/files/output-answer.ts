/** An output by its place: JSON written closely, as always; anything else, and what is too large to look at, as it is. */
import { Fault } from '../fault.ts'
import type { Reply } from '../http/exchange.ts'
import type { StreamRequest } from '../http/stream-endpoint.ts'
import { bytesReply } from './answers.ts'
import { parseObjectId, type StoredFile } from './model.ts'
import type { BlobStore, RunPorts } from './ports.ts'

interface OutputParams {
  readonly id: string
  readonly idx: number
}

/** Larger files stream through. */
const JSON_BYTES = 16 * 1024 * 1024

async function readAll(blobs: BlobStore, { body, length }: StoredFile): Promise<string> {
  const pieces: Uint8Array[] = []
  if (length > 0) for await (const piece of blobs.get(body, { from: 0, to: length - 1 })) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

/** Undefined for what is no JSON, such as NaN, which Python writes and no other reader takes. */
function closely(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** @throws Fault `not_found` for a service or a place that is not there */
export async function serviceOutput(
  ports: Pick<RunPorts, 'runs' | 'blobs'>,
  request: StreamRequest<OutputParams, object>,
): Promise<Reply> {
  const { id: text, idx } = request.params
  const id = parseObjectId(text)
  const file = id && (await ports.runs.output(id, idx))
  if (file === undefined) throw new Fault('not_found', 'Service not found in database')
  if (file === null) throw new Fault('not_found', 'Output file not found')
  const json = file.length <= JSON_BYTES ? closely(await readAll(ports.blobs, file)) : undefined
  if (json === undefined) return bytesReply(ports, request, file)
  const length = String(Buffer.byteLength(json))
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': length },
    body: Buffer.from(json),
  }
}
