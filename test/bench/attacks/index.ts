/**
 * The cost of attacks: a function's peak memory under each attack as a share of its pod's limit, and the delay of other
 * clients. All rows share one node; each row has a new process of the function.
 */
import { allRoutes } from '../../../shared/routes/index.ts'
import { sandboxApart } from '../clusters.ts'
import { startNode } from '../node.ts'
import type { BenchRow } from '../row.ts'
import { attackAnalyses } from './analyses.ts'
import { attackBodies } from './bodies.ts'
import { attackOthers } from './delays.ts'
import { attackDt, TOKEN_KEY } from './dt.ts'

const ENV = {
  DT_TOKEN_KEY: TOKEN_KEY,
  DT_TOOLS_IMAGE: 'sandbox/tools:1',
  // Each tick starts a sweep.
  STATUS_LOOP_INTERVAL: '1',
}

export async function benchAttacks(): Promise<BenchRow[]> {
  await using node = await startNode({ routes: allRoutes, processes: 0, cluster: sandboxApart, env: ENV })
  return [
    ...(await attackDt(node)),
    ...(await attackOthers(node)),
    ...(await attackBodies(node)),
    ...(await attackAnalyses(node)),
  ]
}

if (import.meta.main) console.table(await benchAttacks())
