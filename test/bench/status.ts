/**
 * `GET /po/status`, the status of all of 1,000 executing analyses, 200 times a second from one `po-status` process, by
 * the open loop.
 */
import { routes } from '../../shared/routes/index.ts'
import { seedAnalyses } from './analyses.ts'
import { openLoop } from './load.ts'
import { startNode } from './node.ts'
import { atMost, type BenchRow, percentile, shown } from './row.ts'

const ANALYSES = 1000
const PER_SECOND = 200
const SECONDS = 20
const WARM_UP_SECONDS = 5
const BUDGET_MS = 50

export async function benchStatus(): Promise<BenchRow[]> {
  await using node = await startNode({ routes: [routes.po.status] })
  await seedAnalyses(node.store, ANALYSES)
  const client = node.client(routes.po.status)
  const headers = await node.headers('hub-adapter')
  const status = () => client.send({ method: 'GET', path: '/po/status', headers })
  const { text } = await status()
  const count = Object.keys(JSON.parse(text)).length
  if (count !== ANALYSES) throw new Error(`status shows ${count} analyses of ${ANALYSES}`)
  await openLoop(PER_SECOND, WARM_UP_SECONDS, status)
  const { latencies, errors, firstError } = await openLoop(PER_SECOND, SECONDS, status)
  if (firstError) console.error(`status: ${firstError}`)
  const name = `status of ${ANALYSES.toLocaleString('en')} analyses at ${PER_SECOND}/s`
  return [
    shown(`${name}, median`, percentile(latencies, 0.5), 'ms'),
    atMost(`${name}, p99`, percentile(latencies, 0.99), 'ms', BUDGET_MS),
    atMost(`${name}, errors`, errors, '', 0),
  ]
}
