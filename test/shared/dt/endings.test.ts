/**
 * How services end that nobody ends, over real PostgreSQL and the sandbox's Kubernetes: their image is not there, their time is
 * over. And how they begin to be looked at: by a hint.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch } from '../../../shared/dt/launch.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import { handleEvent } from '../../../shared/dt/reconcile/handle.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { status } from '../../../shared/dt/status.ts'
import { ANALYTICS, eventually, type Fixture, spec, startFixture } from './fixture.ts'

const WAY_OUT = { to: { label: ['app', 'fhir-gateway'] }, port: 8443 } as const
let fixture: Fixture
const cache = createPolicyCache()
beforeAll(async () => {
  fixture = await startFixture({ retentionDays: 30 }, { service: { egress: [WAY_OUT] } })
}, 60_000)
afterAll(() => fixture.stop())

const DAY_S = 86_400
const once = () => sweep(fixture.ports, cache)
const begin = async (fields: Parameters<typeof spec>[0] = {}): Promise<ServiceId> =>
  (await launch(fixture.ports, { spec: spec(fields), labels: {} })).id
const state = (id: ServiceId) => status(fixture.ports, id)
const swept = (id: ServiceId, fits: (found: Awaited<ReturnType<typeof state>>) => boolean) =>
  eventually(async () => {
    await once()
    return state(id)
  }, fits)
const resource = async (id: string) => fixture.api('GET', `${ANALYTICS}/${id}`)
const kinds = (id: string) =>
  fixture.emitted.filter(({ subject }) => subject === id).map(({ type }) => type.split('service.')[1])

describe('a run whose image cannot be pulled', () => {
  // Before the clock is moved, which ends the one that waits.
  test('holds up nobody else', async () => {
    const [bad, good] = [await begin({ image: 'registry.example/not-there:1', reps: 1 }), await begin({ reps: 1 })]
    await fixture.say(good, { firing: 0, index: 0, attempt: 0 }, 'complete')
    await swept(good, ({ phase }) => phase === 'succeeded')
    expect(await state(bad)).toMatchObject({ phase: 'running' })
    await fixture.ports.cluster.removeResource(bad)
  }, 40_000)

  test('says so at once, and fails when that was so for long', async () => {
    const id = await begin({ image: 'registry.example/not-there:1', reps: 2 })
    const waiting = await swept(id, ({ reason }) => reason !== null)
    expect(waiting).toMatchObject({ phase: 'running', status: 'running' })
    expect(waiting.reason).toMatch(/^its image cannot be pulled \((ErrImagePull|ImagePullBackOff)\)/)
    fixture.advance(20 * 60)
    const found = await swept(id, ({ phase }) => phase !== 'running')
    expect(found).toMatchObject({ phase: 'failed', status: 'error', failed_runs: 2, active_runs: 0 })
    expect(found.reason).toMatch(/^2 of 2 runs failed: it never began: its image cannot be pulled/)
    const said = (await resource(id)).body as { status?: object }
    expect(said.status).toMatchObject({ phase: 'Failed', lastError: found.reason })
    expect(await fixture.ports.cluster.pods([id])).toEqual([])
  }, 40_000)
})

describe('retention', () => {
  const succeeded = async (retentionDays: number | null) => {
    const id = await begin({ reps: 1, retentionDays })
    await fixture.say(id, { firing: 0, index: 0, attempt: 0 }, 'complete')
    await swept(id, ({ phase }) => phase === 'succeeded')
    return id
  }
  const isThere = (id: ServiceId) =>
    state(id).then(
      () => true,
      () => false,
    )

  test('a service goes when its days are over, with its resource and outputs, and everybody is told', async () => {
    const [short, usual, forever] = [await succeeded(2), await succeeded(null), await succeeded(0)]
    const live = await begin({ image: 'sim:wait', reps: 1, retentionDays: 1 })
    const file = Object.keys((await fixture.ports.store.listed(short))?.outputs ?? {})[0] ?? ''
    const found = async () => Promise.all([short, usual, forever, live].map(isThere))
    fixture.advance(2 * DAY_S - 600)
    await once()
    expect(await found()).toEqual([true, true, true, true])
    fixture.advance(1200)
    await once()
    expect(await found()).toEqual([false, true, true, true])
    expect(kinds(short).at(-1)).toBe('terminated')
    await eventually(
      async () => (await resource(short)).status,
      (code) => code === 404,
    )
    expect((await fixture.ports.store.outputs(short)).map(({ fileId }) => fileId)).toEqual([file])
    // When nothing of it can come any more, its rows go.
    fixture.advance(60)
    await once()
    expect(await fixture.ports.store.find(short)).toBeUndefined()
    const files = await fixture.sql.query((sql) => sql`select from dt.file where id = ${file}`)
    expect(files).toHaveLength(0)
    fixture.advance(30 * DAY_S)
    await once()
    expect(await found()).toEqual([false, false, true, true])
    await fixture.ports.cluster.removeResource(live)
  }, 60_000)
})

describe('ways out', () => {
  test('are those that the installation says, and are put back when somebody changes or removes them', async () => {
    const path = '/apis/networking.k8s.io/v1/namespaces/flame/networkpolicies'
    const ways = async (name: string) => {
      const { body } = await fixture.api('GET', `${path}/${name}`)
      return (body as { spec?: { egress?: readonly { to: readonly object[] }[] } }).spec?.egress
    }
    await once()
    for (const name of ['dt-run', 'dt-server'])
      expect(await ways(name)).toContainEqual({
        to: [{ podSelector: { matchLabels: { app: 'fhir-gateway' } } }],
        ports: [{ protocol: 'TCP', port: 8443 }],
      })
    expect(await ways('dt-run-default-deny')).toBeUndefined()
    await fixture.api('DELETE', `${path}/dt-run`)
    await once()
    expect(await ways('dt-run')).toHaveLength(3)
    expect(fixture.logged.find(({ event }) => event === 'policy was missing and is back')?.fields).toEqual({
      policy: 'dt-run',
    })
  })
})

describe('hints', () => {
  const hint = (type: string, subject?: string) => handleEvent(fixture.ports, cache, { type, subject })
  const launched = 'uk.ac.cam.eng.dt.service.launched'
  const ADDED = 'dev.knative.apiserver.resource.add'
  const of = (kind: string, name: string) => `/apis/v1/namespaces/flame/${kind}/${name}`

  test('a launch that is told is acted on, without a sweep', async () => {
    const [id, other] = [await begin({ image: 'sim:wait', reps: 1 }), await begin({ image: 'sim:wait', reps: 1 })]
    await hint(launched, id)
    expect(await state(id)).toMatchObject({ phase: 'running' })
    expect(await state(other)).toMatchObject({ phase: 'pending' })
    for (const one of [id, other]) await fixture.ports.cluster.removeResource(one)
  })

  test.each([
    ['a Job', 'jobs', (id: string) => id],
    ['a pod', 'pods', (id: string) => `${id}-0-x2b4z`],
    ['a fan-in', 'jobs', (id: string) => `${id}-fan-in`],
  ])('what Kubernetes tells of %s is a look at its service', async (_, kind, nameOf) => {
    const id = await begin({ image: 'sim:wait', reps: 1 })
    await hint(ADDED, of(kind, nameOf(id)))
    expect(await state(id)).toMatchObject({ phase: 'running' })
    await fixture.ports.cluster.removeResource(id)
  })

  test.each([
    ['a pod of somebody else', ADDED, of('pods', 'web-5d4c-abcde')],
    ['a service that is not there', launched, '0123456789abcdef01234567'],
    ['a service without a name', launched, undefined],
  ])('%s is no hint, and no tick', async (_, type, subject) => {
    const id = await begin({ image: 'sim:wait', reps: 1 })
    const before = fixture.requests.length
    await hint(type, subject)
    expect(fixture.requests.slice(before)).toEqual([])
    expect(await state(id)).toMatchObject({ phase: 'pending' })
    await fixture.ports.cluster.removeResource(id)
  })

  test('two hints at once are one look', async () => {
    const id = await begin({ image: 'sim:wait', reps: 1 })
    await Promise.all(Array.from({ length: 6 }, () => hint(launched, id)))
    const made = fixture.requests.filter((request) => request.startsWith('PATCH') && request.includes(`/jobs/${id}`))
    expect(made).toHaveLength(1)
    await fixture.ports.cluster.removeResource(id)
  })
})

describe('a persistent service with files', () => {
  test('is a Deployment that fetches them, behind a Service at a URL of the cluster', async () => {
    const file = fixture.ports.newId()
    const id = await begin({
      image: 'sim:wait',
      jobType: 'persistent',
      reps: null,
      port: 5000,
      mountFiles: { [file]: 'a' },
    })
    const found = await swept(id, ({ active_runs: active }) => active === 1)
    expect(found).toMatchObject({ phase: 'serving', status: 'running', reason: null })
    expect(found.url).toBe(`http://dt-${id}.flame.svc.cluster.local`)
    const [pod] = await fixture.ports.cluster.pods([id])
    expect(pod?.initContainers).toMatchObject([{ name: 'fetch-inputs', terminated: { exitCode: 0 } }])
    for (const kind of ['Deployment', 'Service', 'Secret'] as const)
      expect(await fixture.ports.cluster.has(kind, kind === 'Secret' ? `dt-${id}-tokens` : `dt-${id}`)).toBe(true)
    expect(await fixture.ports.cluster.has('KnativeService', `dt-${id}`)).toBe(false)
    // Deleted by others, it is back.
    await fixture.ports.cluster.remove('Deployment', `dt-${id}`)
    await eventually(
      () => fixture.ports.cluster.has('Deployment', `dt-${id}`),
      (has) => !has,
    )
    await once()
    expect(await fixture.ports.cluster.has('Deployment', `dt-${id}`)).toBe(true)
    await fixture.ports.cluster.removeResource(id)
  }, 40_000)
})
