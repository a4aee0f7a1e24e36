/** A persistent service that returns the request, its environment and its files. */
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'

const { PORT = '8080', RUN_ID = '', GREETING = '' } = process.env

createServer((request, response) => {
  const inputs = existsSync('/input') ? readdirSync('/input') : []
  const body = JSON.stringify({ path: request.url, runId: RUN_ID, greeting: GREETING, port: PORT, inputs })
  response.writeHead(200, { 'content-type': 'application/json' }).end(body)
}).listen(Number(PORT), () => console.log('listening'))

// Process 1 of a container ignores signals without a handler.
process.on('SIGTERM', () => process.exit(0))
