/** The peer of the sandbox that PEER names, as a container; it listens on port 8080. */
import { SANDBOX_PEERS, startPeers } from '../../sandbox/peers.ts'

const peer = SANDBOX_PEERS.find((name) => name === process.env['PEER'])
if (!peer) throw new Error(`PEER is none of ${SANDBOX_PEERS.join(', ')}`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
await startPeers({ host: '0.0.0.0', ports: { [peer]: 8080 } })
