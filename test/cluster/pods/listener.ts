/** A user's function that stores CloudEvents in binary mode and returns them on GET. */
import { createServer } from 'node:http'

export interface Heard {
  readonly id: string
  readonly type: string
  readonly source: string
  readonly subject: string | undefined
  readonly data: unknown
}

const heard: Heard[] = []

createServer(async (incoming, response) => {
  if (incoming.method !== 'POST') {
    return response.setHeader('content-type', 'application/json').end(JSON.stringify(heard))
  }
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk
  const header = (name: string): string => String(incoming.headers[`ce-${name}`] ?? '')
  heard.push({
    id: header('id'),
    type: header('type'),
    source: header('source'),
    subject: header('subject') || undefined,
    data: text ? JSON.parse(text) : undefined,
  })
  response.statusCode = 204
  return response.end()
}).listen(Number(process.env['PORT'] ?? 8080))
process.once('SIGTERM', () => process.exit(0))
