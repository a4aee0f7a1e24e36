import { expect, test } from 'vitest'
import { LATE_MS } from '../../../shared/po/model.ts'
import type { NewAnalysis } from '../../../shared/po/ports/analyses.ts'
import { archived, begun, executing, input, LEASE_MS, newId, type Subject, together } from './subject.ts'

/** `begin`: one incarnation per id. */
export function beginning(subject: Subject): void {
  test('the first run is 1, starting, claimed for as long as creation may take', async () => {
    const given = input({ spelling: 'AS-THE-CALLER-WROTE-IT', progress: 7 })
    const analysis = await begun(subject.store, given)
    const now = subject.now()
    const { restartCounter, leaseMs, requestedBy, ...spec } = given
    expect(analysis).toEqual({
      ...spec,
      key: expect.stringMatching(/^[0-9]+$/),
      state: 'starting',
      cause: null,
      firstRun: restartCounter + 1,
      run: 1,
      restarts: 0,
      since: now,
      runSince: now,
      dueAt: now,
      claimedUntil: new Date(now.getTime() + leaseMs),
      silentPolls: 0,
      silentSince: null,
      reapplied: false,
      unfinished: 0,
      lastFault: null,
      partners: {},
      createdAt: now,
    })
    expect(await subject.other.find(given.id)).toEqual(analysis)
    expect(await subject.other.findByKey(analysis.key)).toEqual(analysis)
  })

  test('of 20 at the same time for one id one begins and 19 see it running', async () => {
    const given = input()
    const results = await together(subject, 20, (store) => store.begin(given))
    const kinds = results.map(({ kind }) => kind).sort()
    expect(kinds).toEqual(['begun', ...Array(19).fill('running')])
    expect(new Set(results.map((result) => 'analysis' in result && result.analysis.key)).size).toBe(1)
    expect((await subject.store.list()).map(({ run }) => run)).toEqual([1])
  })

  test('20 different ids at the same time all begin', async () => {
    const results = await together(subject, 20, (store) => store.begin(input()))
    expect(results.every(({ kind, ...rest }) => kind === 'begun' && 'analysis' in rest)).toBe(true)
    expect(await subject.store.list()).toHaveLength(20)
  })

  const given = input()

  test.each<[string, Partial<NewAnalysis>, readonly string[]]>([
    ['another image differs', { image: 'harbor.example/project/median:latest' }, ['image_url']],
    ['another registry host differs', { registryHost: 'elsewhere.example' }, ['registry_url']],
    ['another project differs', { projectId: newId() }, ['project_id']],
    [
      'all three differ',
      { projectId: newId(), image: 'x', registryHost: 'y' },
      ['project_id', 'image_url', 'registry_url'],
    ],
  ])('beside a running one, %s', async (_, change, fields) => {
    const analysis = await begun(subject.store, given)
    expect(await subject.other.begin({ ...given, ...change })).toEqual({ kind: 'differs', analysis, fields })
    expect(await subject.store.list()).toEqual([analysis])
  })

  test.each<[string, Partial<NewAnalysis>]>([
    ['the same project in another spelling', { projectId: given.projectId.replaceAll('-', '').toUpperCase() }],
    ['another spelling of the id', { spelling: given.id.toUpperCase() }],
    ['another progress, counter or need of kong', { progress: 50, restartCounter: 9, needsKong: false }],
  ])('beside a running one, %s is the same analysis', async (_, change) => {
    const analysis = await begun(subject.store, given)
    expect(await subject.other.begin({ ...given, ...change })).toEqual({ kind: 'running', analysis })
  })

  test('the run number is above the restart counter', async () => {
    const analysis = await begun(subject.store, { restartCounter: 6 })
    expect([analysis.run, analysis.firstRun]).toEqual([7, 7])
    await archived(subject.store, analysis)
    expect((await begun(subject.store, { id: analysis.id, restartCounter: 2 })).run).toBe(8)
  })

  test.each([
    [-5, 0],
    [0, 0],
    [100, 100],
    [400, 100],
  ])('a first progress of %i begins at %i', async (progress, begins) => {
    expect((await begun(subject.store, { progress })).progress).toBe(begins)
  })

  test('an abandoned creation is gone, and its removal waits for calls that were given up alone', async () => {
    const { key, id } = await begun(subject.store)
    expect(await subject.other.abandon(key)).toBe(true)
    expect(await subject.store.find(id)).toBeUndefined()
    const [removal] = await subject.store.claimRemovals(subject.now(), LEASE_MS, 10)
    const late = new Date(subject.now().getTime() + LATE_MS)
    const times = { makingUntil: subject.now(), holdUntil: late }
    expect(removal).toMatchObject({ key, id, firstRun: 1, lastRun: 1, archive: false, ...times })
    expect(await subject.store.abandon(key)).toBe(false)
  })

  test('only a starting one can be abandoned', async () => {
    const analysis = await executing(subject.store)
    expect(await subject.store.abandon(analysis.key)).toBe(false)
    expect(await subject.store.find(analysis.id)).toEqual(analysis)
    expect(await subject.store.pendingRemovals()).toEqual([])
  })

  test('texts with NUL are kept without it', async () => {
    const analysis = await begun(subject.store, { image: 'a\0b' })
    expect(analysis.image).toBe('a\uFFFDb')
  })
}
