import { expect, test } from 'vitest'
import type { AnalysisId } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import {
  append,
  begun,
  ended,
  executing,
  input,
  line,
  newId,
  note,
  type Subject,
  toldChanges,
  unsigned,
} from './subject.ts'
import { short, stop } from './telling.ts'

/** Contents of changes. */
export function describing(subject: Subject): void {
  const told = async () => (await toldChanges(subject.other, subject.now())).map(short)

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

  /** create, restart, stop, create again, delete, and other histories of an id. */
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
}
