/**
 * An analysis that sends a line every PAUSE_MS without waiting for responses, and then prints the results as one line
 * `pulse {"statuses":{…},"times":[…]}`, in ms.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startSdk } from '../../sandbox/images/sdk.ts'

const LINES = Number(process.env['LINES'] ?? 400)
const PAUSE_MS = 100

const env = process.env as Readonly<Record<string, string>>
const url = `http://nginx-${env['DEPLOYMENT_NAME']}/po/stream_logs`
const headers = { authorization: `Bearer ${env['KEYCLOAK_TOKEN']}`, 'content-type': 'application/json' }
const statuses: Record<string, number> = {}
const times: number[] = []

async function send(number: number): Promise<void> {
  const line = { log: `pulse ${number} of ${LINES}`, log_type: 'info', status: 'executing', progress: 1 }
  const began = performance.now()
  const status = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...line, analysis_id: env['ANALYSIS_ID'] }),
  }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return String(answer.status)
    },
    (error: unknown) => String(error),
  )
  times.push(performance.now() - began)
  statuses[status] = (statuses[status] ?? 0) + 1
}

const sdk = await startSdk()
const sent: Promise<void>[] = []
for (let number = 1; number <= LINES; number += 1) {
  sent.push(send(number))
  await sleep(PAUSE_MS)
}
await Promise.all(sent)
console.log(`pulse ${JSON.stringify({ statuses, times: times.map(Math.round) })}`)
sdk.setProgress(50)
// The test reads the line before the analysis exits.
await sleep(3_600_000)
