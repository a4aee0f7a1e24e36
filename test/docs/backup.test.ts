/**
 * "Back up, restore" of the operator's page, with the commands that stand there: once the database alone is lost, once
 * everything is. On a real PostgreSQL of the same major version as the pg_dump that is installed, and a real kubectl.
 */
import { execFile, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { createBody } from '../sandbox/examples.ts'
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts'

const ROOT = new URL('../../', import.meta.url)
const NAMESPACE = 'flame'
const INTERVAL_SECONDS = 1
const PROGRAMS = ['pg_dump', 'pg_restore', 'initdb', 'postgres']

/** Folder of the newest PostgreSQL of the system that has all of them. */
const POSTGRES = globSync('/usr/lib/postgresql/*')
  .toSorted((a, b) => Number(b.split('/').at(-1)) - Number(a.split('/').at(-1)))
  .find((folder) => PROGRAMS.every((program) => existsSync(join(folder, 'bin', program))))
const HAS_KUBECTL = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0
const MISSING = [
  ...(POSTGRES ? [] : ['PostgreSQL with pg_dump (Debian: postgresql)']),
  ...(HAS_KUBECTL ? [] : ['kubectl']),
]
if (MISSING.length > 0) {
  const message = `backup and restore are not tried: there is no ${MISSING.join(' and no ')}`
  if (process.env['CI']) throw new Error(message)
  process.stderr.write(`SKIPPED: ${message}\n`)
}

/** The four blocks of commands of the section, as they stand there. */
const section = readFileSync(new URL('docs/operating.md', ROOT), 'utf8')
  .split(/^## /m)
  .find((one) => one.startsWith('Back up, restore'))
const [backUp = '', stop = '', restoreDatabase = '', restoreResources = '', ...others] = [
  ...(section ?? '').matchAll(/```sh\n([\s\S]*?)```/g),
].map(([, block = '']) => block.replaceAll('NAMESPACE', NAMESPACE))

test('the section has the four blocks that are tried here', () => {
  expect(others).toEqual([])
  expect([backUp, stop, restoreDatabase, restoreResources].map((block) => block.trim().split(/\s+/)[0])).toEqual([
    'pg_dump',
    'kubectl',
    'pg_restore',
    'sed',
  ])
})

test('what is stopped first is all that is deployed and brings requests: gateways, and sources of events', () => {
  const paths = ['knative/config/base/**/*.yaml', 'knative/config/components/{dt,pod-hints}/**/*.yaml']
  const objects = paths
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT.pathname }))
    .flatMap((path) => parseAllDocuments(readFileSync(new URL(path, ROOT), 'utf8')))
    .map((document) => document.toJS() as { kind?: string; metadata?: Record<string, never> } | null)
  const of = (...kinds: string[]) => objects.flatMap((one) => (one?.kind && kinds.includes(one.kind) ? [one] : []))
  const scaled = [...stop.matchAll(/^\s*kubectl scale deployment -n flame (\S+) --replicas 0/gm)].map(
    ([, name]) => name,
  )
  expect(scaled.toSorted()).toEqual([...new Set(of('Deployment').map(({ metadata }) => metadata?.['name']))].toSorted())
  const [, kinds, key = '', value] = /kubectl delete (\S+) -n flame -l (\S+?)=(\S+)/.exec(stop) ?? []
  expect(kinds).toBe('pingsource,apiserversource')
  const sources = of('PingSource', 'ApiServerSource', 'SinkBinding', 'ContainerSource')
  expect(sources.length).toBeGreaterThan(2)
  for (const { kind, metadata } of sources) {
    expect(kinds?.split(',')).toContain(kind?.toLowerCase())
    expect(metadata?.['labels']?.[key]).toBe(value)
  }
})

describe.skipIf(MISSING.length > 0)('what was backed up while all of it ran', { timeout: 180_000 }, () => {
  const tokenKey = randomBytes(32).toString('hex')
  const file = randomBytes(3 * 1024 * 1024 + 17)
  const [finished, stopped, live] = ['sandbox/mean:1', 'sandbox/endless:1', 'sandbox/endless:1'].map((image) =>
    createBody(image),
  )
  const ids = { finished: idOf(finished), stopped: idOf(stopped), live: idOf(live) }
  let folder: string
  let sandbox: Sandbox
  let before: Awaited<ReturnType<typeof everything>>
  const services = { ended: '', running: '', serving: '' }
  let fileId = ''

  const start = async () => {
    sandbox = await startSandbox({
      folder: await mkdtemp(join(folder, 'node-')),
      intervalSeconds: INTERVAL_SECONDS,
      ticking: false,
      dt: true,
      ...(POSTGRES ? { postgresBinaries: POSTGRES } : {}),
      env: { DT_TOKEN_KEY: tokenKey, STARTUP_BUDGET: '10', SILENCE_BUDGET: '10' },
    })
  }

  /** As an operator types it. */
  const type = (commands: string) => {
    const { host, port, user, password, database } = sandbox.postgres
    const login = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database }
    const path = `${join(POSTGRES ?? '', 'bin')}:${process.env['PATH']}`
    const env = { ...login, PATH: path, KUBECONFIG: sandbox.kubeconfig, HOME: folder }
    return promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], { cwd: folder, env })
  }

  const call = async (method: string, path: string, body?: object | FormData): Promise<Response> => {
    const form = body instanceof FormData
    const headers = {
      authorization: `Bearer ${await sandbox.token()}`,
      ...(form ? {} : { 'content-type': 'application/json' }),
    }
    const content = body === undefined ? {} : { body: form ? body : JSON.stringify(body) }
    return fetch(`${sandbox.gateway.url}${path}`, { method, headers, ...content })
  }
  const read = async (path: string): Promise<never> => (await call('GET', path)).json() as Promise<never>
  const dt = '/api/orchestrator/v1alpha1'
  const bytes = async (path: string): Promise<string> => {
    const answer = await call('GET', path)
    expect(answer.status).toBe(200)
    return createHash('sha256')
      .update(new Uint8Array(await answer.arrayBuffer()))
      .digest('hex')
  }

  const tick = () => Promise.all([sandbox.ticker.tick(), sandbox.dt?.ticker.tick()])
  /** Ticks until this holds. */
  const until = (see: () => Promise<unknown>, expected: unknown) =>
    vi.waitFor(
      async () => {
        await tick()
        expect(await see()).toEqual(expected)
      },
      { timeout: 90_000, interval: 500 },
    )
  const statusOf = async (id: string) => (await read(`/po/status/${id}`))[id]?.['status'] ?? 'gone'
  const phaseOf = async (id: string) => (await read(`${dt}/service/${id}/status`))['phase']
  const launch = async (body: object): Promise<string> => {
    const common = { version: '1', description: 'of the backup' }
    const answer = await call('POST', `${dt}/service/launch`, { ...common, ...body })
    const { id } = (await answer.json()) as { id: string }
    return id
  }

  /** All that is not to change. */
  const everything = async () => ({
    history: await read(`/po/history/${ids.finished}`),
    stopped: await read(`/po/status/${ids.stopped}`),
    ended: await phaseOf(services.ended),
    output: await bytes(`${dt}/service/${services.ended}/output/0`),
    file: await bytes(`${dt}/files/${fileId}`),
  })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backup-'))
    await start()
    for (const body of [finished, stopped, live]) expect((await call('POST', '/po/', body)).status).toBe(200)
    const form = new FormData()
    form.set('file', new Blob([file]), 'measurements.bin')
    fileId = ((await (await call('POST', `${dt}/files/upload`, form)).json()) as { file_id: string }).file_id
    const ana = { job_type: 'ondemand', reps: 1 }
    const shell = { image: 'sandbox/shell', ana }
    services.ended = await launch({ ...shell, env: { SCRIPT: 'echo a result > "$AT"', AT: '/output/result.txt' } })
    services.running = await launch({ ...shell, env: { SCRIPT: 'exec sleep 600' } })
    services.serving = await launch({ image: 'sandbox/server', ana: { job_type: 'persistent' } })
    await until(() => statusOf(ids.stopped), 'executing')
    await call('PUT', `/po/stop/${ids.stopped}`)
    await until(async () => (await read(`/po/history/${ids.finished}`))['analysis']?.[ids.finished]?.['length'], 1)
    await until(() => statusOf(ids.stopped), 'stopped')
    await until(() => statusOf(ids.live), 'executing')
    await until(() => Promise.all(Object.values(services).map(phaseOf)), ['succeeded', 'running', 'serving'])
    before = await everything()
    await type(backUp)
  }, 180_000)

  afterAll(async () => {
    await sandbox?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('is there again when the database was lost: what had ended is as it was, and what lived goes on', async () => {
    const later = await launch({ image: 'sandbox/server', ana: { job_type: 'persistent' } })
    await until(() => phaseOf(later), 'serving')
    const pods = await read(`/po/pods/${ids.live}`)
    await type(`psql --quiet --command 'drop schema po cascade' --command 'drop schema dt cascade'`)
    await type(restoreDatabase)
    expect(await everything()).toEqual(before)
    for (let slot = 0; slot < 4; slot += 1) {
      await tick()
      await delay(INTERVAL_SECONDS * 1000)
    }
    expect(await statusOf(ids.live)).toBe('executing')
    expect(await read(`/po/pods/${ids.live}`)).toEqual(pods)
    expect(await Promise.all(Object.values(services).map(phaseOf))).toEqual(['succeeded', 'running', 'serving'])
    await until(() => phaseOf(later), 'serving')
    expect(await everything()).toEqual(before)
  })

  test('is there again when everything was lost: what lived ends with its cause, or begins again', async () => {
    await sandbox.stop()
    await start()
    await type(restoreDatabase)
    // The sandbox has no schemas for kubectl to check with.
    await type(restoreResources.replace('kubectl create', 'kubectl create --validate=false'))
    expect(await everything()).toEqual(before)
    await until(() => statusOf(ids.live), 'failed')
    const { stdout } = await type(
      `psql --tuples-only --command "select cause from po.analysis where id = '${ids.live}'"`,
    )
    expect(stdout.trim()).toBe('its root object was deleted')
    await until(async () => sandbox.hub.told(ids.live).statuses.at(-1)?.status, 'failed')
    await until(() => Promise.all(Object.values(services).map(phaseOf)), ['succeeded', 'running', 'serving'])
    expect(await everything()).toEqual(before)
    expect((await call('DELETE', `/po/delete/${ids.live}`)).status).toBe(200)
    expect((await call('POST', '/po/', live)).status).toBe(200)
    await until(() => statusOf(ids.live), 'executing')
  })
})

function idOf(body: { analysis_id: string } | undefined): string {
  return body?.analysis_id ?? ''
}
