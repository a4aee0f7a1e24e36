/**
 * Write requests (POST, PUT, PATCH and DELETE, with any status) at the API server from create to the end of an analysis,
 * counted there. The node is complete, with analyses and proxies as processes, and ticks each second. Of two analyses one is
 * deleted while it executes and takes seconds to stop, so that several sweeps reconcile it; the other computes its result. The
 * worse counts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createPoCluster } from '../../shared/adapters/kubernetes/po/index.ts'
import { connect, createPoStore } from '../../shared/adapters/postgres/po/index.ts'
import { type AnalysisId, parseAnalysisId, type State } from '../../shared/po/model.ts'
import { standingPolicy } from '../../shared/po/objects/index.ts'
import type { PoStore } from '../../shared/po/ports/store.ts'
import { createBody } from '../sandbox/examples.ts'
import { databaseSettings } from '../sandbox/postgres.ts'
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts'
import { atMost, type BenchRow, shown } from './row.ts'

const BUDGET = 10
const GIVE_UP_MS = 60_000

interface Bed {
  readonly sandbox: Sandbox
  readonly store: PoStore
}

async function call({ sandbox }: Bed, method: string, path: string, body?: object): Promise<void> {
  const headers = { authorization: `Bearer ${await sandbox.token()}`, 'content-type': 'application/json' }
  const content = body ? { body: JSON.stringify(body) } : {}
  const response = await fetch(`${sandbox.gateway.url}${path}`, { method, headers, ...content })
  if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + GIVE_UP_MS
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
    await delay(100)
  }
}

const stateOf = async ({ store }: Bed, id: AnalysisId): Promise<State | undefined> => (await store.find(id))?.state

/** From create until all objects are removed. */
async function live(bed: Bed, image: string, end: (id: AnalysisId) => Promise<void>): Promise<void> {
  const body = createBody(image)
  const id = parseAnalysisId(body.analysis_id)
  if (!id) throw new Error(`${body.analysis_id} is no id`)
  await call(bed, 'POST', '/po/', body)
  await end(id)
  await until(`nothing of ${image} is left`, async () => {
    const [state, removals] = await Promise.all([stateOf(bed, id), bed.store.pendingRemovals()])
    return state === undefined && removals.length === 0
  })
}

async function deleteWhileExecuting(bed: Bed, id: AnalysisId): Promise<void> {
  await until('it executes', async () => (await stateOf(bed, id)) === 'executing')
  await call(bed, 'DELETE', `/po/delete/${id}`)
}

/** It exists before any create, because a create that does not find it would apply it. */
async function installStandingPolicy({ kubeconfig }: Sandbox): Promise<void> {
  const cluster = createPoCluster({ env: { KUBECONFIG: kubeconfig } })
  await cluster.apply(standingPolicy())
  await cluster.close()
}

async function measure(bed: Bed, writes: string[]): Promise<BenchRow[]> {
  const count = async (work: Promise<void>): Promise<number> => {
    await work
    const counted = writes.splice(0)
    if (counted.length > BUDGET) console.error(counted.join('\n'))
    return counted.length
  }
  const deleted = await count(live(bed, 'sandbox/stubborn:1', (id) => deleteWhileExecuting(bed, id)))
  const finished = await count(live(bed, 'sandbox/mean-fast:1', async () => {}))
  return [
    shown('API writes of a create and its delete', deleted, ''),
    shown('API writes of a create and its own end', finished, ''),
    atMost('API writes of a create and its end', Math.max(deleted, finished), '', BUDGET),
  ]
}

export async function benchWrites(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-writes-'))
  const writes: string[] = []
  const onKubernetesRequest = (method: string, path: string) => {
    if (method !== 'GET' && !path.includes('/proxy/')) writes.push(`${method} ${path}`)
  }
  const sandbox = await startSandbox({ folder, intervalSeconds: 1, onKubernetesRequest })
  const pool = connect(databaseSettings(sandbox.postgres))
  try {
    await installStandingPolicy(sandbox)
    writes.splice(0)
    return await measure({ sandbox, store: createPoStore(pool) }, writes)
  } finally {
    await pool.end()
    await sandbox.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
