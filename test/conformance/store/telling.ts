import { expect, test } from 'vitest'
import type { Analysis, AnalysisChange, RunNumber } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import {
  append,
  begun,
  executing,
  input,
  line,
  noReports,
  note,
  type Subject,
  toldChanges,
  unsigned,
} from './subject.ts'

export const short = ({ run, to }: AnalysisChange): string => `${run} ${to}`

export const stop = { removal: { archive: false } } as const

/** Histories of an executing analysis, and its changes after `1 starting` and `1 executing`. */
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
  ['a poll', (store, { key, run }) => store.recordPoll(key, run, 'silent', new Date()), []],
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

/** Changes: each transition is recorded once, in order. */
export function telling(subject: Subject): void {
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
}
