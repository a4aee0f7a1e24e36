/** Proofs of isolation on a real cluster: with its policies, and with one policy too many, as without any enforcement. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type IsolationReport, PROOF_CONTAINER, parseReport } from '../../shared/platform/isolation.ts'
import { PROBE_NAME } from '../../shared/po/names.ts'
import { type ApiObject, eventually } from './api.ts'
import { loadFunctionImage } from './images.ts'
import { startWorld, timed, type World } from './world.ts'

/** Time that a proof may take on a node that is not busy, from when the proxy serves. */
const BUDGET_MS = 1000
const [FIRST, SECOND] = [randomUUID(), randomUUID()]

let world: World
beforeAll(async () => {
  world = await startWorld([FIRST, SECOND], async (environment, beacon) => ({
    TOOLS_IMAGE: await loadFunctionImage(environment),
    ISOLATION_OUTSIDE: `${environment.hostName}:${beacon.port},${environment.hostAddress}:${beacon.port}`,
    CANARY_INTERVAL: '60',
  }))
})
afterAll(async () => {
  await timed('everything stopped', async () => world?.stop())
})

const create = (id: string) => world.call<object>('POST', '/po/', world.createBody(id, world.images.probe))
const statusOf = async (id: string) =>
  (await world.call<Record<string, { status: string }>>('GET', `/po/status/${id}`))[id]?.status

interface Ended {
  readonly name: string
  readonly state: { readonly terminated?: { readonly message?: string } }
  readonly lastState: { readonly terminated?: { readonly message?: string } }
}
type Pod = ApiObject & { readonly status: { readonly initContainerStatuses?: readonly Ended[] } }

async function reportOf(id: string): Promise<IsolationReport | undefined> {
  const pods = await world.api.list<Pod>('Pod', `flame-po/analysis-id=${id},component=flame-analysis`)
  const ended = pods
    .flatMap(({ status }) => status.initContainerStatuses ?? [])
    .find(({ name }) => name === PROOF_CONTAINER)
  return parseReport((ended?.state.terminated ?? ended?.lastState.terminated)?.message ?? '')
}
const probes = async () =>
  (await world.api.list<ApiObject>('Deployment', `app=${PROBE_NAME}`)).filter(
    ({ metadata }) => !metadata.deletionTimestamp,
  )

describe('with the policies of the installation', () => {
  test('each analysis starts after its proof, which names what it could not reach', async () => {
    for (const id of [FIRST, SECOND]) {
      await create(id)
      await eventually(`${id} is executing`, async () => (await statusOf(id)) === 'executing')
      const report = await reportOf(id)
      console.log(
        `          proof of isolation ${report?.ms} ms after ${report?.waitedMs} ms for its proxy, closed: ${report?.closed.join(', ')}`,
      )
      expect(report).toMatchObject({ proven: true, open: [], fails: [], works: ['its proxy'] })
      expect(report?.closed).toEqual(
        expect.arrayContaining([
          'API server',
          'kubelet',
          'metadata of the node',
          'name server, port 9153',
          ...['broker', 'storage', 'adapter', 'kong', 'orchestrator'],
        ]),
      )
    }
    expect((await reportOf(SECOND))?.closed).toEqual(
      expect.arrayContaining(['another analysis', 'proxy of another analysis']),
    )
    // Other tests may keep the node busy during one of them.
    const times = await Promise.all(
      [FIRST, SECOND].map(async (id) => (await reportOf(id))?.ms ?? Number.POSITIVE_INFINITY),
    )
    expect(Math.min(...times)).toBeLessThan(BUDGET_MS)
  })

  test('a probe proves the same meanwhile', async () => {
    await eventually('a probe was there', async () => (await probes()).length > 0, 90_000)
    await eventually('it is gone again', async () => (await probes()).length === 0, 60_000)
    expect(await world.call<object>('GET', '/po/healthz')).toEqual({ status: 'ok' })
  })
})

describe('where pods are open, as without enforcement', () => {
  const OPEN = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'open' } }
  const refused = (act: () => Promise<unknown>) =>
    act().then(
      () => '',
      (error: Error) => error.message,
    )

  test('no analysis starts, the cause names what is open, and none is accepted', async () => {
    const spec = { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] }
    await world.api.create({ ...OPEN, spec })
    const id = randomUUID()
    await create(id)
    await timed('failed by its proof', () =>
      eventually(`${id} is failed`, async () => (await statusOf(id)) === 'failed'),
    )
    const health = await refused(() => world.call('GET', '/po/healthz'))
    expect(health).toMatch(/503 .*none is started: its isolation is not proven, it could reach: API server/)
    expect(await refused(() => create(randomUUID()))).toMatch(/503 .*none is started/)
    const lines = world.sightings.of(`analysis-${id}-1`).reached
    expect(lines).toEqual({})
  })

  test('closed again, a probe proves it, and analyses start', async () => {
    await world.api.remove('NetworkPolicy', OPEN.metadata.name, 'Background')
    await timed('proven by a probe', () =>
      eventually('healthz is ok', async () => (await refused(() => world.call('GET', '/po/healthz'))) === '', 90_000),
    )
    const id = randomUUID()
    await create(id)
    await eventually(`${id} is executing`, async () => (await statusOf(id)) === 'executing')
  })
})
