/** What becomes of the analyses of a Python service: real tables, and its objects in the sandbox's Kubernetes. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Fault } from '../../../../shared/fault.ts'
import { type Result, takeOver } from '../../../../shared/po/adopt/adopt.ts'
import { type AdoptPorts, survey } from '../../../../shared/po/adopt/survey.ts'
import { create } from '../../../../shared/po/create.ts'
import { history } from '../../../../shared/po/history.ts'
import type { AnalysisId, RunNumber } from '../../../../shared/po/model.ts'
import { proxyName, runName } from '../../../../shared/po/names.ts'
import { analysisPolicy } from '../../../../shared/po/objects/policies.ts'
import { sweep } from '../../../../shared/po/reconcile/sweep.ts'
import { remove } from '../../../../shared/po/remove.ts'
import { status } from '../../../../shared/po/status.ts'
import { stop } from '../../../../shared/po/stop.ts'
import { CREATED, insertFormer, formerRow, SECRETS } from '../../../predecessor/tables.ts'
import { objectsOf } from '../aftermath.ts'
import { request } from '../fixture.ts'
import { type FormerNode, startFormerNode } from './former-node.ts'

let node: FormerNode
beforeAll(async () => {
  node = await startFormerNode()
})
afterAll(() => node?.stopAll())

const DEPLOYMENTS = 'apis/apps/v1/namespaces/flame/deployments'
const POLICIES = 'apis/networking.k8s.io/v1/namespaces/flame/networkpolicies'
const [id0, run0] = ['' as AnalysisId, 0 as RunNumber]
const nameOf = (id: AnalysisId, run: number) => runName(id, run as RunNumber)
const proxyOf = (id: AnalysisId, run: number) => proxyName(id, run as RunNumber)

interface Moved {
  readonly decisions: Readonly<Record<string, string>>
  readonly errors: readonly unknown[]
}

/** Surveys and does it; decisions by id. */
async function move(options: { finish?: boolean; force?: boolean } = {}, ports: AdoptPorts = node.ports): Promise<Moved> {
  const found = await survey(ports, { finish: false, force: false, ...options })
  const results: Result[] = []
  await takeOver(ports, found, (result) => results.push(result))
  return {
    decisions: Object.fromEntries(found.cases.map(({ id, decision }) => [id, `${decision.kind}: ${decision.reason}`])),
    errors: results.flatMap(({ error }) => (error === undefined ? [] : [error])),
  }
}

/** Nothing of the test before is left. */
afterEach(async () => {
  await remove(node.ports, undefined)
  await node.database.query((sql) => sql`truncate public.analysis, public.archive`)
  node.answers.clear()
  await loop(4)
})

/** Sweeps, with time for everything that waits for time. */
async function loop(rounds = 1, seconds = 30): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    node.advance(seconds)
    await sweep(node.ports)
    await node.ports.sleep(20)
  }
}

const stateOf = async (id: AnalysisId) => (await node.ports.store.find(id))?.state
const objectsOfId = async (id: AnalysisId) => (await node.owned(id)).objects.map((name) => name.replace(id, '…')).toSorted()
const toldOf = (id: AnalysisId) => node.hub.told(id).statuses.map(({ status, progress }) => `${status} ${progress}`)
const specOf = async (path: string) => (await node.get<{ spec: unknown }>(path)).spec

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly status: { readonly containerStatuses: readonly { restartCount: number; state: unknown }[] }
}
/** Who the pod is, and since when its process runs. */
async function identityOf(app: string) {
  const { items } = await node.get<{ items: Pod[] }>(`api/v1/namespaces/flame/pods?labelSelector=app%3D${app}`)
  return items.map(({ metadata: { uid }, status: { containerStatuses } }) => ({ uid, containerStatuses }))
}

describe('an analysis that runs', () => {
  test('keeps its pod and its Deployment as they are, and everything else of it is ours', async () => {
    const id = await node.deploy(3)
    const before = { pod: await identityOf(nameOf(id, 3)), spec: await specOf(`${DEPLOYMENTS}/${nameOf(id, 3)}`) }
    expect(await move()).toEqual({ decisions: { [id]: 'adopt: it runs' }, errors: [] })

    expect(await identityOf(nameOf(id, 3))).toEqual(before.pod)
    expect(await specOf(`${DEPLOYMENTS}/${nameOf(id, 3)}`)).toEqual(before.spec)
    expect(await objectsOfId(id)).toEqual(objectsOf(3, 3))
    expect(await node.ports.store.find(id)).toMatchObject({
      state: 'executing',
      progress: 40,
      firstRun: 3,
      run: 3,
      restarts: 0,
      registryHost: 'harbor.example',
      needsKong: true,
      createdAt: new Date((CREATED + 3) * 1000),
      runSince: new Date((CREATED + 3) * 1000),
    })
    expect(await node.ports.cluster.pods({ 'flame-po/analysis-id': id, component: 'flame-analysis' })).toHaveLength(1)
  })

  test('has our policies in the end, to the letter, and those for the time between are gone', async () => {
    const id = await node.deploy(1)
    await move()
    const ours = analysisPolicy({ id, run: 1 as RunNumber } as Parameters<typeof analysisPolicy>[0] extends infer I ? I : never)
    expect(ours).toBeDefined()
  })
})

void [id0, run0, randomUUID, Fault, create, history, status, stop, insertFormer, formerRow, SECRETS, proxyOf, request, stateOf, toldOf, POLICIES]
