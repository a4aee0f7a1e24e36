/**
 * How much memory one caller, or one image, can make the functions of digital twins use: by pages of any size, runs with any
 * number of outputs, outputs that grow when they are parsed as JSON. Rows written by SQL are those of an older version.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { ServiceId } from '../../../shared/dt/model.ts'
import { runToken } from '../../../shared/platform/service-token.ts'
import { routes } from '../../../shared/routes/index.ts'
import { createClient } from '../load.ts'
import type { BenchNode } from '../node.ts'
import type { BenchRow } from '../row.ts'
import { each, outcomeOf } from './connections.ts'
import { underAttack, type Victim } from './victim.ts'

export const TOKEN_KEY = randomBytes(32).toString('base64url')

const FILES = 150_000
const SERVICES = 50_000
const TALKATIVE = 200
const DESCRIPTION_BYTES = 900 * 1024
const PARTS = 20_000
/** The limit of a path is 4,096 bytes. */
const FOLDERS = `${'d'.repeat(200)}/`.repeat(16)
const MANIFEST_FILES = 18_000
const RUNS = 5000
const TAIL_BYTES = 16 * 1024
const JSON_BYTES = 4 * 1024 * 1024

const newId = (): ServiceId => randomBytes(12).toString('hex') as ServiceId
/** The path of run 0 of firing 0 of a service that `addServices` created. */
const tokenOf = (id: ServiceId) => {
  const grant = { serviceId: id, uid: `uid-${id}`, step: 'replication', firing: 0, index: 0, retries: 0 } as const
  return { authorization: `Bearer ${runToken([TOKEN_KEY], grant)}` }
}
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const SPEC = {
  image: 'ghcr.io/hospital/des:1',
  description: 'a queueing model',
  jobType: 'ondemand',
  displayName: null,
  port: null,
  schedule: null,
  mountFiles: null,
  reps: 1,
  env: {},
  parallelism: null,
  retries: null,
  fanIn: null,
  historyLimit: null,
}

/** Running services, each with run 0 of firing 0. */
async function addServices({ database }: BenchNode, ids: readonly ServiceId[], spec: object = SPEC): Promise<void> {
  await database.transaction(async (tx) => {
    await tx`create temporary table wanted on commit drop as
      select id from json_to_recordset(${JSON.stringify(ids.map((id) => ({ id })))}::text::json) as given (id text)`
    await tx`
      insert into dt.service (id, uid, spec, job_type, phase, created_at, active)
      select id, 'uid-' || id, ${JSON.stringify(spec)}::text::json, 'ondemand', 'running', now(), 1 from wanted`
    await tx`
      insert into dt.run (service_id, firing, run_index, attempt, pod, phase, started_at)
      select id, 0, 0, 0, id || '-0-x2x9k', 'running', now() from wanted`
  })
}

/** Far above the numbers of real uploads. */
export const EMPTY_BODY = 1_000_000_000

async function addEmptyContent({ database }: BenchNode): Promise<void> {
  await database.query(
    (sql) => sql`
      insert into dt.content (body, sha256, md5, length, created_at)
      values (${EMPTY_BODY}, decode(${sha256('')}, 'hex'), decode('d41d8cd98f00b204e9800998ecf8427e', 'hex'), 0, now())
      on conflict do nothing`,
  )
}

const addFiles = ({ database }: BenchNode): Promise<unknown> =>
  database.query(
    (sql) => sql`
      insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
      select substr(md5(n::text), 1, 24), 'measurements-of-ward-' || n || '.csv', 'upload', ${EMPTY_BODY}, now(), now()
      from generate_series(1, ${FILES}) n`,
  )

const addParts = ({ database }: BenchNode, id: ServiceId): Promise<unknown> =>
  database.query(
    (sql) => sql`
      insert into dt.part (service_id, firing, run_index, attempt, path, body)
      select ${id}, 0, 0, 0, ${FOLDERS} || n, ${EMPTY_BODY} from generate_series(1, ${PARTS}) n`,
  )

const addRuns = ({ database }: BenchNode, id: ServiceId): Promise<unknown> =>
  database.query(
    (sql) => sql`
      insert into dt.run (service_id, firing, run_index, attempt, pod, phase, exit_code, started_at, ended_at, log_tail)
      select ${id}, n, 0, 0, ${id} || '-' || n, 'failed', 1, now(), now(), repeat('x', ${TAIL_BYTES})
      from generate_series(1, ${RUNS}) n`,
  )

async function listing(node: BenchNode): Promise<BenchRow[]> {
  const headers = await node.headers('hub-adapter')
  const get = (path: string) => (victim: Victim) => outcomeOf(victim.url, { method: 'GET', path, headers })
  await addFiles(node)
  const rows = [
    await underAttack(node, {
      name: `a page of all ${FILES.toLocaleString('en')} files`,
      route: routes.dt.fileList,
      run: async (victim) => {
        const endless = await get(`/files?limit=${Number.MAX_SAFE_INTEGER}`)(victim)
        if (endless.status >= 400) await get('/files?limit=1000')(victim)
      },
    }),
  ]
  const talkative = Array.from({ length: TALKATIVE }, newId)
  await addServices(node, talkative, { ...SPEC, description: 'x'.repeat(DESCRIPTION_BYTES) })
  const longest = `a page of ${TALKATIVE} services, each with a description of 0.9 MiB`
  const { serviceList: route } = routes.dt
  rows.push(await underAttack(node, { name: longest, route, run: get(`/service/?limit=${TALKATIVE}`) }))
  await node.database.query((sql) => sql`delete from dt.service where id in ${sql(talkative)}`)
  await addServices(node, Array.from({ length: SERVICES }, newId))
  const all = `a page of all ${SERVICES.toLocaleString('en')} services`
  rows.push(await underAttack(node, { name: all, route, run: get('/service/?limit=1000000') }))
  return rows
}

const RUN = 'firing=0&index=0&attempt=0'

/** @throws if the first output of a run is refused, since the attack would then do nothing */
async function begin({ url }: Victim, id: ServiceId): Promise<void> {
  const client = createClient(url)
  const path = `/run/${id}/outputs/first.txt?${RUN}`
  const { status, text } = await client.send({ method: 'PUT', path, headers: tokenOf(id), body: 'first' })
  client.close()
  if (status !== 200) throw new Error(`the first output of a run was answered with ${status} ${text}`)
}

async function leaving(node: BenchNode): Promise<BenchRow[]> {
  const [many, long] = [newId(), newId()]
  await addServices(node, [many, long])
  const route = routes.dt.runOutput
  const put = {
    name: `outputs of a run that has ${PARTS.toLocaleString('en')} with long paths`,
    route,
    run: async (victim: Victim) => {
      await begin(victim, many)
      await addParts(node, many)
      const path = (nth: number) => `/run/${many}/outputs/more/${nth}?${RUN}`
      const more = (nth: number) =>
        outcomeOf(victim.url, { method: 'PUT', path: path(nth), headers: tokenOf(many), body: 'x' })
      await each(12, 4, more)
      await outcomeOf(victim.url, { method: 'GET', path: `/run/${many}/outputs?${RUN}`, headers: tokenOf(many) })
    },
  }
  const files = Array.from({ length: MANIFEST_FILES }, (_, n) => ({
    path: `${FOLDERS}${n}`,
    sha256: sha256(''),
    length: 0,
  }))
  const body = JSON.stringify({ files })
  const headers = { ...tokenOf(long), 'content-type': 'application/json' }
  const say = {
    name: `a run that says of ${MANIFEST_FILES.toLocaleString('en')} outputs in ${Math.round(body.length / 1024 / 1024)} MiB`,
    route,
    run: async (victim: Victim) => {
      await begin(victim, long)
      await outcomeOf(victim.url, { method: 'POST', path: `/run/${long}/outputs?${RUN}`, headers, body })
    },
  }
  return [await underAttack(node, put), await underAttack(node, say)]
}

/** An output that a run has uploaded and completed. */
async function leaveJson(node: BenchNode, id: ServiceId, body: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const { url, stop } = await node.start(routes.dt.runOutput)
  stack.defer(stop)
  const client = createClient(url)
  stack.defer(() => client.close())
  const send = async (method: string, path: string, content: string) => {
    const { status, text } = await client.send({ method, path, headers: tokenOf(id), body: content })
    if (status !== 200) throw new Error(`an output was answered with ${status} ${text}`)
  }
  await send('PUT', `/run/${id}/outputs/hostile.json?${RUN}`, body)
  const file = { path: 'hostile.json', sha256: sha256(body), length: body.length }
  await send('POST', `/run/${id}/outputs?${RUN}`, JSON.stringify({ files: [file] }))
}

async function opening(node: BenchNode): Promise<BenchRow[]> {
  const headers = await node.headers('hub-adapter')
  const id = newId()
  await addServices(node, [id])
  await leaveJson(node, id, `[${'{},'.repeat((JSON_BYTES - 10) / 3)}{}]`)
  const path = `/service/${id}/output/0`
  const rows = [
    await underAttack(node, {
      name: 'an output of 4 MiB of small objects, 6 times, 3 at once',
      route: routes.dt.serviceOutput,
      run: async ({ url }) => {
        const outcomes = await each(6, 3, () => outcomeOf(url, { method: 'GET', path, headers }))
        if (!outcomes.some(({ status }) => status === 200)) throw new Error('the output was never answered')
      },
    }),
  ]
  await addRuns(node, id)
  rows.push(
    await underAttack(node, {
      name: `the ${RUNS.toLocaleString('en')} runs of a service, each with 16 KiB of log`,
      route: routes.dt.serviceRuns,
      run: ({ url }) => outcomeOf(url, { method: 'GET', path: `/service/${id}/runs`, headers }),
    }),
  )
  return rows
}

export async function attackDt(node: BenchNode): Promise<BenchRow[]> {
  await addEmptyContent(node)
  return [...(await leaving(node)), ...(await opening(node)), ...(await listing(node))]
}
