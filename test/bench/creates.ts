/**
 * Creates per second: clients send `POST /po/` to one `po-create` process, each the next create with a new id after the last
 * response. Every create issues a token, applies all its objects with field management and reports to the Hub. A warm-up of all
 * processes precedes the measurement, as on a node in use.
 */
import { randomUUID } from 'node:crypto'
import { routes } from '../../shared/routes/index.ts'
import { realCluster, type StartCluster, sandboxApart } from './clusters.ts'
import { closedLoop, type Load } from './load.ts'
import { startNode } from './node.ts'
import { atLeast, atMost, type BenchRow, notMeasured, percentile, shown } from './row.ts'

interface Plan {
  readonly where: string
  readonly cluster: StartCluster
  readonly clients: number
  readonly seconds: number
  readonly perSecond: number
}

const WARM_UP_SECONDS = 3

const body = () =>
  JSON.stringify({
    analysis_id: randomUUID(),
    project_id: randomUUID(),
    registry_url: 'registry.invalid',
    image_url: 'registry.invalid/project/analysis:1',
    registry_user: 'robot',
    registry_password: 'not-a-real-one',
    kong_token: 'not-a-real-one',
  })

async function load({ cluster, clients, seconds }: Plan): Promise<Load> {
  await using node = await startNode({ routes: [routes.po.create], cluster })
  const client = node.client(routes.po.create)
  const headers = await node.headers('hub-adapter')
  const create = () => client.send({ method: 'POST', path: '/po/', headers, body: body() })
  await closedLoop(clients, WARM_UP_SECONDS, create)
  return await closedLoop(clients, seconds, create)
}

const nameOf = ({ where, clients }: Plan): string => `creates, ${where}, ${clients} clients`

async function measure(plan: Plan): Promise<BenchRow[]> {
  const { latencies, errors, firstError, seconds } = await load(plan)
  if (firstError) console.error(`${nameOf(plan)}: ${firstError}`)
  return [
    atLeast(nameOf(plan), latencies.length / seconds, '/s', plan.perSecond),
    shown(`${nameOf(plan)}, p95`, percentile(latencies, 0.95), 'ms'),
    atMost(`${nameOf(plan)}, errors`, errors, '', 0),
  ]
}

export const benchCreatesOnSandbox = (): Promise<BenchRow[]> =>
  measure({ where: "sandbox's Kubernetes API", cluster: sandboxApart, clients: 16, seconds: 12, perSecond: 60 })

/** On the cluster of BENCH_KUBECONFIG, in a namespace of its own. */
export async function benchCreatesOnCluster(kubeconfig = process.env['BENCH_KUBECONFIG']): Promise<BenchRow[]> {
  const name = 'creates, real API server, 8 clients'
  if (!kubeconfig) return [notMeasured(name, 'BENCH_KUBECONFIG is not set', '>= 10')]
  const cluster = realCluster(kubeconfig)
  return measure({ where: 'real API server', cluster, clients: 8, seconds: 8, perSecond: 10 })
}
