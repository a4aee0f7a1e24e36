/** What is cleared away of runs and uploads that did not come to an end, on a real database. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRuns } from '../../../shared/adapters/postgres/files/index.ts'
import { closeAbandoned } from '../../../shared/files/garbage.ts'
import { type Brought, complete, RUN, runCalls } from '../../functions/dt/run-calls.ts'
import { type FileWorld, startFileWorld } from '../../functions/dt/world.ts'

let world: FileWorld
beforeAll(async () => {
  world = await startFileWorld()
})
afterAll(() => world?.stop())

const MINUTE_MS = 60_000
const after = (minutes: number) => {
  const logged: string[] = []
  const deps = {
    runs: createRuns(world.database),
    now: () => new Date(Date.now() + minutes * MINUTE_MS),
    log: (_: string, event: string) => void logged.push(event),
  }
  return { closed: closeAbandoned(deps), logged }
}
const over = (id: string) =>
  world.database.query(
    (sql) => sql`
      insert into dt.run (service_id, firing, run_index, attempt, pod, phase, ended_at)
      values (${id}, 0, 0, 0, 'a-pod', 'failed', now())`,
  )
const orphanedBodies = async () => (await world.database.query((sql) => sql`select from dt.loose where doomed`)).length
const parts = async (id: string) =>
  (await world.database.query((sql) => sql`select from dt.part where service_id = ${id}`)).length

test('files of a run that ended without completing its set are collected after ten minutes', async () => {
  const [dead, alive] = [await world.service(), await world.service()]
  const { put } = runCalls(world)
  for (const id of [dead, alive]) await put(id, 'a', `of ${id}`)
  await over(dead)
  expect(await after(9).closed).toBe(0)
  const before = await orphanedBodies()
  expect(await after(11).closed).toBe(1)
  expect(await after(11).closed).toBe(0)
  expect([await parts(dead), await parts(alive)]).toEqual([0, 1])
  expect(await orphanedBodies()).toBe(before + 1)
  const [set] = await world.database.query(
    (sql) => sql`select state, reason from dt.output_set where service_id = ${dead}`,
  )
  expect(set).toEqual({ state: 'incomplete', reason: 'the run ended before all of them were stored' })
})

test('a set of 10,000 files is completed, and another given up, well within the time of a call', async () => {
  const { end, put, state } = runCalls(world)
  const filled = async (tag: string) => {
    const id = await world.service()
    await put(id, 'first', tag)
    await world.database.query(async (sql) => {
      await sql`
        insert into dt.content (body, sha256, md5, length, created_at)
        select -n - ${tag.length} * 100000, sha256((${tag}::text || n)::bytea), decode(md5(n::text), 'hex'), n, now()
        from generate_series(1, 9999) n`
      await sql`
        insert into dt.part (service_id, firing, run_index, attempt, path, body)
        select ${id}, 0, 0, 0, repeat('folder/', 50) || n, -n - ${tag.length} * 100000 from generate_series(1, 9999) n`
      await sql`update dt.output_set set files = 10000 where service_id = ${id}`
    })
    return id
  }
  const timed = async <T>(work: Promise<T>): Promise<[number, T]> => {
    const began = performance.now()
    const result = await work
    return [performance.now() - began, result]
  }
  const [kept, dropped] = [await filled('x'), await filled('yy')]
  // One more costs the same as the first did.
  const [ms] = await timed(put(kept, 'first', 'x'))
  expect(ms).toBeLessThan(500)
  const runs = createRuns(world.database)
  const files: Brought[] = []
  const key = { serviceId: kept as never, firing: 0, index: 0, attempt: 0 }
  for (let page = await runs.taken(key, { after: '', limit: 1000 }); page.length > 0; ) {
    files.push(...page)
    page = await runs.taken(key, { after: files.at(-1)?.path ?? '', limit: 1000 })
  }
  const [completed, response] = await timed(end(kept, complete(files)))
  expect(await response.json()).toMatchObject({ state: 'complete', count: 10_000 })
  const [abandoned] = await timed(end(dropped, { incomplete: 'why' }, RUN))
  expect(await state(dropped)).toMatchObject({ state: 'incomplete', count: 0 })
  expect(Math.max(completed, abandoned)).toBeLessThan(10_000)
}, 60_000)
