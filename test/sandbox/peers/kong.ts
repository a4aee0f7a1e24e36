/** Kong: a bucket of files behind an API key, listed as S3 does. */
import type { PeerCall, PeerRoute } from './route.ts'

export const SOURCE = 'patients'

const listing = (files: ReadonlyMap<string, Buffer>): string => {
  const entries = [...files].map(([key, { length }]) => `<Contents><Key>${key}</Key><Size>${length}</Size></Contents>`)
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>${entries.join('')}</ListBucketResult>`
}

export function kongRoutes(apiKey: string, files: ReadonlyMap<string, Buffer>): readonly PeerRoute[] {
  const guarded =
    (handle: PeerRoute[2]): PeerRoute[2] =>
    (call: PeerCall) => {
      const given = call.request.headers['apikey']
      if (given === apiKey) return handle(call)
      return { status: 401, body: { message: given ? 'Unauthorized' : 'No API key found in request' } }
    }
  return [
    ['GET', new RegExp(`^/${SOURCE}/s3/?$`), guarded(() => ({ body: listing(files), type: 'application/xml' }))],
    [
      'GET',
      new RegExp(`^/${SOURCE}/s3/([^/]+)$`),
      guarded(({ params: [key = ''] }) => {
        const body = files.get(key)
        return body ? { body, type: 'text/csv' } : { status: 404 }
      }),
    ],
  ]
}
