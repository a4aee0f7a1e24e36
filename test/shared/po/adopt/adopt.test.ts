/** What becomes of the analyses of a Python service: real tables, and its objects in the sandbox's Kubernetes. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type CaseResult, takeOver } from '../../../../shared/po/adopt/adopt.ts'
import { survey } from '../../../../shared/po/adopt/survey.ts'
import { create } from '../../../../shared/po/create.ts'
import { history } from '../../../../shared/po/history.ts'
import type { AnalysisId, RunNumber } from '../../../../shared/po/model.ts'
import { FORMER_PROXIES_POLICY_NAME, proxyName, runName } from '../../../../shared/po/names.ts'
import type { AdoptPorts } from '../../../../shared/po/ports/adopt.ts'
import { sweep } from '../../../../shared/po/reconcile/sweep.ts'
import { remove } from '../../../../shared/po/remove.ts'
import { status } from '../../../../shared/po/status.ts'
import { stop } from '../../../../shared/po/stop.ts'
import { CREATED, SECRETS } from '../../../predecessor/tables.ts'
import { controllersIdle } from '../../../sandbox/kubernetes/queue.ts'
import { wholeTexts } from '../../../texts.ts'
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
const nameOf = (id: AnalysisId, run: number) => runName(id, run as RunNumber)
const proxyOf = (id: AnalysisId, run: number) => proxyName(id, run as RunNumber)

interface Moved {
  readonly decisions: Readonly<Record<string, string>>
  readonly errors: readonly unknown[]
}

const look = (options: { finish?: boolean; force?: boolean } = {}, ports: AdoptPorts = node.ports) =>
  survey(ports, { finish: false, force: false, ...options })

/** Surveys and does it; decisions by id. */
async function move(options: { finish?: boolean } = {}, ports: AdoptPorts = node.ports): Promise<Moved> {
  const found = await look(options, ports)
  const results: CaseResult[] = []
  await takeOver(ports, found, (result) => results.push(result))
  return {
    decisions: Object.fromEntries(found.cases.map(({ id, decision }) => [id, `${decision.kind}: ${decision.reason}`])),
    errors: results.flatMap(({ error }) => (error === undefined ? [] : [error])),
  }
}

/** Sweeps, with time for everything that waits for time. */
async function loop(rounds = 1, seconds = 30): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    node.advance(seconds)
    await sweep(node.ports)
    await controllersIdle()
  }
}

/** Nothing of the test before is left. */
afterEach(async () => {
  await remove(node.ports, undefined)
  await node.database.query((sql) => sql.unsafe('delete from public.analysis; delete from public.archive'))
  node.answers.clear()
  await loop(4)
})

const objectsOfId = async (id: AnalysisId) =>
  (await node.owned(id)).objects.map((name) => name.replace(id, '…')).toSorted()
const toldOf = (id: AnalysisId) => node.hub.told(id).statuses.map(({ status, progress }) => `${status} ${progress}`)
const specOf = async (path: string) => (await node.get<{ spec: unknown }>(path)).spec
const policiesOf = async () => {
  const { items } = await node.get<{ items: { metadata: { name: string } }[] }>(POLICIES)
  return items.map(({ metadata }) => metadata.name)
}

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly status: { readonly containerStatuses: readonly { restartCount: number; state: unknown }[] }
}
/** Who the pod is, and since when its process runs. */
async function identityOf(app: string) {
  const { items } = await node.get<{ items: Pod[] }>(`api/v1/namespaces/flame/pods?labelSelector=app%3D${app}`)
  return items.map(({ metadata: { uid }, status: { containerStatuses } }) => ({ uid, containerStatuses }))
}

/** The garbage collector works after the request that caused it: twice the same, and it is done. */
async function everythingAtRest(): Promise<string> {
  let last = await everything()
  for (let next = ''; next !== last; ) {
    await node.ports.sleep(100)
    next = last
    last = await everything()
  }
  return last
}

/** Status of an object, and the version that counts its changes: pods that become ready change them at any time. */
const withoutStatus = <T extends { metadata: object }>(item: T) => ({
  ...item,
  ...('status' in item ? { status: undefined, metadata: { ...item.metadata, resourceVersion: undefined } } : {}),
})

/** Everything in the cluster and in our tables, but for what time changes by itself. */
async function everything(): Promise<string> {
  const kinds = ['secrets', 'services', 'configmaps'].map((kind) => `api/v1/namespaces/flame/${kind}`)
  const lists = await Promise.all(
    [...kinds, DEPLOYMENTS, POLICIES].map((path) => node.get<{ items: { metadata: object }[] }>(path)),
  )
  const objects = lists.flatMap(({ items }) => items.map(withoutStatus))
  return JSON.stringify(objects) + (await node.dump())
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

  test('has another proxy, and the policy for the time between is gone', async () => {
    const id = await node.deploy(1)
    const [before] = await identityOf(proxyOf(id, 1))
    await move()
    const [after] = await identityOf(proxyOf(id, 1))
    expect(after?.uid).toBeDefined()
    expect(after?.uid).not.toBe(before?.uid)
    expect(await policiesOf()).not.toContain(FORMER_PROXIES_POLICY_NAME)
  })

  test('is polled, executed and archived by the loop', async () => {
    const id = await node.deploy(2)
    await move()
    node.answers.set(id, 'executed')
    await loop(5)
    expect(await status(node.ports, { id, spelling: id })).toEqual({})
    expect(toldOf(id).at(-1)).toBe('executed 100')
    expect(await wholeTexts(history(node.ports, { id, spelling: id }).analysis)).toHaveProperty(id)
    expect(await node.owned(id)).toEqual({ objects: [], client: false })
  })

  test('is stopped as any other, and its next run has the next number', async () => {
    const id = await node.deploy(4)
    await move()
    expect(await stop(node.ports, { id, spelling: id })).toEqual({ [id]: 'stopped' })
    await loop(4)
    expect(await node.owned(id)).toEqual({ objects: [], client: false })
    await create(node.ports, request({ spelling: id }))
    expect(await node.ports.store.find(id)).toMatchObject({ run: 5, firstRun: 5 })
  })

  test('keeps no secret in the database', async () => {
    await node.deploy(1)
    await move()
    expect(await node.dump()).not.toContain(SECRETS.kong)
  })
})

describe('a look', () => {
  test('changes nothing', async () => {
    await node.deploy(1)
    const before = await everything()
    await look()
    await look({ finish: true })
    expect(await everything()).toBe(before)
  })

  test('after the move finds nothing to do, and another move changes nothing', async () => {
    const id = await node.deploy(1)
    await move()
    const before = await everythingAtRest()
    const again = await move()
    expect(again.errors).toEqual([])
    expect(again.decisions[id]).toMatch(/^skip: /)
    expect(await everything()).toBe(before)
  })
})

describe('with finish', () => {
  test('what runs is stopped, the Hub is told, and nothing of it is left', async () => {
    const id = await node.deploy(2)
    expect((await move({ finish: true })).decisions[id]).toBe('finish: what runs is to be stopped')
    await loop(4)
    expect(toldOf(id).at(-1)).toMatch(/^stopped /)
    expect(await node.owned(id)).toEqual({ objects: [], client: false })
    expect(await node.podsOf(nameOf(id, 2))).toEqual([])
    expect(await node.podsOf(proxyOf(id, 2))).toEqual([])
  })
})

describe('an analysis', () => {
  test('that had ended is recorded as it ended, and the Hub is told nothing', async () => {
    const id = await node.deploy(1, { row: { status: 'executed', progress: 100 }, bare: true })
    const told = toldOf(id)
    expect((await move()).decisions[id]).toMatch(/^finish: it had ended/)
    await loop(3)
    expect(toldOf(id)).toEqual(told)
    expect((await node.owned(id)).objects).toEqual([])
  })

  test('of which nothing is left ends as failed, and the Hub is told why', async () => {
    const stays = await node.deploy(1)
    const id = await node.deploy(1, { bare: true })
    const { decisions } = await move()
    expect(decisions[id]).toBe('finish: its Deployment is gone, so that nothing of it can go on')
    expect(decisions[stays]).toBe('adopt: it runs')
    await loop(3)
    expect(toldOf(id).at(-1)).toMatch(/^failed /)
  })

  test('whose status nobody knows is refused and left as it is', async () => {
    const id = await node.deploy(1, { row: { status: 'dreaming' } })
    const before = await specOf(`${DEPLOYMENTS}/${nameOf(id, 1)}`)
    expect((await move()).decisions[id]).toMatch(/^refuse: nobody knows what its status "dreaming" means/)
    expect(await specOf(`${DEPLOYMENTS}/${nameOf(id, 1)}`)).toEqual(before)
    await node.database.query((sql) => sql`update public.analysis set status = 'executing'`)
    await move()
  })

  test('is taken over although another one cannot be', async () => {
    const [one, other] = [await node.deploy(1), await node.deploy(1, { row: { status: 'dreaming' } })]
    const { decisions } = await move()
    expect(decisions[one]).toBe('adopt: it runs')
    expect(decisions[other]).toMatch(/^refuse: /)
    expect(await node.ports.store.find(one)).toMatchObject({ state: 'executing' })
    await node.database.query((sql) => sql`update public.analysis set status = 'executing'`)
    await move()
  })
})
