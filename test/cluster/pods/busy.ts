/** An analysis that computes on one core until it is killed, and answers polls meanwhile. */
import { Worker } from 'node:worker_threads'
import { startSdk } from '../../sandbox/images/sdk.ts'

const SPIN = 'for (let x = 1; ; x = Math.sqrt(x + 1));'

const sdk = await startSdk()
await sdk.log('computing')
new Worker(SPIN, { eval: true })
