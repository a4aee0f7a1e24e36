/** An analysis that works for a moment and then exceeds every memory limit of these tests. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startSdk } from '../../sandbox/images/sdk.ts'

const MIB = 1024 * 1024
const MOST_MIB = 1024

const sdk = await startSdk()
await sdk.log('taking memory')
await sleep(3000)
const taken: Buffer[] = []
for (let mib = 0; mib < MOST_MIB; mib += 16) {
  taken.push(Buffer.alloc(16 * MIB, 1))
  await sleep(20)
}
console.log(`nobody objected to ${taken.length * 16} MiB`)
