import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { createServer } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AnalysisId, RunNumber } from '../../shared/po/model.ts'
import { runName } from '../../shared/po/names.ts'
import { findSandboxImage, sandboxImages } from './images/catalogue.ts'
import { type Moments, merge, momentsOf, parseTable } from './images/mean.ts'
import { KONG_TOKEN, type Peers, startPeers } from './peers.ts'
import { type RunningProxy, startProxy } from './proxy.ts'
import { unsignedToken } from './token.ts'

const ID = '3f0c5a52-6a0e-4d3e-9a35-0c2d4b7c1f10' as AnalysisId
const PROJECT = '9a7c0c0e-2f6b-4b0d-8c55-4f3e2d1c0b9a'

interface Line {
  readonly log: string
  readonly log_type: string
  readonly status: string
  readonly progress: number
  readonly run: string | undefined
}

let peers: Peers
const lines: Line[] = []
const orchestrator = http.createServer(async (request, response) => {
  const body = (await json(request)) as Omit<Line, 'run'>
  lines.push({ ...body, run: request.headersDistinct['x-flame-run']?.[0] })
  response.end('null')
})
const portOf = (server: { address(): unknown }) => (server.address() as { port: number }).port

beforeAll(async () => {
  peers = await startPeers()
  orchestrator.listen(0, '127.0.0.1')
  await once(orchestrator, 'listening')
})
afterAll(async () => {
  orchestrator.close()
  await peers?.close()
})

const ended: (() => Promise<unknown>)[] = []
afterEach(async () => {
  lines.length = 0
  await Promise.all(ended.splice(0).map((end) => end()))
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

/** Exit code, or the signal that ended it. */
async function exitOf(child: ChildProcess): Promise<unknown> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode
}

/** A run as the sandbox makes it: the image's process behind a proxy of its own. */
async function start(image: string, { env = {}, run = 1, token = unsignedToken(ID) } = {}) {
  const { file, env: ownEnv } = findSandboxImage(image) ?? expect.fail(`no image ${image}`)
  const port = await freePort()
  const at = (upstream: number) => ({ host: '127.0.0.1', port: upstream })
  const proxy: RunningProxy = await startProxy({
    id: ID,
    run: run as RunNumber,
    projectId: PROJECT,
    upstreams: {
      broker: at(peers.ports.broker),
      storage: at(peers.ports.storage),
      adapter: at(peers.ports.adapter),
      kong: at(peers.ports.kong),
      orchestrator: at(portOf(orchestrator)),
      analysis: at(port),
    },
  })
  const child = spawn(process.execPath, [file], {
    env: {
      ...ownEnv,
      DELAY_MS: '50',
      KEYCLOAK_TOKEN: token,
      DATA_SOURCE_TOKEN: KONG_TOKEN,
      ANALYSIS_ID: ID,
      PROJECT_ID: PROJECT,
      DEPLOYMENT_NAME: runName(ID, run as RunNumber),
      FLAME_PROXY_URL: proxy.url,
      PORT: String(port),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  child.stdout.resume()
  ended.push(async () => {
    child.kill('SIGKILL')
    await exitOf(child)
    await proxy.close()
  })
  const poll = async () => {
    const answer = await fetch(`${proxy.url}/analysis/healthz`, { signal: AbortSignal.timeout(1000) })
    return answer.ok ? ((await answer.json()) as { status: string; token_remaining_time: number }) : answer.status
  }
  const says = (status: string) => expect.poll(poll, { timeout: 8000, interval: 30 }).toMatchObject({ status })
  const post = (path: string, body: unknown) =>
    fetch(`${proxy.url}/analysis/${path}`, { method: 'POST', body: JSON.stringify(body) })
  return { child, poll, says, post }
}

describe('mean', () => {
  test('computes what the file says, tells its progress, stores the result, and stays', async () => {
    const { says, child } = await start('registry.local:5000/sandbox/mean-fast:1')
    await says('executed')
    await expect.poll(() => lines.at(-1)).toMatchObject({ status: 'executed', progress: 100, log_type: 'info' })
    const progress = lines.map((line) => line.progress)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(new Set(progress).size).toBeGreaterThan(3)
    expect(lines[0]?.status).toBe('starting')
    expect(lines.every(({ run }) => run === runName(ID, 1 as RunNumber))).toBe(true)

    const [result] = peers.results(ID)
    expect(result).toMatchObject({ area: 'final', name: 'means.json' })
    const means = JSON.parse(String(result?.content)) as Record<string, { count: number; mean: number; sd: number }>
    const { columns, rows } = parseTable(readFileSync(new URL('data/patients.csv', import.meta.url), 'utf8'))
    const ages = rows.map((row) => Number(row[columns.indexOf('age')]))
    const mean = ages.reduce((sum, age) => sum + age) / ages.length
    const sd = Math.sqrt(ages.reduce((sum, age) => sum + (age - mean) ** 2, 0) / (ages.length - 1))
    expect(means['age']?.count).toBe(300)
    expect(means['age']?.mean).toBeCloseTo(mean, 9)
    expect(means['age']?.sd).toBeCloseTo(sd, 9)
    expect(Object.keys(means)).not.toContain('sex')

    expect(peers.subscriptions(ID)).toMatchObject([{ webhookUrl: expect.stringContaining('/analysis/webhook') }])
    child.kill('SIGTERM')
    expect(await exitOf(child)).toBe(0)
  })

  test('fails, and says why, when it may not read its data', async () => {
    const { says } = await start('sandbox/mean-fast:1', { env: { DATA_SOURCE_TOKEN: 'none_needed' } })
    await says('failed')
    await expect.poll(() => lines.at(-1)).toMatchObject({ log_type: 'error', log: expect.stringContaining('401') })
  })

  test('is stuck, and says why, when the broker does not know it', async () => {
    const { says } = await start('sandbox/mean-fast:1', { token: unsignedToken('someone-else') })
    await says('stuck')
    expect(lines.at(-1)).toMatchObject({ log_type: 'error', log: expect.stringContaining('403') })
  })

  test('shares merge to the moments of the whole', () => {
    const values = [3, -1, 4, 1, -5, 9, 2.5, 6]
    const whole = momentsOf(values)
    const parts: Moments[] = [values.slice(0, 1), [], values.slice(1, 5), values.slice(5)].map(momentsOf)
    const merged = parts.reduce(merge)
    expect(merged.count).toBe(8)
    expect(merged.mean).toBeCloseTo(whole.mean, 12)
    expect(merged.squares).toBeCloseTo(whole.squares, 10)
  })
})

describe('the API every analysis has', () => {
  test('a refreshed token is the one it goes on with', async () => {
    const { says, poll, post } = await start('sandbox/endless:1', { token: unsignedToken(ID, 60) })
    await says('executing')
    const left = async () => ((await poll()) as { token_remaining_time: number }).token_remaining_time
    expect(await left()).toBeLessThanOrEqual(60)
    expect((await post('token_refresh', { token: unsignedToken(ID, 3600) })).status).toBe(200)
    expect(await left()).toBeGreaterThan(3500)
    await post('token_refresh', { token: '' })
    await says('failed')
  })

  test('partners are heard, but not so soon after the start; null ends it', async () => {
    const { says, post } = await start('sandbox/endless:1')
    await says('executing')
    expect(await (await post('partner_status', { partner_status: { a: 'failed', b: null } })).json()).toEqual({
      status: 'executing',
    })
    await post('partner_status', { partner_status: null })
    await says('failed')
  })
})

describe('misbehaviour', () => {
  test.each([
    ['stuck', 'stuck'],
    ['fail', 'failed'],
    ['stopped', 'stopped'],
    ['slow-start', 'executed'],
    ['endless', 'executing'],
  ])('%s ends up as %s', async (kind, status) => {
    const { says, child } = await start(`sandbox/${kind}:1`)
    await says(status)
    expect(child.exitCode).toBeNull()
  })

  test.each([
    ['crash', 1],
    ['exit', 0],
  ])('%s: the process ends with %i, without executed', async (kind, code) => {
    const { child } = await start(`sandbox/${kind}:1`)
    expect(await exitOf(child)).toBe(code)
    expect(lines.map(({ status }) => status)).not.toContain('executed')
  })

  test('silent: the proxy cannot connect', async () => {
    const { poll, child } = await start('sandbox/silent:1')
    expect(await poll()).toBe(502)
    expect(child.exitCode).toBeNull()
  })

  test('hang: connects and never answers', async () => {
    const { poll } = await start('sandbox/hang:1')
    const outcome = () => poll().catch((error: unknown) => (error instanceof Error ? error.name : ''))
    await expect.poll(outcome, { timeout: 8000 }).toBe('TimeoutError')
  })

  test('flaky: stuck in its first run, executed in the next', async () => {
    await (await start('sandbox/flaky:1')).says('stuck')
    await (await start('sandbox/flaky:1', { run: 2 })).says('executed')
  })
})

test.each([
  ['sandbox/mean:1', true],
  ['harbor.example:443/project/sandbox/mean:1', true],
  ['sandbox/mean', false],
  ['notsandbox/mean:1', false],
  ['sandbox/toString:1', false],
  ['toString', false],
])('image %s is there: %s', (reference, there) => {
  expect(findSandboxImage(reference) !== undefined).toBe(there)
})

test('an image needs nothing beside its folder, so that it can be packed into a container', () => {
  for (const name of [
    'api.ts',
    'sdk.ts',
    ...new Set(Object.values(sandboxImages).map(({ file }) => file.split('/').at(-1) ?? '')),
  ]) {
    const source = readFileSync(new URL(`images/${name}`, import.meta.url), 'utf8')
    const imported = [...source.matchAll(/ from '([^']+)'/g)].map(([, specifier]) => specifier)
    expect(imported.filter((specifier) => !/^(node:.+|\.\/[a-z-]+\.ts)$/.test(specifier ?? ''))).toEqual([])
  }
})

test.each(['mean', 'stuck', 'silent', 'hang', 'endless'])('%s: ends at once on SIGTERM', async (name) => {
  const { child } = await start(`sandbox/${name}:1`)
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await exitOf(child)).toBe(0)
})
