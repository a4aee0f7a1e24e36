import { expect, test } from 'vitest'
import type { Analysis, AnalysisChange, AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import {
  append,
  begun,
  ended,
  executing,
  input,
  LEASE_MS,
  line,
  moved,
  newId,
  noReports,
  note,
  type Subject,
  together,
  toldChanges,
  unsigned,
} from './subject.ts'

const short = ({ run, to }: AnalysisChange): string => `${run} ${to}`
const stop = { removal: { archive: false } } as const

/** Ways of an executing analysis, and what is to be told of it after `1 starting` and `1 executing`. */
const WAYS: readonly [string, (store: PoStore, analysis: Analysis) => Promise<unknown>, readonly string[]][] = [
  ['a move to another state', (store, { key }) => store.transition(key, ['executing'], 'restarting'), ['1 restarting']],
  [
    'a next run in another state',
    (store, { key }) => store.transition(key, ['executing'], 'starting', { nextRun: true }),
    ['2 starting'],
  ],
  [
    'a next run in the same state',
    (store, { key }) => store.transition(key, ['executing'], 'executing', { nextRun: true }),
    ['2 executing'],
  ],
  [
    'a move that keeps the state',
    (store, { key }) =>
      store.transition(key, ['executing'], 'executing', { reapplied: true, cause: 'put back', progress: 50 }),
    [],
  ],
  ['a move that is lost', (store, { key }) => store.transition(key, ['started'], 'failed'), []],
  ['a move of another run', (store, { key }) => store.transition(key, ['executing'], 'failed', {}, 7 as RunNumber), []],
  ['a line that raises progress', (store, { id }) => append(store, id, null, line({ progress: 9 }), noReports), []],
  ['a report', (store, { id }) => store.appendReports(id, [note('x')]), []],
  ['a poll', (store, { key, run }) => store.recordPoll(key, run, false, new Date()), []],
  ['partners', (store, { key }) => store.savePartners(key, { one: 'failed' }), []],
  ['a second begin', (store, { id }) => store.begin(input({ id })), []],
  ['an abandonment that comes too late', (store, { key }) => store.abandon(key), []],
  ['an archiving that comes too early', (store, { key }) => store.archive(key, 'node', unsigned), []],
  [
    'an archiving of one that stops, done twice',
    async (store, { key }) => {
      await store.transition(key, ['executing'], 'stopping', stop)
      await store.archive(key, 'node', unsigned)
      await store.archive(key, 'node', unsigned)
    },
    ['1 stopping', '1 stopped'],
  ],
  [
    'an archiving of one that has stopped',
    async (store, { key }) => {
      await store.transition(key, ['executing'], 'stopping', stop)
      await store.transition(key, ['stopping'], 'stopped')
      await store.archive(key, 'node', unsigned)
    },
    ['1 stopping', '1 stopped'],
  ],
  [
    'an archiving of one that finished',
    async (store, { key }) => {
      await store.transition(key, ['executing'], 'executed', { removal: { archive: true } })
      await store.archive(key, 'node', unsigned)
    },
    ['1 executed'],
  ],
  [
    'an archiving whose signature fails',
    async (store, { key }) => {
      await store.transition(key, ['executing'], 'stopping', stop)
      await store.archive(key, 'node', () => Promise.reject(new Error('no key'))).catch(() => undefined)
    },
    ['1 stopping'],
  ],
  ['a reset', (store) => store.reset(), ['1 withdrawn']],
  [
    'a reset, done twice, of one that stops',
    async (store, { key }) => {
      await store.transition(key, ['executing'], 'stopping', stop)
      await store.reset()
      await store.reset()
    },
    ['1 stopping', '1 stopped'],
  ],
  [
    'a reset of one that has failed',
    async (store, { key }) => {
      await store.transition(key, ['executing'], 'failed', stop)
      await store.reset()
    },
    ['1 failed'],
  ],
]

/** Changes: each move is told once, in order. */
export function telling(subject: Subject): void {
  const claim = (limit = 100) => subject.store.claimChanges(subject.now(), LEASE_MS, limit)
  const told = async () => (await toldChanges(subject.other, subject.now())).map(short)

  test.each(WAYS)('after %s what it made of the analysis is told', async (_, act, expected) => {
    await act(subject.store, await executing(subject.store))
    expect(await told()).toEqual(['1 starting', '1 executing', ...expected])
    expect(await told()).toEqual([])
  })

  test('a creation that is taken back was withdrawn', async () => {
    const { key } = await begun(subject.store)
    expect(await subject.store.abandon(key)).toBe(true)
    expect(await subject.store.abandon(key)).toBe(false)
    expect(await told()).toEqual(['1 starting', '1 withdrawn'])
  })

  test('a change says id, run, state, progress, cause and time as they are after it, and nothing else', async () => {
    const { id, key } = await begun(subject.store, { progress: 5, restartCounter: 3 })
    const began = subject.now()
    const second = subject.pass(1000)
    await subject.store.transition(key, ['starting'], 'restarting', { cause: 'no memory', progress: 20 })
    const third = subject.pass(1000)
    await subject.store.transition(key, ['restarting'], 'starting', { nextRun: true, cause: null })
    const fourth = subject.pass(1000)
    await subject.store.transition(key, ['starting'], 'stopping', { ...stop, cause: 'stopped by a user' })
    const fifth = subject.pass(1000)
    await subject.store.archive(key, 'node', unsigned)
    expect(await toldChanges(subject.other, subject.now())).toEqual([
      { id, run: 4, to: 'starting', progress: 5, cause: null, at: began },
      { id, run: 4, to: 'restarting', progress: 20, cause: 'no memory', at: second },
      { id, run: 5, to: 'starting', progress: 20, cause: null, at: third },
      { id, run: 5, to: 'stopping', progress: 20, cause: 'stopped by a user', at: fourth },
      { id, run: 5, to: 'stopped', progress: 20, cause: 'stopped by a user', at: fifth },
    ])
  })

  test('a withdrawal has no cause, whatever the analysis had', async () => {
    const { key, id } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'executing', { reapplied: true, cause: 'its pod was deleted' })
    await toldChanges(subject.store, subject.now())
    const at = subject.pass(1000)
    await subject.store.reset()
    expect(await toldChanges(subject.store, subject.now())).toEqual([
      { id, run: 1, to: 'withdrawn', progress: 0, cause: null, at },
    ])
  })

  test('nothing of what was given beside it is in a change', async () => {
    const given = input({ spelling: 'SECRET-1', projectId: 'SECRET-2', image: 'SECRET-3', registryHost: 'SECRET-4' })
    const { key, id } = await begun(subject.store, given)
    await subject.store.savePartners(key, { 'SECRET-5': 'failed' })
    await append(subject.store, id, null, line({ message: 'SECRET-6' }), () => [note('SECRET-7')])
    const patch = { lines: [line({ message: 'SECRET-8' })], reports: [note('SECRET-9')], removal: { archive: true } }
    await subject.store.transition(key, ['starting'], 'stopping', patch)
    await subject.store.archive(key, 'SECRET-10', () => Promise.resolve('SECRET-11'))
    const changes = await toldChanges(subject.store, subject.now())
    expect(changes).toHaveLength(3)
    expect(JSON.stringify(changes)).not.toContain('SECRET')
  })

  /** create, restart, stop, create again, delete, and what else may become of an id. */
  async function longLife(store: PoStore, id: AnalysisId): Promise<void> {
    const first = await executing(store, { id })
    await store.transition(first.key, ['executing'], 'restarting')
    await store.transition(first.key, ['restarting'], 'starting', { nextRun: true })
    await store.transition(first.key, ['starting'], 'started')
    await store.transition(first.key, ['started'], 'executing')
    await store.transition(first.key, ['executing'], 'stopping', stop)
    await store.transition(first.key, ['stopping'], 'stopped')
    await store.archive(first.key, 'node', unsigned)
    const second = await executing(store, { id })
    await store.transition(second.key, ['executing'], 'stopping', { removal: { archive: true } })
    await store.archive(second.key, 'node', unsigned)
    await store.transition(second.key, ['stopping'], 'stopped')
    await store.abandon((await begun(store, { id })).key)
    await ended(store, await executing(store, { id }), 'failed')
    await store.reset()
    await begun(store, { id })
    await store.reset()
  }

  test('over all that may become of an id each run enters a state once, and all is told in order', async () => {
    const id = newId()
    await longLife(subject.store, id)
    const changes = await told()
    expect(changes).toEqual([
      ...['1 starting', '1 executing', '1 restarting'],
      ...['2 starting', '2 started', '2 executing', '2 stopping', '2 stopped'],
      ...['3 starting', '3 executing', '3 stopping', '3 stopped'],
      ...['4 starting', '4 withdrawn'],
      ...['5 starting', '5 executing', '5 failed'],
      ...['6 starting', '6 withdrawn'],
    ])
    expect(new Set(changes).size).toBe(changes.length)
  })

  test('only the oldest of each analysis is handed out, to one', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => executing(subject.store)))
    const shares = await together(subject, 6, (store) => store.claimChanges(subject.now(), LEASE_MS, 3))
    const claimed = [...shares.flat(), ...(await claim())]
    expect(claimed.map(({ change }) => change.id).sort()).toEqual(all.map(({ id }) => id).sort())
    expect(claimed.every(({ change, attempts }) => change.to === 'starting' && attempts === 0)).toBe(true)
    expect(shares.every((share) => share.length <= 3)).toBe(true)
  })

  test('of 20 that claim one change one gets it', async () => {
    await executing(subject.store)
    const claims = await together(subject, 20, (store) => store.claimChanges(subject.now(), LEASE_MS, 5))
    expect(claims.flat().map(({ change }) => short(change))).toEqual(['1 starting'])
  })

  test('a claim that was not settled ends with its lease', async () => {
    await executing(subject.store)
    const [first] = await claim()
    const counts = { attempts: 0, unfinished: 1 }
    expect(first).toEqual({ seq: expect.any(String), change: expect.objectContaining({ to: 'starting' }), ...counts })
    subject.pass(LEASE_MS - 1)
    expect(await claim()).toEqual([])
    subject.pass(1)
    expect(await claim()).toEqual([{ ...first, unfinished: 2 }])
    subject.pass(2 * LEASE_MS - 1)
    expect(await claim()).toEqual([])
    subject.pass(1)
    expect(await claim()).toEqual([{ ...first, unfinished: 3 }])
  })

  test('all changes of a postponed analysis wait, later ones too, and those of others do not', async () => {
    const one = await begun(subject.store)
    await claim()
    const dueAt = new Date(subject.now().getTime() + 5000)
    await subject.store.postponeChanges(one.id, dueAt)
    await subject.store.transition(one.key, ['starting'], 'failed')
    const two = await begun(subject.store)
    subject.pass(4999)
    expect((await toldChanges(subject.store, subject.now())).map(({ id }) => id)).toEqual([two.id])
    subject.pass(1)
    const [head] = await claim()
    expect(head).toMatchObject({ attempts: 1, change: { id: one.id, to: 'starting' } })
    await subject.store.settleChange(head?.seq ?? '')
    await subject.store.settleChange(head?.seq ?? '')
    expect(await told()).toEqual(['1 failed'])
  })

  test('where nobody is to be told all are forgotten, and later ones are kept again', async () => {
    const { key } = await executing(subject.store)
    await executing(subject.store)
    await together(subject, 10, (store) => store.dropChanges())
    expect(await told()).toEqual([])
    await subject.store.transition(key, ['executing'], 'failed')
    expect(await told()).toEqual(['1 failed'])
  })

  test('of 20 moves, begins, abandonments or archivings at the same time one is told', async () => {
    const id = newId()
    await together(subject, 20, (store) => store.begin(input({ id })))
    const { key } = moved(await subject.store.find(id))
    await together(subject, 20, (store) => store.transition(key, ['starting'], 'stopping', stop))
    await together(subject, 20, (store) => store.archive(key, 'node', unsigned))
    const next = await begun(subject.store, { id })
    await together(subject, 20, (store) => store.abandon(next.key))
    expect(await told()).toEqual(['1 starting', '1 stopping', '1 stopped', '2 starting', '2 withdrawn'])
  })

  /** What the use cases do with an id, in no order. */
  async function somethingWith(store: PoStore, id: AnalysisId, nth: number): Promise<unknown> {
    const present = await store.find(id)
    if (!present) {
      const result = await store.begin(input({ id }))
      return result.kind === 'unreleased' ? store.markRootRemoved(result.removal.key) : result
    }
    const { key, state } = present
    const steps = [
      () => store.transition(key, ['starting'], 'executing'),
      () => store.transition(key, ['executing'], 'restarting'),
      () => store.transition(key, ['restarting'], 'starting', { nextRun: true }),
      () => store.transition(key, ['starting', 'executing', 'restarting'], 'stopping', { removal: { archive: true } }),
      () => (state === 'stopping' ? store.archive(key, 'node', unsigned) : store.abandon(key)),
      () => (nth % 30 === 0 ? store.reset() : store.begin(input({ id }))),
    ]
    return steps[nth % steps.length]?.()
  }

  test('beside everything else none is told twice, none is missed, and the last one is how it is', async () => {
    const ids = Array.from({ length: 4 }, newId)
    for (let round = 0; round < 4; round += 1) {
      await together(subject, 60, (store, nth) => somethingWith(store, ids[nth % 4] ?? newId(), nth + round))
    }
    const changes = await toldChanges(subject.other, subject.now())
    for (const id of ids) {
      const own = changes.filter((change) => change.id === id)
      const runs = own.map(({ run }) => run)
      expect(new Set(own.map(short)).size).toBe(own.length)
      expect(runs).toEqual([...runs].sort((a, b) => a - b))
      const present = await subject.store.find(id)
      const last = own.at(-1)
      if (present) expect([last?.run, last?.to]).toEqual([present.run, present.state])
      else expect(['stopped', 'withdrawn']).toContain(last?.to)
    }
  })
}
