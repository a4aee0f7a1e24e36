/** Replaces the orchestrator's gateway: forwards connections on port 8000 to UPSTREAM_HOST:UPSTREAM_PORT. */
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'

const { UPSTREAM_HOST: host, UPSTREAM_PORT: port } = process.env
if (!host || !port) throw new Error('UPSTREAM_HOST and UPSTREAM_PORT are not set')
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
createServer((incoming) => {
  const outgoing = connect({ host, port: Number(port) })
  // If one side closes or fails, the other is closed.
  pipeline(incoming, outgoing, incoming, () => {})
}).listen(8000)
