/** Storage service: stores results, as a file of a form or as the body, and returns them to their owner. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type PeerCall, type PeerRoute, UNAUTHENTICATED } from './route.ts'

export interface StoredResult {
  readonly id: string
  readonly analysisId: string
  /** `final` goes to the Hub, `local` stays on the node, `intermediate` is shared between nodes. */
  readonly area: string
  readonly name: string
  readonly tag: string | null
  readonly content: Buffer
}

type Upload = Pick<StoredResult, 'name' | 'tag' | 'content'>

async function readUpload(request: IncomingMessage): Promise<Upload> {
  const content = await buffer(request)
  const type = request.headers['content-type'] ?? 'application/octet-stream'
  if (!type.startsWith('multipart/form-data')) return { name: 'result', tag: null, content }
  const form = await new Response(content, { headers: { 'content-type': type } }).formData()
  const file = form.get('file')
  if (!(file instanceof File)) throw new TypeError('the form has no file')
  const tag = form.get('tag')
  return {
    name: file.name,
    tag: typeof tag === 'string' ? tag : null,
    content: Buffer.from(await file.arrayBuffer()),
  }
}

export function storageRoutes(results: StoredResult[]): readonly PeerRoute[] {
  const find = (analysisId: string, id: string) =>
    results.find((result) => result.id === id && result.analysisId === analysisId)
  const found = (result: StoredResult | undefined) => (result ? { body: result.content } : { status: 404 })

  const store = async ({ request, client, params: [area = ''] }: PeerCall) => {
    if (!client) return UNAUTHENTICATED
    const stored = { id: randomUUID(), analysisId: client, area, ...(await readUpload(request)) }
    results.push(stored)
    return { status: 201, body: { id: stored.id, url: `http://${request.headers.host}/${area}/${stored.id}` } }
  }

  const place = /^\/(final|local|intermediate)\/?$/
  return [
    ['PUT', place, store],
    ['POST', place, store],
    [
      'GET',
      /^\/local\/tags\/([^/]+)$/,
      ({ client, request, params: [tag] }) => {
        if (!client) return UNAUTHENTICATED
        const tagged = results.filter((result) => result.analysisId === client && result.tag === tag)
        return { body: { results: tagged.map(({ id }) => ({ url: `http://${request.headers.host}/local/${id}` })) } }
      },
    ],
    [
      'GET',
      /^\/(?:final|local|intermediate)\/([^/]+)$/,
      ({ client, params: [id = ''] }) => (client ? found(find(client, id)) : UNAUTHENTICATED),
    ],
    [
      'GET',
      /^\/results\/([^/]+)$/,
      ({ params: [analysisId] }) => ({
        body: results
          .filter((result) => result.analysisId === analysisId)
          .map(({ id, area, name, content }) => ({ id, area, name, bytes: content.length })),
      }),
    ],
    ['GET', /^\/results\/([^/]+)\/([^/]+)$/, ({ params: [analysisId = '', id = ''] }) => found(find(analysisId, id))],
  ]
}
