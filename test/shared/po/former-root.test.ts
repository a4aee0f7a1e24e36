/** Analyses that version 0.1 made have a Secret as their root: they go on, restart and end as if nothing had changed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ownerReference } from '../../../shared/platform/objects.ts'
import { applyRun, requirePeers, runInput } from '../../../shared/po/apply-run.ts'
import { cleanup } from '../../../shared/po/cleanup.ts'
import type { CreateRequest } from '../../../shared/po/create.ts'
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import {
  credentialsName,
  formerPullSecretName,
  LABEL,
  policyName,
  proxyConfigName,
  runName,
} from '../../../shared/po/names.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { remove } from '../../../shared/po/remove.ts'
import { stop } from '../../../shared/po/stop.ts'
import { settle } from './aftermath.ts'
import { type Fixture, request, startFixture } from './fixture.ts'

const FIRST = 1 as RunNumber
let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture()
})
afterAll(() => fixture.stop())

const secret = (name: string, id: AnalysisId, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, labels: { [LABEL.analysis]: id, [LABEL.run]: '1' } },
  data: {},
  ...more,
})

/** All that a create of version 0.1 made, in its order. */
async function createdBefore(state: 'started' | 'restarting' = 'started'): Promise<CreateRequest> {
  const wanted = request()
  const { id, spelling, projectId, image } = wanted
  const { store, cluster, identity } = fixture.ports
  const begun = await store.begin({
    ...{ id, spelling, projectId, image, registryHost: 'harbor.example' },
    ...{ needsKong: true, restartCounter: 0, progress: 0, requestedBy: null, leaseMs: 1000 },
  })
  if (begun.kind !== 'begun') throw new Error(begun.kind)
  await identity.issueToken(id)
  const root = secret(credentialsName(id, FIRST), id)
  const { uid } = await cluster.apply(root)
  const pull = secret(formerPullSecretName(id, FIRST), id)
  await cluster.apply({ ...pull, metadata: { ...pull.metadata, ownerReferences: [ownerReference(root, uid)] } })
  const peers = await requirePeers(fixture.ports, true)
  if (state === 'started') await applyRun(fixture.ports, runInput(begun.analysis, peers, fixture.ports, 'Secret'), uid)
  await store.transition(begun.analysis.key, ['starting'], state, { claimedUntil: null })
  return wanted
}

const nextSweep = async () => {
  fixture.advance(11)
  await sweep(fixture.ports)
}
const selected = ({ id, spelling }: CreateRequest) => ({ id, spelling })
const rowOf = ({ id }: CreateRequest) => fixture.ports.store.find(id)
const objectsOf = async ({ id }: CreateRequest) => (await fixture.owned(id)).objects
/** Root, pull Secret, and the seven objects of a run. */
const ALL = 9

test('what is missing of it comes back below the same root', async () => {
  const wanted = await createdBefore()
  fixture.answers.set(wanted.id, 'executing')
  await nextSweep()
  await fixture.ports.cluster.remove('ConfigMap', proxyConfigName(wanted.id, FIRST))
  await nextSweep()
  expect(await rowOf(wanted)).toMatchObject({ state: 'executing', run: 1 })
  const objects = await objectsOf(wanted)
  expect(objects).toHaveLength(ALL)
  expect(objects.filter((name) => name.endsWith('-root'))).toEqual([])
})

test.each(['started', 'restarting'] as const)('one that is %s gets its next run below the same root', async (state) => {
  const wanted = await createdBefore(state)
  if (state === 'started') fixture.answers.set(wanted.id, 'stuck')
  await nextSweep()
  fixture.answers.set(wanted.id, 'executing')
  await nextSweep()
  await nextSweep()
  expect(await rowOf(wanted)).toMatchObject({ state: 'executing', run: 2, firstRun: 1 })
  const { id } = wanted
  const policies = await fixture.ports.cluster.list('NetworkPolicy', { [LABEL.analysis]: id })
  const { metadata } = await fixture.secret(credentialsName(id, FIRST))
  expect(policies.find(({ name }) => name === policyName(id, 2 as RunNumber))?.owners).toEqual([
    { kind: 'Secret', name: metadata.name, uid: metadata.uid },
  ])
  expect(await objectsOf(wanted)).toContain(`Deployment ${runName(id, 2 as RunNumber)}`)
  expect(await objectsOf(wanted)).toHaveLength(ALL)
})

test.each([
  ['stop', (wanted: CreateRequest) => stop(fixture.ports, selected(wanted))],
  ['delete', (wanted: CreateRequest) => remove(fixture.ports, selected(wanted))],
] as const)('%s leaves nothing of it', async (_, end) => {
  const wanted = await createdBefore()
  await end(wanted)
  await settle(fixture)
  expect(await fixture.owned(wanted.id)).toEqual({ objects: [], client: false })
  expect(await fixture.ports.store.pendingRemovals()).toEqual([])
})

test('without a row it is a zombie, and goes with its root', async () => {
  const wanted = await createdBefore()
  const gone = { ...fixture.ports.store, list: async () => [], pendingRemovals: async () => [] }
  const ports = { ...fixture.ports, store: gone, now: () => new Date(Date.now() + 3_600_000) }
  expect((await cleanup(ports, 'zombies'))['zombies']).toContain('networkpolicys')
  await expect.poll(() => objectsOf(wanted), { timeout: 10_000 }).toEqual([])
})
