/** The loop and proofs of isolation: of runs, and of the probe while the cluster is known to be open. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { IsolationReport } from '../../../shared/platform/isolation.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import { healthz } from '../../../shared/po/healthz.ts'
import { type AnalysisId, NO_KONG_TOKEN } from '../../../shared/po/model.ts'
import { PROBE_NAME, runName } from '../../../shared/po/names.ts'
import { OWNED_KINDS } from '../../../shared/po/ports/cluster.ts'
import { probeIsolation } from '../../../shared/po/reconcile/probe.ts'
import { request, SETTINGS, startFixture } from './fixture.ts'
import type { Look } from './pods-by-hand.ts'
import { ticking } from './ticking.ts'

const fixture = await startFixture({
  canarySeconds: 600,
  run: { ...SETTINGS.run, isolation: { image: 'tools:1', outside: [] } },
})
const { ports } = fixture
const { pods, pass, answer, one, rowOf, reset } = ticking(fixture)
afterAll(() => fixture.stop())
afterEach(async () => {
  await ports.store.recordProof(ports.now())
  await ports.cluster.remove('ConfigMap', PROBE_NAME)
  await reset()
})

const report = (changes: Partial<IsolationReport> = {}): Look => {
  const whole = {
    proven: true,
    ms: 400,
    waitedMs: 900,
    closed: ['API server'],
    open: [],
    works: ['its proxy'],
    fails: [],
    ...changes,
  }
  return { proof: { exitCode: whole.proven ? 0 : 1, message: JSON.stringify(whole) } }
}
const OPEN = report({ proven: false, open: ['API server', 'kubelet'], closed: [] })

const objectsOfProbe = async () => {
  const found = await Promise.all(OWNED_KINDS.map((kind) => ports.cluster.find(kind, PROBE_NAME)))
  return found.filter((object) => object && !object.deleting).map((object) => object?.kind)
}

async function started(): Promise<CreateRequest> {
  const wanted = request()
  await create(ports, wanted)
  return wanted
}

/** The proof that is stored with a run. */
const storedProof = async (id: AnalysisId) => {
  const tables = (await fixture.dump()).split(/(?<=\])\n(?=\[)/).filter((text) => text.includes('"isolation":'))
  const rows = tables.flatMap((text) => JSON.parse(text) as { key: number; isolation: unknown }[])
  const key = Number((await ports.store.find(id))?.key)
  return rows.find((row) => row.key === key)?.isolation
}

describe('a run', () => {
  test('has a container before its image, with what it must not reach in a file', async () => {
    const [other, wanted] = [await started(), request({ kongToken: NO_KONG_TOKEN })]
    await create(ports, wanted)
    const { url, token, namespace } = fixture.kubernetes
    const get = async (path: string) =>
      (await (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })).json()) as Manifest
    const deployment = await get(`/apis/apps/v1/namespaces/${namespace}/deployments/${runName(wanted.id, ONE)}`)
    expect(deployment.spec.template.spec.initContainers).toMatchObject([{ name: 'prove-isolation', image: 'tools:1' }])
    const config = await get(`/api/v1/namespaces/${namespace}/configmaps/nginx-${runName(wanted.id, ONE)}-config`)
    const { mustFail, mustWork } = JSON.parse(config.data['isolation.json'] ?? '') as Targets
    expect(mustWork.map(({ host }) => host)).toEqual([
      `nginx-${runName(wanted.id, ONE)}.${namespace}.svc.cluster.local.`,
    ])
    expect(mustFail.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'metadata of the node',
        'name server, port 9153',
        'broker',
        'storage',
        'kong',
        'adapter',
      ]),
    )
    expect(mustFail.map(({ host }) => host)).toContain(`${runName(other.id, ONE)}.${namespace}.svc.cluster.local.`)
  })

  test('that is proven to be isolated starts, and its report is stored with it', async () => {
    const wanted = await started()
    await pods.start(wanted.id, 1, report())
    answer(wanted, 'executing')
    await pass(1)
    expect(await rowOf(wanted)).toMatchObject({ state: 'executing' })
    expect(await storedProof(wanted.id)).toMatchObject({ proven: true, closed: ['API server'] })
  })

  test('that could reach something fails and names it, and no other one is started', async () => {
    const [wanted, waiting] = [await started(), await started()]
    await pods.start(waiting.id, 1, { terminated: { reason: 'Error', exitCode: 3 } })
    await pods.start(wanted.id, 1, { ...OPEN, waiting: { reason: 'PodInitializing' } })
    await pass(1)
    const cause = 'its isolation is not proven, it could reach: API server, kubelet'
    expect(await rowOf(wanted)).toMatchObject({ state: 'failed', restarts: 0, cause })
    expect(await storedProof(wanted.id)).toMatchObject({ proven: false, open: ['API server', 'kubelet'] })
    const refusal = { code: 'unavailable', message: expect.stringContaining(`so none is started: ${cause}`) }
    await expect(healthz(ports)).rejects.toMatchObject(refusal)
    await expect(create(ports, request())).rejects.toMatchObject(refusal)
    await pass(3)
    expect(await rowOf(waiting)).toMatchObject({ state: 'restarting', run: 1 })
  })

  test('whose proxy never serves is restarted: that says nothing about isolation', async () => {
    const wanted = await started()
    const fails = report({ proven: false, fails: ['its proxy'], works: [] })
    await pods.start(wanted.id, 1, { ...fails, waiting: { reason: 'PodInitializing' } })
    await pass(1)
    const cause = 'its isolation could not be examined: its proxy'
    expect(await rowOf(wanted)).toMatchObject({ state: 'restarting', cause })
    await expect(create(ports, request())).resolves.toBeDefined()
  })
})

describe('the probe', () => {
  test('is applied while the cluster is open, until one proves the contrary; then analyses start again', async () => {
    const wanted = await started()
    await pods.start(wanted.id, 1, { ...OPEN, waiting: { reason: 'PodInitializing' } })
    await pass(2)
    expect(await objectsOfProbe()).toEqual(['ConfigMap', 'NetworkPolicy', 'Deployment'])
    await pods.startProbe(OPEN)
    await pass(1)
    expect(await objectsOfProbe()).toEqual([])
    await expect(create(ports, request())).rejects.toThrow(/a probe could reach: API server, kubelet/)
    await pass(1)
    await pods.startProbe(report())
    await pass(1)
    expect(await objectsOfProbe()).toEqual([])
    await expect(healthz(ports)).resolves.toEqual({ status: 'ok' })
    await expect(create(ports, request())).resolves.toBeDefined()
  })

  test('is applied again after its interval while analyses run, and not before', async () => {
    await one()
    await pass(1)
    expect(await objectsOfProbe()).toEqual([])
    fixture.advance(600)
    await pass(1)
    expect(await objectsOfProbe()).toHaveLength(3)
    await pods.startProbe(report())
    await pass(2)
    expect(await objectsOfProbe()).toEqual([])
  })

  test('is not applied while nothing runs', async () => {
    fixture.advance(3600)
    await pass(2)
    expect(await objectsOfProbe()).toEqual([])
  })

  test('that reports nothing is replaced after five minutes', async () => {
    // The API server has a clock of its own.
    const at = (seconds: number) => probeIsolation({ ...ports, now: () => new Date(Date.now() + seconds * 1000) })
    await ports.store.recordBreach('something is open', ports.now())
    await at(0)
    await pods.startProbe({ waiting: { reason: 'ImagePullBackOff' } })
    await at(290)
    expect(await objectsOfProbe()).toHaveLength(3)
    await at(300)
    expect(await objectsOfProbe()).toEqual([])
    expect(fixture.logged).toContainEqual(expect.objectContaining({ event: 'isolation not examined' }))
  })
})

const ONE = 1 as Parameters<typeof runName>[1]
interface Manifest {
  readonly spec: { readonly template: { readonly spec: { readonly initContainers: readonly object[] } } }
  readonly data: Readonly<Record<string, string>>
}
type Targets = Record<'mustFail' | 'mustWork', readonly { readonly name: string; readonly host: string }[]>
