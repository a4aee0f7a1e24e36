import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cleanup } from '../../../shared/po/cleanup.ts'
import { create } from '../../../shared/po/create.ts'
import { history } from '../../../shared/po/history.ts'
import type { AnalysisId } from '../../../shared/po/model.ts'
import { credentialsName, rootName, runName, STANDING_POLICY_NAME } from '../../../shared/po/names.ts'
import { pods } from '../../../shared/po/pods.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { tick } from '../../../shared/po/reconcile/tick.ts'
import { type LineRequest, recordLog } from '../../../shared/po/record-log.ts'
import { remove } from '../../../shared/po/remove.ts'
import { deliver } from '../../../shared/po/report.ts'
import { status } from '../../../shared/po/status.ts'
import { stop } from '../../../shared/po/stop.ts'
import { wholeLogs, wholeTexts } from '../../texts.ts'
import { type Fixture, request, startFixture } from './fixture.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture()
})
afterAll(() => fixture.stop())

/** Each test begins with no analysis. */
beforeEach(async () => {
  await remove(fixture.ports, undefined)
  fixture.hub.heal()
  fixture.keycloak.heal()
  fixture.answers.clear()
})

const selected = ({ id, spelling }: { id: AnalysisId; spelling: string }) => ({ id, spelling })
const deliverAll = () => deliver(fixture.ports, new Date(fixture.ports.now().getTime() + 10_000))
const told = (id: string) => fixture.hub.told(id).statuses.map(({ status, progress }) => `${status} ${progress}`)
const line = (id: AnalysisId, changes: Partial<LineRequest> = {}): LineRequest => ({
  id,
  level: 'info',
  message: 'round 1',
  status: 'executing',
  progress: 10,
  runHeader: undefined,
  ...changes,
})

const OF_THE_NODE = {
  username: 'robot',
  password: 'default-password',
  auth: Buffer.from('robot:default-password').toString('base64'),
}

describe('create', () => {
  test('answers `started` under the caller’s spelling and makes nine objects', async () => {
    const wanted = request({ spelling: '0B8C1C0E2A4F4D1E9C550D2F6A1B7E3D' })
    expect(await create(fixture.ports, wanted)).toEqual({ '0B8C1C0E2A4F4D1E9C550D2F6A1B7E3D': 'started' })
    expect(await fixture.owned(wanted.id)).toMatchObject({ objects: { length: 9 }, client: true })
  })

  test('of 20 at the same time for one id one makes a run; all answer', async () => {
    const wanted = request()
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(fixture.ports, wanted)))
    const words = answers.map((answer) => answer[wanted.spelling])
    expect(words.filter((word) => word !== 'started' && word !== 'starting')).toEqual([])
    expect(await fixture.owned(wanted.id)).toMatchObject({ objects: { length: 9 }, client: true })
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ state: 'started', run: 1 })
  })

  test('of 20 stopped and created again at the same time none keeps two runs', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 ? create(fixture.ports, wanted) : stop(fixture.ports, selected(wanted)),
      ),
    )
    await create(fixture.ports, wanted)
    fixture.advance(90)
    for (let round = 0; round < 3; round += 1) {
      await sweep(fixture.ports)
      fixture.advance(90)
    }
    const left = await fixture.owned(wanted.id)
    const run = (await fixture.ports.store.find(wanted.id))?.run
    expect(left.objects.filter((name) => name.startsWith('Deployment analysis-'))).toEqual([
      `Deployment ${runName(wanted.id, run ?? (0 as never))}`,
    ])
    expect(left.client).toBe(true)
  })

  test.each([
    ['image_url', { image: 'harbor.example/flame/other:1' }],
    ['project_id', { projectId: '11111111-2222-4333-8444-555555555555' }],
    ['registry_url', { registryUrl: 'other.example' }],
  ])('again with another %s while it runs → conflict that names it', async (field, changes) => {
    const wanted = request()
    await create(fixture.ports, wanted)
    const again = create(fixture.ports, { ...wanted, ...changes })
    await expect(again).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(field) })
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ run: 1, image: wanted.image })
  })

  test.each([
    ['password', { registryPassword: 'another' }],
    ['kong token', { kongToken: 'another' }],
    ['spelling of the id', { spelling: undefined }],
    ['scheme and path of the registry', { registryUrl: 'HARBOR.example' }],
  ])('again with another %s while it runs → its present status', async (_, changes) => {
    const wanted = request()
    await create(fixture.ports, wanted)
    const spelling = 'spelling' in changes ? wanted.spelling.toUpperCase() : wanted.spelling
    expect(await create(fixture.ports, { ...wanted, ...changes, spelling })).toEqual({ [spelling]: 'started' })
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ run: 1 })
  })

  test('after stop works at once with the next run, and the former one goes', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    expect(await stop(fixture.ports, selected(wanted))).toEqual({ [wanted.spelling]: 'stopped' })
    expect(await create(fixture.ports, wanted)).toEqual({ [wanted.spelling]: 'started' })
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ run: 2, firstRun: 2 })
    fixture.advance(90)
    await sweep(fixture.ports)
    const { objects, client } = await fixture.owned(wanted.id)
    expect(objects).not.toContain(`ConfigMap ${rootName(wanted.id, 1 as never)}`)
    expect([objects.length, client]).toEqual([9, true])
  })

  test('after delete works at once with the next run', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    expect(await remove(fixture.ports, selected(wanted))).toEqual({ [wanted.spelling]: null })
    expect(await status(fixture.ports, selected(wanted))).toEqual({})
    await create(fixture.ports, wanted)
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ run: 2, state: 'started' })
  })

  test('`restart_counter` sets the lowest run number, `progress` the first progress', async () => {
    const wanted = request({ restartCounter: 6, progress: 25 })
    await create(fixture.ports, wanted)
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ run: 7, progress: 25 })
  })

  test('names the missing peers and leaves nothing', async () => {
    const wanted = request()
    const { ports } = fixture
    const without = { ...ports, cluster: { ...ports.cluster, peers: async () => ({}) } }
    await expect(create(without, wanted)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'No Service was found for: message broker, storage service, hub adapter, kong proxy, pod orchestration.',
    })
    expect(await ports.store.find(wanted.id)).toBeUndefined()
    expect(await fixture.owned(wanted.id)).toEqual({ objects: [], client: false })
  })

  test('kong is not needed where no data is read', async () => {
    const { ports } = fixture
    const { kong: _, ...others } = await ports.cluster.peers()
    const without = { ...ports, cluster: { ...ports.cluster, peers: async () => others } }
    const wanted = request({ kongToken: 'none_needed' })
    expect(await create(without, wanted)).toEqual({ [wanted.spelling]: 'started' })
  })

  test('puts the standing policy back', async () => {
    const { ports } = fixture
    await create(ports, request())
    await ports.cluster.remove('NetworkPolicy', STANDING_POLICY_NAME)
    await create(ports, request())
    expect(await ports.cluster.find('NetworkPolicy', STANDING_POLICY_NAME)).toBeDefined()
  })

  test('takes the registry of the node where the request names none', async () => {
    const wanted = request({ registryUrl: '', registryUser: '', registryPassword: '' })
    await create(fixture.ports, wanted)
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ registryHost: 'harbor.example' })
  })

  test.each([
    ['the registry of the node', 'https://Harbor.Example/flame', { 'harbor.example': OF_THE_NODE }],
    ['another registry', 'attacker.example:5000', {}],
  ])('without a login, at %s', async (_, registryUrl, auths) => {
    const wanted = request({ registryUrl, registryUser: '', registryPassword: 'half of a login' })
    await create(fixture.ports, wanted)
    const { data } = await fixture.secret(credentialsName(wanted.id, 1 as never))
    expect(JSON.parse(Buffer.from(data['.dockerconfigjson'] ?? '', 'base64').toString())).toEqual({ auths })
  })

  test.each([
    ['https://robot:hunter2@harbor.example', /holds a login: it belongs into registry_user and registry_password$/],
    [' ', /should name a registry/],
  ])('with the registry %j is refused, and nothing is recorded', async (registryUrl, message) => {
    const wanted = request({ registryUrl })
    await expect(create(fixture.ports, wanted)).rejects.toMatchObject({ code: 'invalid', message })
    expect(await fixture.ports.store.find(wanted.id)).toBeUndefined()
  })

  test('Keycloak that is away fails it and leaves nothing, and the next try works', async () => {
    const wanted = request()
    fixture.keycloak.fail(/./, { status: 503 }, 50)
    await expect(create(fixture.ports, wanted)).rejects.toMatchObject({ code: 'unavailable' })
    fixture.keycloak.heal()
    expect(await fixture.owned(wanted.id)).toMatchObject({ objects: [] })
    expect(await create(fixture.ports, wanted)).toEqual({ [wanted.spelling]: 'started' })
  })
})

describe('stop', () => {
  test('of an unknown id answers an empty object and tells the Hub nothing', async () => {
    const wanted = request()
    expect(await stop(fixture.ports, selected(wanted))).toEqual({})
    await deliverAll()
    expect(fixture.hub.told(wanted.id).statuses).toEqual([])
  })

  test('tells the Hub `stopped` once, as a status and as a line', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await stop(fixture.ports, selected(wanted))
    await stop(fixture.ports, selected(wanted))
    await deliverAll()
    expect(told(wanted.id)).toEqual(['started 0', 'stopped 0'])
    const lines = fixture.hub.told(wanted.id).logs.map(({ message }) => message)
    expect(lines).toEqual(['ANALYSISSTOPPED: the analysis was stopped by a user'])
  })

  test('of a failed analysis answers `failed` and tells the Hub nothing', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    const analysis = await fixture.ports.store.find(wanted.id)
    await fixture.ports.store.transition(analysis?.key ?? ('' as never), ['started'], 'failed', { cause: 'because' })
    await deliverAll()
    const before = told(wanted.id)
    expect(await stop(fixture.ports, selected(wanted))).toEqual({ [wanted.spelling]: 'failed' })
    await deliverAll()
    expect(told(wanted.id)).toEqual(before)
  })

  test('of all stops each, under the spelling it was created with', async () => {
    const [one, two] = [request({ spelling: 'AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE' }), request()]
    await create(fixture.ports, one)
    await create(fixture.ports, two)
    expect(await stop(fixture.ports, undefined)).toEqual({ [one.spelling]: 'stopped', [two.spelling]: 'stopped' })
  })

  test('one that was stopped never runs again, however often is swept', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await stop(fixture.ports, selected(wanted))
    fixture.answers.set(wanted.id, 'executing')
    for (let round = 0; round < 4; round += 1) {
      fixture.advance(90)
      await sweep(fixture.ports)
    }
    expect(await status(fixture.ports, selected(wanted))).toMatchObject({ [wanted.spelling]: { status: 'stopped' } })
    expect(await fixture.owned(wanted.id)).toEqual({ objects: [], client: false })
  })
})

describe('delete', () => {
  test('of a live one tells the Hub `stopped`, of a stopped one nothing', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await remove(fixture.ports, selected(wanted))
    await deliverAll()
    expect(told(wanted.id)).toEqual(['started 0', 'stopped 0'])
    await create(fixture.ports, wanted)
    await stop(fixture.ports, selected(wanted))
    await remove(fixture.ports, selected(wanted))
    await deliverAll()
    expect(told(wanted.id)).toEqual(['started 0', 'stopped 0', 'started 0', 'stopped 0'])
  })

  test('of an unknown id answers an empty object', async () => {
    expect(await remove(fixture.ports, selected(request()))).toEqual({})
  })

  test('keeps what was logged in the history', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await recordLog(fixture.ports, line(wanted.id, { message: 'the mean is 57.2' }))
    await remove(fixture.ports, selected(wanted))
    const analysis = await wholeTexts(history(fixture.ports, selected(wanted)).analysis)
    expect(analysis[wanted.spelling]).toEqual([expect.stringContaining('the mean is 57.2')])
  })
})

describe('stream_logs', () => {
  test('raises the progress, never lowers it, and ignores what is above 100', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    const seen: (number | undefined)[] = []
    for (const progress of [10, 40, 20, 101, 999, -5]) {
      await recordLog(fixture.ports, line(wanted.id, { progress }))
      seen.push((await status(fixture.ports, selected(wanted)))[wanted.spelling]?.progress)
    }
    expect(seen).toEqual([10, 40, 40, 40, 40, 40])
  })

  test('tells the Hub lines in order and statuses that never regress', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await recordLog(fixture.ports, line(wanted.id, { message: 'first', progress: 5 }))
    await recordLog(fixture.ports, line(wanted.id, { message: 'queued before', status: 'starting', progress: 0 }))
    await recordLog(fixture.ports, line(wanted.id, { message: 'last', status: 'executed', progress: 100 }))
    await deliverAll()
    expect(told(wanted.id)).toEqual(['started 0', 'executing 5', 'executing 100'])
    expect(fixture.hub.told(wanted.id).logs.map(({ message }) => message)).toEqual(['first', 'queued before', 'last'])
  })

  test('of a former run is kept and changes no progress and no status', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await remove(fixture.ports, selected(wanted))
    await create(fixture.ports, wanted)
    const late = line(wanted.id, { progress: 90, runHeader: runName(wanted.id, 1 as never), message: 'late line' })
    await recordLog(fixture.ports, late)
    expect(await status(fixture.ports, selected(wanted))).toMatchObject({ [wanted.spelling]: { progress: 0 } })
  })

  test('of an unknown id answers null and only passes the line on', async () => {
    const { id } = request()
    expect(await recordLog(fixture.ports, line(id))).toBeNull()
    await deliverAll()
    expect(fixture.hub.told(id)).toMatchObject({ statuses: [], logs: [{ message: 'round 1' }] })
  })

  test('while the Hub is away nothing is lost and the order stays', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    fixture.hub.fail(/./, { status: 503 }, 1000)
    for (const message of ['one', 'two', 'three']) await recordLog(fixture.ports, line(wanted.id, { message }))
    await deliverAll()
    expect(fixture.hub.told(wanted.id).logs).toEqual([])
    fixture.hub.heal()
    fixture.advance(400)
    await deliverAll()
    expect(fixture.hub.told(wanted.id).logs.map(({ message }) => message)).toEqual(['one', 'two', 'three'])
  })
})

describe('cleanup', () => {
  test('keeps one answer per word and leaves a live analysis alone', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    const answer = await cleanup(fixture.ports, 'services,mb,rs,keycloak,nonsense,zombies')
    expect(answer).toEqual({
      services: 'No pod of the message broker was found; No pod of the storage service was found',
      mb: 'No pod of the message broker was found',
      rs: 'No pod of the storage service was found',
      keycloak: 'Deleted 0 Keycloak clients',
      nonsense: 'Unknown cleanup type: nonsense (known types: all, analyzes, services, mb, rs, keycloak, zombies)',
      zombies: expect.stringMatching(/^Deleted 0 zombie deployments\nDeleted 0 zombie nginx-deployments\n/),
    })
    expect(await fixture.owned(wanted.id)).toMatchObject({ objects: { length: 9 }, client: true })
    expect(await status(fixture.ports, selected(wanted))).toMatchObject({ [wanted.spelling]: { status: 'started' } })
  })

  test('`analyzes` ends all, with objects and clients, and the run number goes on', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    const { analyzes } = await cleanup(fixture.ports, 'analyzes')
    expect(analyzes).toBe(`Deleted 1 analyses and all records: ${wanted.spelling}`)
    expect(await fixture.owned(wanted.id)).toMatchObject({ client: false })
    await deliverAll()
    expect(told(wanted.id).at(-1)).toBe('stopped 0')
    await create(fixture.ports, wanted)
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ run: 2 })
  })

  test('`all` empties the history, too', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await remove(fixture.ports, selected(wanted))
    await cleanup(fixture.ports, 'all')
    expect(await wholeLogs(history(fixture.ports, undefined))).toEqual({ analysis: {}, nginx: {} })
  })

  test('`keycloak` deletes clients that no row knows', async () => {
    const { id } = request()
    await fixture.ports.identity.issueToken(id)
    expect(await cleanup(fixture.ports, 'keycloak')).toMatchObject({ keycloak: 'Deleted 1 Keycloak clients' })
  })

  test('zombies are objects without a row', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await fixture.ports.store.reset()
    for (const { key } of await fixture.ports.store.pendingRemovals()) await fixture.ports.store.completeRemoval(key)
    const { zombies } = await cleanup(fixture.ports, 'zombies')
    expect(zombies).toContain('Deleted 1 zombie deployments')
    expect(await fixture.owned(wanted.id)).toMatchObject({ objects: [] })
  })
})

describe('the loop', () => {
  test('takes one sweep per slot, whoever ticks how often', async () => {
    fixture.advance(10)
    const results = await Promise.all(Array.from({ length: 5 }, () => tick(fixture.ports)))
    expect(results.map(({ kind }) => kind).sort()).toEqual([
      'duplicate',
      'duplicate',
      'duplicate',
      'duplicate',
      'swept',
    ])
  })

  test('gives the slot back when the sweep could not run', async () => {
    fixture.advance(10)
    const { ports } = fixture
    await create(ports, request())
    const away = { ...ports, cluster: { ...ports.cluster, pods: () => Promise.reject(new Error('away')) } }
    await expect(tick(away)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await tick(ports)).toMatchObject({ kind: 'swept' })
  })
})

describe('pods', () => {
  test('of an unknown id are an empty list under the caller’s spelling; of all, no key', async () => {
    const wanted = request()
    expect(await pods(fixture.ports, selected(wanted))).toEqual({ [wanted.spelling]: [] })
    expect(await pods(fixture.ports, undefined)).toEqual({})
  })

  test('are one JSON list per analysis', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    expect(await pods(fixture.ports, selected(wanted))).toEqual({ [wanted.spelling]: ['[]'] })
  })
})

describe('parts of a run that others deleted', () => {
  test.each(['NetworkPolicy', 'ConfigMap', 'Service'] as const)(
    'a %s comes back, and the run goes on',
    async (kind) => {
      const wanted = request()
      await create(fixture.ports, wanted)
      const before = await fixture.owned(wanted.id)
      const name = before.objects.find((object) => object.startsWith(`${kind} nginx-analysis-`))?.split(' ')[1] ?? ''
      expect(await fixture.ports.cluster.remove(kind, name)).toBe(true)
      await sweep(fixture.ports)
      expect((await fixture.owned(wanted.id)).objects.toSorted()).toEqual(before.objects.toSorted())
      expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ state: 'started', run: 1, reapplied: false })
    },
  )

  test('the Deployment of one that has not answered yet comes back, and that is not counted', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await fixture.ports.cluster.remove('Deployment', runName(wanted.id, 1 as never))
    await sweep(fixture.ports)
    expect((await fixture.owned(wanted.id)).objects).toHaveLength(9)
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ reapplied: false, state: 'started' })
  })

  test('the root ends it as failed, with that cause', async () => {
    const wanted = request()
    await create(fixture.ports, wanted)
    await fixture.ports.cluster.remove('ConfigMap', rootName(wanted.id, 1 as never))
    await sweep(fixture.ports)
    const cause = 'its root object was deleted'
    expect(await fixture.ports.store.find(wanted.id)).toMatchObject({ state: 'failed', cause })
  })
})
