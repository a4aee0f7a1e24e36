/**
 * How much memory one analysis, or one user with many, can make the functions of `/po` use: by lines, container logs, and the
 * archive of both. Rows written by SQL are those that an older version without limits accepted.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { AnalysisId } from '../../../shared/po/model.ts'
import { type Route, routes } from '../../../shared/routes/index.ts'
import { analysisId, seedAnalyses } from '../analyses.ts'
import { runsApart } from '../clusters.ts'
import type { BenchNode } from '../node.ts'
import type { BenchRow } from '../row.ts'
import { tick } from '../tick.ts'
import { answered, each, outcomeOf } from './connections.ts'
import { underAttack, type Victim } from './victim.ts'

const LINES = 150
const LINE_BYTES = 1020 * 1024
const LOG_BYTES = 10 * 1024 * 1024
const RUNS = 11
/** One character outside Latin-1 makes V8 store all characters of a string in two bytes. */
const WIDE = '\u2135'
const TICKS = 60
const TICK_MS = 500
const TALKERS = 20

async function fillLines({ database }: BenchNode, id: AnalysisId): Promise<void> {
  await database.query(
    (sql) => sql`
      insert into po.line (key, run, at, level, status, progress, message)
      select key, run, now(), 'info', 'executing', 1, repeat('x', ${LINE_BYTES}) from po.analysis, generate_series(1, ${LINES})
      where id = ${id}`,
  )
}

async function fillLogs({ database }: BenchNode, id: AnalysisId, runs: number): Promise<void> {
  await database.query(
    (sql) => sql`
      insert into po.run (key, run, started_at, ended_at)
      select key, n, now(), now() from po.analysis, generate_series(first_run, first_run + ${runs - 1}) n
      where id = ${id} on conflict do nothing`,
  )
  await database.query(
    (sql) => sql`
      insert into po.snapshot (key, run, kind, container, truncated, text)
      select key, run.run, kind, kind, false, repeat('x', ${LOG_BYTES - 3}) || ${WIDE}::text
      from po.analysis join po.run run using (key), unnest(array['analysis', 'nginx']) kind where id = ${id}`,
  )
}

/** @param state the recorded outcome; only the removal of objects is left */
async function end({ database }: BenchNode, id: AnalysisId, state: 'executed' | 'stopped'): Promise<void> {
  await database.query(
    (sql) => sql`
      update po.analysis set state = ${state}, since = now(), claimed_until = null, run = first_run + ${RUNS - 1}
      where id = ${id}`,
  )
  if (state === 'executed')
    await database.query(
      (sql) => sql`
        insert into po.removal (key, id, first_run, last_run, archive, making_until, hold_until, due_at)
        select key, id, first_run, run, true, now(), now(), now() from po.analysis where id = ${id}`,
    )
}

type Fill = (node: BenchNode, id: AnalysisId) => Promise<void>
const LOAD: readonly (readonly [what: string, fill: Fill])[] = [
  [`${LINES} lines of 1 MiB`, fillLines],
  [`2 × ${RUNS} container logs of 10 MiB`, (node, id) => fillLogs(node, id, RUNS)],
]

async function ended(node: BenchNode, fill: Fill, state: 'executed' | 'stopped'): Promise<AnalysisId> {
  const [id = '' as AnalysisId] = await seedAnalyses(node.store, 1)
  await fill(node, id)
  await end(node, id, state)
  return id
}

const isArchived = async ({ database }: BenchNode, id: AnalysisId): Promise<boolean> => {
  const rows = await database.query((sql) => sql`select 1 from po.archive where id = ${id}`)
  return rows.length > 0
}

/** Ticks until it is archived. @throws if it never is */
async function sweep(node: BenchNode, { url }: Victim, id: AnalysisId): Promise<void> {
  for (let nth = 0; nth < TICKS; nth += 1) {
    await outcomeOf(url, tick())
    if (await isArchived(node, id)) return
    await delay(TICK_MS)
  }
  throw new Error('it was never archived')
}

async function archiving(node: BenchNode): Promise<BenchRow[]> {
  const headers = await node.headers('hub-adapter')
  const of = (id: string) => (path: string) => path.replace('{id}', id)
  const rows: BenchRow[] = []
  for (const [what, fill] of LOAD) {
    const row = async (name: string, route: Route, run: (victim: Victim) => Promise<unknown>) =>
      rows.push(await underAttack(node, { name: `${name} ${what}`, route, run }))

    const swept = await ended(node, fill, 'executed')
    await row('archives', routes.po.statusReconcile, (victim) => sweep(node, victim, swept))
    const path = of(swept)
    await row('answers', routes.po.history, ({ url }) =>
      answered(url, { method: 'GET', path: path('/po/history/{id}'), headers }),
    )
    const stopped = await ended(node, fill, 'stopped')
    await row('answers, not archived yet,', routes.po.history, ({ url }) =>
      answered(url, { method: 'GET', path: of(stopped)('/po/history/{id}'), headers }),
    )
    await row('archives', routes.po.delete, ({ url }) =>
      answered(url, { method: 'DELETE', path: of(stopped)('/po/delete/{id}'), headers }),
    )
    const again = await ended(node, fill, 'stopped')
    await row('archives', routes.po.create, ({ url }) =>
      answered(url, { method: 'POST', path: '/po/', headers, body: JSON.stringify(creation(again)) }),
    )
  }
  rows.push(
    await underAttack(node, {
      name: 'answers all of that at once',
      route: routes.po.history,
      run: ({ url }) => answered(url, { method: 'GET', path: '/po/history', headers }),
    }),
  )
  return rows
}

const creation = (analysis_id: string) => ({
  analysis_id,
  project_id: randomUUID(),
  registry_url: 'registry.local',
  registry_user: 'robot',
  registry_password: 'x',
  image_url: 'registry.local/project/image:1',
  kong_token: 'none_needed',
})

async function taking(node: BenchNode): Promise<BenchRow> {
  const [id = '' as AnalysisId] = await seedAnalyses(node.store, 1)
  const headers = await node.headers(id)
  const line = { log: 'x'.repeat(LINE_BYTES), log_type: 'info', analysis_id: id, status: 'executing', progress: 1 }
  const body = JSON.stringify(line)
  const ask = { method: 'POST', path: '/po/stream_logs', headers, body }
  return underAttack(node, {
    name: `takes ${LINES} lines of 1 MiB, 16 at a time`,
    route: routes.po.streamLogs,
    run: ({ url }) => each(LINES, 16, () => outcomeOf(url, ask)),
  })
}

/** Live analyses each of whose two containers has written 10 MiB. */
async function reading(node: BenchNode): Promise<BenchRow[]> {
  const runs = runsApart(TALKERS, LOG_BYTES)
  const cluster = await runs.start({ folder: node.folder, peerPort: 0 })
  try {
    await seedAnalyses(node.store, TALKERS, analysisId)
    const headers = await node.headers('hub-adapter')
    const name = `${TALKERS} analyses with 2 logs of 10 MiB`
    const ask = (method: string, path: string) => (victim: Victim) => answered(victim.url, { method, path, headers })
    const env = cluster.env
    const read = { name: `answers ${name}`, route: routes.po.logs, env, run: ask('GET', '/po/logs') }
    const stop = { name: `keeps those of ${name}`, route: routes.po.stop, env, run: ask('PUT', '/po/stop') }
    return [await underAttack(node, read), await underAttack(node, stop)]
  } finally {
    await cluster.stop()
  }
}

export const attackAnalyses = async (node: BenchNode): Promise<BenchRow[]> => [
  await taking(node),
  ...(await archiving(node)),
  ...(await reading(node)),
]
