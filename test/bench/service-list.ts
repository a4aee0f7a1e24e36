/**
 * `GET /service/?limit=1000`, all of 1,000 services with their inputs and two outputs each, 100 times a second from one
 * `dt-service-list` process, by the open loop, while one of them changes each second. The process has no access to Kubernetes.
 */
import { randomBytes } from 'node:crypto'
import type { Db } from '../../shared/adapters/postgres/rows.ts'
import type { ServiceId } from '../../shared/dt/model.ts'
import { routes } from '../../shared/routes/index.ts'
import { openLoop } from './load.ts'
import { type BenchNode, startNode } from './node.ts'
import { atMost, type BenchRow, percentile, shown } from './row.ts'

const SERVICES = 1000
const PER_SECOND = 100
const SECONDS = 20
const WARM_UP_SECONDS = 5
const BUDGET_MS = 50
const CHANGE_MS = 1000

/** Ended services, in the database only. */
export async function seedServices({ database }: Pick<BenchNode, 'database'>): Promise<void> {
  const ids = Array.from({ length: SERVICES }, () => randomBytes(12).toString('hex') as ServiceId)
  const spec = {
    image: 'ghcr.io/hospital/des:1',
    description: 'a queueing model',
    jobType: 'ondemand',
    reps: 2,
    env: {},
  }
  const nulls = ['displayName', 'port', 'schedule', 'mountFiles', 'parallelism', 'retries', 'fanIn', 'historyLimit']
  const json = JSON.stringify({ ...spec, ...Object.fromEntries(nulls.map((field) => [field, null])) })
  await database.transaction(async (tx) => {
    await tx`
      insert into dt.content (body, sha256, md5, length, created_at)
      values (1, ${randomBytes(32)}, ${randomBytes(16)}, 1, now())`
    await tx`create temporary table wanted on commit drop as
      select id from json_to_recordset(${JSON.stringify(ids.map((id) => ({ id })))}::text::json) as given (id text)`
    await tx`
      insert into dt.service (id, spec, job_type, phase, created_at, ended_at, succeeded)
      select id, ${json}::text::json, 'ondemand', 'succeeded', now(), now(), 2 from wanted`
    await tx`
      insert into dt.mount (service_id, name, file_id, follows, body) select id, 'input.xlsx', id, false, 1 from wanted`
    await tx`
      insert into dt.output_set (service_id, firing, run_index, attempt, state, begun_at, ended_at)
      select id, 0, run, 0, 'complete', now(), now() from wanted cross join generate_series(0, 1) run`
    await tx`
      insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
      select substr(md5(id || run), 1, 24), 'out.json', 'output', 1, now(), now()
      from wanted cross join generate_series(0, 1) run`
    await tx`
      insert into dt.output (service_id, seq, firing, run_index, attempt, path, file_id)
      select id, run, 0, run, 0, 'out.json', substr(md5(id || run), 1, 24)
      from wanted cross join generate_series(0, 1) run`
  })
  await database.query((sql) => sql`analyze`)
}

const change = (sql: Db) =>
  sql`update dt.service set reason = now()::text where id = (select id from dt.service order by random() limit 1)`

export async function benchServiceList(): Promise<BenchRow[]> {
  await using node = await startNode({ routes: [routes.dt.serviceList], env: { DT_AUTH: 'none' } })
  await seedServices(node)
  const client = node.client(routes.dt.serviceList)
  const list = () => client.send({ method: 'GET', path: `/service/?limit=${SERVICES}`, headers: {} })
  const { text } = await list()
  const rows = JSON.parse(text) as { output_files: object }[]
  const complete = rows.filter(({ output_files }) => Object.keys(output_files).length === 2).length
  if (complete !== SERVICES) throw new Error(`the list shows ${complete} services of ${SERVICES} with their outputs`)
  await openLoop(PER_SECOND, WARM_UP_SECONDS, list)
  const changing = setInterval(() => void node.database.query(change), CHANGE_MS)
  const { latencies, errors, firstError } = await openLoop(PER_SECOND, SECONDS, list)
  clearInterval(changing)
  if (firstError) console.error(`service list: ${firstError}`)
  const name = `list of ${SERVICES.toLocaleString('en')} services at ${PER_SECOND}/s`
  return [
    shown(`${name}, median`, percentile(latencies, 0.5), 'ms'),
    atMost(`${name}, p99`, percentile(latencies, 0.99), 'ms', BUDGET_MS),
    atMost(`${name}, errors`, errors, '', 0),
  ]
}
