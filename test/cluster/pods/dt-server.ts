/** A persistent service: says what it was asked, and what it was given. */
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'

const { PORT = '8080', RUN_ID = '', GREETING = '' } = process.env

createServer((request, response) => {
  const inputs = existsSync('/input') ? readdirSync('/input') : []
  const body = JSON.stringify({ path: request.url, runId: RUN_ID, greeting: GREETING, port: PORT, inputs })
  response.writeHead(200, { 'content-type': 'application/json' }).end(body)
}).listen(Number(PORT), () => console.log('listening'))

// The first process of a container hears no signal that it does not listen for.
process.on('SIGTERM', () => process.exit(0))
