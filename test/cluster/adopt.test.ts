/** Adopts a pod of the Python service with a real analysis: the same process continues and is polled through our proxy. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type Database } from '../../shared/adapters/postgres/po/index.ts'
import { adoptCommand } from '../../shared/commands/adopt.ts'
import type { AnalysisId } from '../../shared/po/model.ts'
import { loadConfig } from '../../shared/settings/config.ts'
import { wireAdopt } from '../../shared/wire/adopt.ts'
import { type FormerDeployment, type FormerObject, formerObjects, sharedPullSecret } from '../predecessor/objects.ts'
import { createFormerTables, formerRow, insertFormer } from '../predecessor/tables.ts'
import { type ApiObject, eventually } from './api.ts'
import { clusterEnvironment } from './environment.ts'
import { loadPrograms } from './images.ts'
import { startWorld, timed, type World } from './world.ts'

const LINES = 300
const RUN = 3
const id = randomUUID() as AnalysisId
const name = `analysis-${id}-${RUN}`
const environment = clusterEnvironment()

let world: World
let database: Database
let env: Record<string, string>

interface Running extends ApiObject {
  readonly status: {
    readonly podIP?: string
    readonly containerStatuses?: readonly { readonly restartCount: number }[]
  }
}
const podOf = async (app: string) => (await world.api.list<Running>('Pod', `app=${app}`))[0]
const whoIs = (pod: Running | undefined) => ({
  uid: pod?.metadata.uid,
  restarts: pod?.status.containerStatuses?.map(({ restartCount }) => restartCount),
})
const stateOf = async () =>
  (await world.call<Record<string, { status: string; progress: number }>>('GET', `/po/status/${id}`))[id]

/** The proxies of the Python service listen on port 80 as root; this image has another user and no entry point. */
const COMMAND = ['nginx', '-c', '/etc/nginx/nginx.conf', '-g', 'daemon off;']
const UNPRIVILEGED = { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] }

function withCommand(object: FormerObject): FormerObject {
  if (object.kind !== 'Deployment' || !object.metadata.name.startsWith('nginx-')) return object
  const spec = object['spec'] as { template: { spec: { containers: object[] } } }
  const containers = spec.template.spec.containers.map((container) => ({ ...container, command: COMMAND }))
  const template = { ...spec.template, spec: { ...spec.template.spec, containers, securityContext: UNPRIVILEGED } }
  return { ...object, spec: { ...spec, template } }
}

/** In the order of the Python service: the analysis first, then its proxy, which needs its address. */
async function deployFormer(former: Omit<FormerDeployment, 'addresses'>): Promise<void> {
  const addresses = { analysis: '127.0.0.1', broker: '127.0.0.1', orchestrator: '127.0.0.1' }
  const create = (objects: readonly FormerObject[]) =>
    Promise.all(objects.map((object) => world.api.create(withCommand(object) as ApiObject)))
  await create([sharedPullSecret()])
  await create(formerObjects({ ...former, addresses }).slice(0, 2))
  const analysis = await eventually('it has an address', async () => (await podOf(name))?.status.podIP)
  await create(formerObjects({ ...former, addresses: { ...addresses, analysis } }).slice(2))
}

async function adopt(...args: string[]): Promise<{ code: number; text: string }> {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const code = await adoptCommand(args, {
    print: say,
    complain: say,
    wire: (log, former) => wireAdopt(env, log, former),
  })
  return { code, text: said.join('\n') }
}

beforeAll(async () => {
  world = await startWorld([])
  env = { ...world.sandbox.env, KUBECONFIG: environment.kubeconfig } as Record<string, string>
  database = connect(loadConfig(['database'], env))
  await createFormerTables(database)
  const { chatty } = await loadPrograms(environment, {
    chatty: { entry: 'test/cluster/pods/chatty.ts', env: { LINES: String(LINES) } },
  })
  const { ports, close } = wireAdopt(env, () => {})
  const token = await ports.identity.issueToken(id)
  await close()
  await insertFormer(database, formerRow(id, RUN, { namespace: world.api.namespace, image_url: chatty }))
  await deployFormer({
    name,
    analysisId: id,
    projectId: randomUUID(),
    image: chatty,
    kongToken: 'kong-secret-token',
    keycloakToken: token.value,
    proxyImage: world.images.nginx,
  })
})
afterAll(async () => {
  await database?.end()
  await timed('everything stopped', async () => world?.stop())
})

describe('an analysis of the Python service', () => {
  let before: ReturnType<typeof whoIs>

  test('works, behind a proxy that lets only its former orchestrator in', async () => {
    await timed('it works', () =>
      eventually('it writes lines', async () => {
        const text = await world.api.log((await podOf(name))?.metadata.name ?? '')
        return text.includes('line 5 of')
      }),
    )
    before = whoIs(await podOf(name))
    expect(before.restarts).toEqual([0])
    expect(await stateOf()).toBeUndefined()
  })

  test('is found by a dry run, which changes nothing', async () => {
    const { text } = await adopt()
    expect(text).toMatch(new RegExp(`${id}\\s+${RUN}\\s+executing\\s+Deployment, 1 pod\\s+adopt\\s+it runs`))
    expect(text).toContain('Nothing was changed.')
    // The pod in place of the orchestrator has no label of ours.
    expect(text).toContain('The Python service runs still')
    expect(await stateOf()).toBeUndefined()
  })

  test('is not touched while the Python service seems to run', async () => {
    expect((await adopt('--apply')).code).toBe(2)
    expect(await stateOf()).toBeUndefined()
  })

  test('continues here with the same pod and another proxy', async () => {
    const proxy = whoIs(await podOf(`nginx-${name}`))
    const { code, text } = await timed('adopt', () => adopt('--apply', '--force'))
    console.log(text.split('\n').at(-1))
    expect(code, text).toBe(0)
    expect(whoIs(await podOf(name))).toEqual(before)
    await eventually('only the new proxy is left', async () => {
      const pods = await world.api.list('Pod', `app=nginx-${name}`)
      return pods.length === 1 && pods[0]?.metadata.uid !== proxy.uid
    })
    expect(await stateOf()).toMatchObject({ status: 'executing' })
  })

  test('is adopted once: a second run does nothing', async () => {
    const { code, text } = await adopt('--apply', '--force')
    expect(code, text).toBe(0)
    expect(text).toMatch(/0 adopt, 0 finish, 1 skip, 0 refuse/)
    expect(whoIs(await podOf(name))).toEqual(before)
  })

  test('ends executed, archived and with its client gone, by the loop alone', async () => {
    await timed('executed', () =>
      eventually('it has left the status list', async () => (await stateOf()) === undefined, 110_000),
    )
    const ended = await timed('the Hub knows', () =>
      eventually('the Hub knows', async () => {
        const last = world.sandbox.hub.told(id).statuses.at(-1)
        return last?.status === 'executed' && last
      }),
    )
    expect(ended.progress).toBe(100)
    const { analysis } = await world.call<{ analysis: Record<string, string[]> }>('GET', `/po/history/${id}`)
    expect(analysis[id]?.join('')).toContain(`line ${LINES} of ${LINES}`)
    await timed('client gone', () => eventually('no client', async () => !(await world.hasClient(id))))
    await eventually('nothing is left', async () => (await world.api.list('Pod', `app=${name}`)).length === 0)
  })
})
