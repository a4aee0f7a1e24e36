/** The plugin against a whole node: real functions behind the gateway, real PostgreSQL, real analyses. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../../shared/routes/index.ts'
import { createBody } from '../../sandbox/examples.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { knPo, type Result, serve, start } from './program.ts'

let sandbox: Sandbox
let folder: string
let env: Record<string, string>
/** All output; it must not contain a token. */
const results: Result[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kn-po-node-'))
  sandbox = await startSandbox({ folder, intervalSeconds: 1 })
  env = { PO_URL: sandbox.gateway.url, PO_TOKEN: await sandbox.token() }
}, 180_000)

afterAll(async () => {
  await sandbox?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function run(args: readonly string[], variables: Record<string, string> = env): Promise<Result> {
  const result = await knPo(args, variables)
  results.push(result)
  return result
}

async function create(image: string): Promise<string> {
  const id = randomUUID()
  const answer = await fetch(`${sandbox.gateway.url}/po/`, {
    method: 'POST',
    headers: { authorization: `Bearer ${env['PO_TOKEN']}`, 'content-type': 'application/json' },
    body: JSON.stringify(createBody(image, id)),
  })
  expect(answer.status).toBe(200)
  return id
}

async function until(id: string, word: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if ((await knPo(['status', id], env)).stdout.includes(word)) return
    await delay(200)
  }
  expect.fail(`${id} never was ${word}`)
}

test('the state of no analyses', async () => {
  expect(await run(['status'])).toEqual({ code: 0, stdout: '', stderr: 'No analyses.\n' })
  expect(await run(['status', '-o', 'json'])).toEqual({ code: 0, stdout: '{}\n', stderr: 'No analyses.\n' })
})

test.each(['status', 'stop', 'logs'])('%s of an unknown analysis', async (verb) => {
  const id = randomUUID()
  const { code, stdout, stderr } = await run([verb, id])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toBe(`kn po: there is no analysis ${id}; if it was executed or deleted: kn po logs ${id} --history\n`)
  expect((await run(['logs', id, '--history'])).stderr).toBe(
    `kn po: there is no analysis ${id}, and none of this id has ended\n`,
  )
})

describe('an analysis', () => {
  let id: string
  beforeAll(async () => {
    id = await create('sandbox/mean-slow:1')
    await until(id, 'executing')
  })

  test('has its state in a table, alone and among all', async () => {
    for (const args of [['status'], ['status', id]]) {
      const { code, stdout } = await run(args)
      expect(code).toBe(0)
      expect(stdout).toMatch(new RegExp(`^ANALYSIS +STATUS +PROGRESS\n${id} +executing +\\d+ %\n$`))
    }
    expect(JSON.parse((await run(['status', '-o', 'json'])).stdout)).toEqual({
      [id]: { status: 'executing', progress: expect.any(Number) },
    })
  })

  test('has live logs, its own and its proxy’s', async () => {
    const { code, stdout } = await run(['logs', id])
    expect(code).toBe(0)
    expect(stdout).toContain('rows of')
    expect(JSON.parse((await run(['logs', id, '--output', 'json'])).stdout).analysis[id][0]).toContain('rows of')
    expect((await run(['logs', id, '--history'])).stderr).toContain(
      `analysis ${id} has no history yet: it is executing`,
    )
  })

  test('is followed to its end, each line once, and then is in the history', async () => {
    const { code, stdout, stderr } = await run(['logs', id, '-f'])
    expect(code).toBe(0)
    const rounds = [...stdout.matchAll(/round (\d+) of 15/g)].map(([, round]) => Number(round))
    expect(rounds).toEqual(Array.from({ length: 15 }, (_, index) => index + 1))
    expect(stdout).toContain('the result is stored')
    expect(stderr).toMatch(new RegExp(`^analysis ${id} has ended(: executed)?\n$`))
    const history = await run(['logs', id, '--history'])
    expect(history.code).toBe(0)
    expect(history.stdout).toContain('round 15 of 15')
    expect((await run(['logs', id])).code).toBe(1)
  }, 90_000)
})

test('an analysis is stopped while it is followed, and stays in the states', async () => {
  const id = await create('sandbox/mean-slow:1')
  await until(id, 'executing')
  const followed = start(['logs', id, '-f'], env)
  while (!followed.printed.stdout.includes('rows of')) await delay(100)
  expect(await run(['stop', id])).toEqual({ code: 0, stdout: `${id} stopped\n`, stderr: '' })
  const { code, stderr } = await followed.result
  expect([code, stderr]).toEqual([0, `analysis ${id} has ended: stopped\n`])
  expect(JSON.parse((await run(['stop', id, '-o', 'json'])).stdout)).toEqual({ [id]: 'stopped' })
  expect((await run(['status', id])).stdout).toContain('stopped')
}, 90_000)

describe('tokens', () => {
  const client = () => ({
    PO_URL: sandbox.gateway.url,
    KEYCLOAK_URL: sandbox.keycloak.url,
    PO_CLIENT_ID: 'hub-adapter',
    PO_CLIENT_SECRET: sandbox.keycloak.secretOf('hub-adapter'),
  })
  const fileWith = async (text: string): Promise<string> => {
    const path = join(folder, randomUUID())
    await writeFile(path, text, { mode: 0o600 })
    return path
  }

  test('come from options, environment or Keycloak', async () => {
    const { PO_TOKEN: token = '' } = env
    const url = { PO_URL: sandbox.gateway.url }
    const secretFile = await fileWith(client().PO_CLIENT_SECRET)
    const { PO_CLIENT_SECRET: _, ...withoutSecret } = client()
    const good: [string[], Record<string, string>][] = [
      [['--token', token], url],
      [['--token-file', await fileWith(`${token}\n`)], url],
      [[], { ...url, PO_TOKEN_FILE: await fileWith(token) }],
      [[], client()],
      [[], { ...withoutSecret, PO_CLIENT_SECRET_FILE: secretFile }],
      [['--token', token], { ...client(), PO_TOKEN: 'not this one' }],
      [['--url', sandbox.gateway.url], { PO_TOKEN: token, PO_URL: 'http://127.0.0.1:1' }],
    ]
    for (const [args, variables] of good) expect((await run(['status', ...args], variables)).code).toBe(0)
  })

  test('that are not good are refused, and not printed', async () => {
    const forged = `${env['PO_TOKEN']?.slice(0, -20)}${'A'.repeat(20)}`
    const { code, stdout, stderr } = await run(['status', '--token', forged])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^kn po: GET \/po\/status: 401: .+ \(the token was not accepted/)
    expect(stderr).not.toContain(forged)
    const wrong = await run(['status'], { ...client(), PO_CLIENT_SECRET: 'wrong and long enough' })
    expect(wrong.stderr).toMatch(/^kn po: Keycloak gave client 'hub-adapter' no token: 401: /)
  })

  test('of an analysis do not allow anything here', async () => {
    const id = randomUUID()
    sandbox.keycloak.addClient({ clientId: id, name: `flame-${id}`, secret: 'a secret of an analysis' })
    const { code, stderr } = await run(['status'], {
      ...client(),
      PO_CLIENT_ID: id,
      PO_CLIENT_SECRET: 'a secret of an analysis',
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/: 403: .+ \(the token is good, and does not allow this\)/)
  })
})

test('health, without a token', async () => {
  const url = { PO_URL: `${sandbox.gateway.url}/` }
  expect(await run(['healthz'], url)).toEqual({ code: 0, stdout: 'ok\n', stderr: '' })
  expect(JSON.parse((await run(['healthz', '-o', 'json'], url)).stdout)).toEqual({ status: 'ok' })
})

describe('a tick', () => {
  test('is taken by the status loop', async () => {
    const url = sandbox.functions.addressOf(routes.po.statusReconcile) ?? ''
    const { code, stdout } = await run(['tick', '-n', 'flame', '-o', 'json', '--url', url])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      id: expect.any(String),
      type: 'dev.knative.sources.ping',
      source: '/apis/v1/namespaces/flame/pingsources/po-status-loop',
      status: 204,
    })
    expect((await run(['tick'], { PO_TICK_URL: url })).stdout).toMatch(/^[0-9a-f-]{36} taken \(204\)\n$/)
  })
  test('at the gateway is refused: it leads there from nowhere', async () => {
    const { code, stderr } = await run(['tick', '--url', sandbox.gateway.url])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^kn po: the tick: 404: /)
  })
  test('is what a PingSource sends', async () => {
    const seen: unknown[] = []
    await using sink = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      seen.push({ method: request.method, url: request.url, body, ...request.headers })
      response.writeHead(202).end()
    })
    expect((await run(['tick', '-n', 'flame', '--url', sink.url])).stdout).toContain('taken (202)')
    expect(seen).toEqual([
      expect.objectContaining({
        method: 'POST',
        url: '/',
        body: '{"intervalSeconds":10}',
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-type': 'dev.knative.sources.ping',
        'ce-source': '/apis/v1/namespaces/flame/pingsources/po-status-loop',
        'ce-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'ce-time': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      }),
    ])
    expect(seen[0]).not.toHaveProperty('authorization')
  })
})

/** The default requests of `kn func invoke`, which is a separate program and not part of these tests. */
describe('what `kn func invoke` sends', () => {
  const post = async (url: string | undefined, headers: Record<string, string>, body: string) =>
    fetch(url ?? '', { method: 'POST', headers, body })
  const message = JSON.stringify({ message: 'Hello World' })

  test('as an event is a tick', async () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-type': 'boson.fn',
      'ce-source': '/boson/fn',
      'ce-id': randomUUID(),
      'content-type': 'application/json',
    }
    const answer = await post(sandbox.functions.addressOf(routes.po.statusReconcile), headers, message)
    expect([answer.status, await answer.text()]).toEqual([204, ''])
  })
  test.each([
    ['po-create', 401],
    ['po-status', 405],
  ])('as a request has an answer of %s that says why not: %d', async (name, status) => {
    const route = Object.values(routes.po).find((each) => each.name === name)
    const url = `${route && sandbox.functions.addressOf(route)}${route?.endpoints[0].path}`
    const answer = await post(url, { 'content-type': 'application/json' }, message)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toEqual({ detail: expect.any(String) })
  })
})

test('nothing that was printed holds a token', () => {
  const secrets = [env['PO_TOKEN'] ?? '', sandbox.keycloak.secretOf('hub-adapter')]
  expect(results.length).toBeGreaterThan(20)
  const printed = results.map(({ stdout, stderr }) => stdout + stderr).join('\n')
  expect(secrets.filter((secret) => printed.includes(secret))).toEqual([])
  expect(printed).not.toMatch(/eyJ[\w-]{8,}\./)
})
