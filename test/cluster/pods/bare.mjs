// The least that answers: what the first answer of a function is measured against. No types, so that none are stripped.
import { createServer } from 'node:http'

const server = createServer((_, response) => response.end('ok'))
server.listen(Number(process.env.PORT ?? 8080))
process.once('SIGTERM', () => server.close())
