/**
 * End-to-end runs on the sandbox: real functions as processes, real PostgreSQL, real analysis processes behind egress proxies,
 * ticks as a PingSource sends them. All requests use HTTP, like those of clients.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, createPoStore } from '../../shared/adapters/postgres/po/index.ts'
import { verifyArchive } from '../../shared/adapters/signing.ts'
import type { AnalysisId } from '../../shared/po/model.ts'
import { createBody } from './examples.ts'
import { databaseSettings } from './postgres.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

const KEY_PASSPHRASE = 'a passphrase of the node key'
const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: KEY_PASSPHRASE },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

let sandbox: Sandbox
let folder: string
let token: string
/** All output of functions. */
const printed: string[] = []
/** All secrets in use. */
const secrets = new Set<string>([KEY_PASSPHRASE])

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'po-life-'))
  const keyFile = join(folder, 'node.pem')
  await writeFile(keyFile, privateKey)
  sandbox = await startSandbox({
    folder,
    intervalSeconds: 1,
    env: { NODE_KEY: keyFile, NODE_KEY_PW: KEY_PASSPHRASE, LOG_LEVEL: 'trace', RESTART_MAX: '2' },
    onLine: (_, line) => printed.push(line),
  })
  token = await sandbox.token()
  secrets.add(token)
  secrets.add(sandbox.postgres.password)
  secrets.add(sandbox.hub.clientSecret)
  secrets.add(sandbox.keycloak.secretOf('service1'))
}, 120_000)

afterAll(async () => {
  await sandbox?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: never }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await fetch(`${sandbox.gateway.url}${path}`, { method, headers, ...sent })
  return { status: answer.status, body: (await answer.json()) as never }
}

function bodyOf(image: string) {
  const body = { ...createBody(image), registry_password: `pw-${randomUUID()}` }
  secrets.add(body.registry_password)
  secrets.add(body.kong_token)
  return body
}

type Seen = { readonly status: string; readonly progress: number } | undefined

/** Polls the status until `until` returns true. @returns all statuses on the way */
async function watch(id: string, until: (seen: Seen) => boolean, limitMs = 100_000): Promise<Seen[]> {
  const all: Seen[] = []
  const end = Date.now() + limitMs
  while (Date.now() < end) {
    const { body } = await call('GET', `/po/status/${id}`)
    const seen = body[id] as Seen
    if (JSON.stringify(seen) !== JSON.stringify(all.at(-1))) all.push(seen)
    if (until(seen)) return all
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`not in time; seen: ${JSON.stringify(all)}`)
}

/** The last reports at the Hub, once `status` is among them. */
async function told(id: string, status: string): Promise<string[]> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const statuses = sandbox.hub.told(id).statuses.map((report) => report.status ?? '')
    if (statuses.at(-1) === status) return statuses
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the Hub was told ${JSON.stringify(sandbox.hub.told(id))}`)
}

describe('a well-behaved analysis', () => {
  const body = bodyOf('sandbox/mean:1')
  const id = body.analysis_id

  test('goes from started over executing with rising progress into the archive', async () => {
    const word = expect.stringMatching(/^(started|executing)$/)
    expect(await call('POST', '/po', body)).toEqual({ status: 200, body: { [id]: word } })
    expect(await call('POST', '/po/', body)).toMatchObject({ status: 200, body: { [id]: expect.any(String) } })
    await watch(id, (seen) => seen?.status === 'executing' && seen.progress > 0)
    const live = await call('GET', `/po/logs/${id}`)
    expect(live.body).toMatchObject({ analysis: { [id]: [expect.stringContaining('round 1')] } })
    const pods = await call('GET', `/po/pods/${id}/`)
    expect(JSON.parse(pods.body[id]?.[0] ?? '')).toEqual([expect.stringMatching(`^analysis-${id}-[12]-`)])
    const seen = await watch(id, (state) => state === undefined)
    const progress = seen.flatMap((state) => (state ? [state.progress] : []))
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  }, 240_000)

  test('stored its result through the proxy', () => {
    const [result] = sandbox.peers.results(id)
    expect(JSON.parse(result?.content.toString() ?? '{}')).toMatchObject({ age: { count: 300 } })
  })

  test('left its logs in the history, and nothing else', async () => {
    const { body: history } = await call('GET', `/po/history/${id}`)
    expect(history).toMatchObject({
      analysis: { [id]: [expect.stringContaining('the result is stored')] },
      nginx: { [id]: [expect.any(String)] },
    })
    expect(await call('GET', '/po/status')).toEqual({ status: 200, body: {} })
    expect(await call('GET', '/po/pods')).toEqual({ status: 200, body: {} })
  })

  test('is signed in the archive, and a changed entry is found out', async () => {
    const sql = connect(databaseSettings(sandbox.postgres))
    const [entry] = await createPoStore(sql).archiveEntries(undefined, 1, id as AnalysisId)
    await sql.end()
    const { document = '', signature } = entry ?? {}
    expect(await verifyArchive(document, signature ?? '', publicKey)).toEqual({ ok: true })
    expect(JSON.parse(document)).toMatchObject({
      analysisId: id,
      outcome: 'executed',
      progress: 100,
      node: 'sandbox-node',
    })
    const changed = document.replace('"executed"', '"failed"')
    expect(await verifyArchive(changed, signature ?? '', publicKey)).toMatchObject({ ok: false })
  })

  test('the Hub got its lines, and `executed` with 100 last', async () => {
    const statuses = await told(id, 'executed')
    expect(statuses[0]).toBe('started')
    expect(statuses.slice(1, -1).every((status) => status === 'executing')).toBe(true)
    expect(sandbox.hub.told(id).statuses.at(-1)).toMatchObject({ status: 'executed', progress: 100 })
    expect(sandbox.hub.told(id).logs.length).toBeGreaterThan(5)
  })

  test('left no Keycloak client', async () => {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      if (!sandbox.keycloak.clients().some(({ clientId }) => clientId === id)) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sandbox.keycloak.clients().map(({ clientId }) => clientId)).not.toContain(id)
  })
})

describe.concurrent('a misbehaving analysis', () => {
  test('that is stuck once is restarted with its cause and does its work in the next run', async () => {
    const body = bodyOf('sandbox/flaky:1')
    const id = body.analysis_id
    await call('POST', '/po/', body)
    const seen = await watch(id, (state) => state === undefined)
    expect(seen.map((state) => state?.status)).toContain('stuck')
    await told(id, 'executed')
    const messages = sandbox.hub.told(id).logs.map(({ message }) => message)
    expect(messages).toContainEqual(expect.stringMatching(/^ANALYSISSTARTUPERROR: .*could not connect.*restart 1 of 2/))
    const { body: history } = await call('GET', `/po/history/${id}`)
    expect((history as { analysis: Record<string, string[]> }).analysis[id]).toHaveLength(2)
  }, 180_000)

  test.each([
    ['crash', /exit code 1/],
    ['exit', /code 0 without/],
    ['fail', /reports that it failed/],
  ])(
    '%s ends as failed and the Hub learns why',
    async (kind, cause) => {
      const body = bodyOf(`sandbox/${kind}:1`)
      const id = body.analysis_id
      await call('POST', '/po/', body)
      await watch(id, (state) => state?.status === 'failed')
      await told(id, 'failed')
      expect(sandbox.hub.told(id).logs.map(({ message }) => message)).toContainEqual(expect.stringMatching(cause))
      expect(await call('DELETE', `/po/delete/${id}`, {})).toEqual({ status: 200, body: { [id]: null } })
    },
    60_000,
  )

  test('whose partner stopped ends as stopped', async () => {
    const body = bodyOf('sandbox/stopped:1')
    const id = body.analysis_id
    await call('POST', '/po/', body)
    await watch(id, (state) => state?.status === 'stopped')
    await told(id, 'stopped')
  })
})

test('stop ends a running one, create begins the next run, delete leaves nothing', async () => {
  const body = bodyOf('sandbox/endless:1')
  const id = body.analysis_id
  await call('POST', '/po/', body)
  await watch(id, (state) => state?.status === 'executing')
  expect(await call('PUT', `/po/stop/${id}`, {})).toEqual({ status: 200, body: { [id]: 'stopped' } })
  expect(await call('POST', '/po/', body)).toEqual({ status: 200, body: { [id]: 'started' } })
  await watch(id, (state) => state?.status === 'executing')
  const pods = await call('GET', `/po/pods/${id}`)
  expect(pods.body[id]?.[0]).toContain(`analysis-${id}-2-`)
  expect(await call('DELETE', `/po/delete/${id}`)).toEqual({ status: 200, body: { [id]: null } })
  expect(await call('GET', `/po/status/${id}`)).toEqual({ status: 200, body: {} })
  expect(await call('DELETE', '/po/cleanup/zombies')).toMatchObject({ status: 200 })
}, 180_000)

test('an analysis may write its own lines only, and nothing else', async () => {
  const mine = randomUUID()
  const own = await sandbox.keycloak.mint({
    iss: sandbox.keycloak.issuer,
    azp: mine,
    sub: randomUUID(),
    typ: 'Bearer',
    exp: Math.floor(Date.now() / 1000) + 60,
  })
  secrets.add(own)
  const post = async (path: string, method: string, analysis?: string) => {
    const line = { log: 'hello', log_type: 'info', analysis_id: analysis, status: 'executing', progress: 1 }
    const headers = { authorization: `Bearer ${own}`, 'content-type': 'application/json' }
    const sent = analysis ? { body: JSON.stringify(line) } : {}
    return (await fetch(`${sandbox.gateway.url}${path}`, { method, headers, ...sent })).status
  }
  expect(await post('/po/stream_logs', 'POST', mine)).toBe(200)
  expect(await post('/po/stream_logs', 'POST', randomUUID())).toBe(403)
  expect(await post('/po/status', 'GET')).toBe(403)
  expect(await post('/po/delete', 'DELETE')).toBe(403)
})

test('nothing that was logged in all of this holds a secret', async () => {
  const tokens = await readFile(join(folder, 'kubeconfig'), 'utf8')
  secrets.add((JSON.parse(tokens) as { users: { user: { token: string } }[] }).users[0]?.user.token ?? '')
  const all = printed.join('\n')
  expect(printed.length).toBeGreaterThan(200)
  expect(secrets.size).toBeGreaterThan(10)
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(8)
    expect(all.includes(secret), 'a secret was logged').toBe(false)
  }
  expect(all).not.toMatch(/eyJ[\w-]{10,}\.eyJ/) // a JWT
  for (const row of printed)
    expect(JSON.parse(row)).toMatchObject({
      timestamp: expect.any(String),
      level: expect.any(String),
      logger: expect.any(String),
      module: expect.any(String),
      msg: expect.any(String),
    })
  const levels = new Set(printed.map((row) => (JSON.parse(row) as { level: string }).level))
  expect([...levels]).toEqual(expect.arrayContaining(['ACTION', 'STATUS_LOOP', 'INFO']))
})
