/** An analysis that writes LINES numbered lines, a few every second, and finishes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startSdk } from '../../sandbox/images/sdk.ts'

const LINES = Number(process.env['LINES'] ?? 200)
const PAUSE_MS = 100

const sdk = await startSdk()
for (let line = 1; line <= LINES; line += 1) {
  await sdk.log(`line ${line} of ${LINES}`)
  await sleep(PAUSE_MS)
}
sdk.become('executed', 100)
