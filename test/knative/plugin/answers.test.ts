/** The plugin with servers that are slow, refuse, come and go, or are not the API. Real HTTP. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { knPo, serve, start } from './program.ts'

const ID = randomUUID()
const TOKEN = 'a-token-of-this-test'
const env = { PO_TOKEN: TOKEN }
const json = (response: ServerResponse, body: unknown, status = 200) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const logsOf = (...texts: string[]) => ({ analysis: texts.length > 0 ? { [ID]: texts } : {}, nginx: {} })

describe('refusals print one line, exit code 1', () => {
  test.each<[string, number, string, string]>([
    ['a sentence', 503, '{"detail":"The database does not answer."}', '503: The database does not answer.'],
    ['a list', 422, '{"detail":[{"loc":["path","analysis_id"],"msg":"no UUID"}]}', '422: path.analysis_id: no UUID'],
    ['a token', 401, '{"detail":"Not authenticated"}', '401: Not authenticated (the token was not accepted: has it'],
    ['a caller', 403, '{"detail":"No."}', '403: No. (the token is good, and does not allow this)'],
    ['no reason', 500, '', '500: no reason given'],
    ['a page of another service', 404, '<html>not found</html>', '404: the answer is not one of this API'],
    ['another service', 200, '<html>hello</html>', '200, but no JSON object: this is not the API of a node'],
    ['another API', 200, '"hello"', '200, but no JSON object: this is not the API of a node'],
  ])('%s', async (_, status, body, expected) => {
    await using server = await serve((_, response) => void response.writeHead(status).end(body))
    const { code, stdout, stderr } = await knPo(['status', '--url', server.url], env)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`kn po: GET /po/status: ${expected}`)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('a token is never printed', () => {
  const jwt = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"x"}').toString('base64url')}.c2lnbmF0dXJl`
  test('when a server returns it', async () => {
    await using server = await serve((request, response) => json(response, { detail: request.headers }, 400))
    await using echo = await serve((request, response) =>
      json(response, { detail: request.headers.authorization }, 400),
    )
    for (const { url } of [server, echo]) {
      const { stdout, stderr } = await knPo(['status', '--url', url], env)
      expect(stdout + stderr).not.toContain(TOKEN)
      expect(stderr).toContain(': 400: ')
    }
  })
  test('when it is in an answer', async () => {
    await using server = await serve((request, response) =>
      json(response, { [ID]: { status: request.headers.authorization, progress: 1 } }),
    )
    const { stdout } = await knPo(['status', '--url', server.url], env)
    expect(stdout).toContain('Bearer (token)')
  })
  test('when it is given as an id', async () => {
    expect((await knPo(['status', jwt], env)).stderr).toContain(`not '(token)'`)
  })
  test('when it is no token', async () => {
    expect((await knPo(['status', '--token', `${TOKEN} ${TOKEN}`])).stderr).not.toContain(TOKEN)
  })
})

test('logs cannot control the terminal', async () => {
  await using server = await serve((_, response) => json(response, { detail: 'red \u001b[31mtext\u0007\r\n' }, 400))
  const { stderr } = await knPo(['status', '--url', server.url], env)
  expect(stderr).toContain('red \\x1b[31mtext\\x07')
})

test('a slow answer is read to its end', async () => {
  const text = 'line\n'.repeat(20)
  await using server = await serve(async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const piece of JSON.stringify(logsOf(text)).match(/.{1,20}/gs) ?? []) {
      response.write(piece)
      await delay(100)
    }
    response.end()
  })
  expect(await knPo(['logs', ID, '--url', server.url], env)).toEqual({ code: 0, stdout: text, stderr: '' })
})

test('a closed pipe ends it without an error', async () => {
  await using server = await serve((_, response) => json(response, logsOf('a line that is long\n'.repeat(100_000))))
  const { child, result } = start(['logs', ID, '--url', server.url], env)
  child.stdout?.once('data', () => child.stdout?.destroy())
  expect(await result).toMatchObject({ code: 0, stderr: '' })
})

interface Life {
  readonly status: string | undefined
  readonly logs: readonly string[]
  readonly history?: readonly string[]
  /** Answers this instead. */
  readonly refuses?: number
}

/** An API whose analysis is one step further whenever its logs were asked for. */
function living(steps: readonly Life[]) {
  let at = 0
  const asked: string[] = []
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const step = steps[Math.min(at, steps.length - 1)]
    const word = request.url?.split('/')[2]
    asked.push(word ?? '')
    if (step?.refuses) {
      at += 1
      return json(response, { detail: 'The function is not there.' }, step.refuses)
    }
    if (word === 'status') return json(response, step?.status ? { [ID]: { status: step.status, progress: 1 } } : {})
    if (word === 'history') return json(response, logsOf(...(step?.history ?? [])))
    at += 1
    return json(response, logsOf(...(step?.logs ?? [])))
  }
  return { listener, asked }
}

describe.concurrent('follow', () => {
  test('prints lines once, over a restart and an outage, and the rest from the history', async () => {
    const { listener } = living([
      { status: 'executing', logs: ['one\ntw'] },
      { status: 'executing', logs: ['one\ntwo\n'] },
      { status: 'executing', logs: [], refuses: 503 },
      { status: 'stuck', logs: ['one\ntwo\nthree\n'] },
      { status: 'executing', logs: ['again one\n'] },
      { status: undefined, logs: [], history: ['one\ntwo\nthree\n', 'again one\nagain two'] },
    ])
    await using server = await serve(listener)
    const { code, stdout, stderr } = await knPo(['logs', ID, '-f', '--url', server.url], env)
    expect(stdout).toBe('==> analysis <==\none\ntwo\nthree\nagain one\nagain two\n')
    expect(stderr).toBe(
      `GET /po/status/${ID}: 503: The function is not there.; trying again for 60 s\nanalysis ${ID} has ended\n`,
    )
    expect(code).toBe(0)
  })

  test('prints a line as soon as it is there', async () => {
    const steps: Life[] = [{ status: 'executing', logs: ['one\n'] }]
    const { listener } = living(steps)
    await using server = await serve(listener)
    const { child, printed, result } = start(['logs', ID, '--follow', '-o', 'json', '--url', server.url], env)
    const until = async (text: string) => {
      while (!printed.stdout.includes(text)) await delay(50)
    }
    await until('{"source":"analysis","line":"one"}\n')
    steps[0] = { status: 'executing', logs: ['one\ntwo\n'] }
    await until('{"source":"analysis","line":"two"}\n')
    child.kill('SIGINT')
    expect(await result).toMatchObject({ code: 130, stderr: '' })
  })

  test('prints the last run of an ended analysis at once', async () => {
    const { listener } = living([{ status: 'failed', logs: [], history: ['first\n', 'second\n'] }])
    await using server = await serve(listener)
    expect(await knPo(['logs', ID, '-f', '--url', server.url], env)).toEqual({
      code: 0,
      stdout: '==> analysis <==\nsecond\n',
      stderr: `analysis ${ID} has ended: failed\n`,
    })
  })

  test('refuses an unknown analysis at once', async () => {
    const { listener, asked } = living([{ status: undefined, logs: [] }])
    await using server = await serve(listener)
    const { code, stdout, stderr } = await knPo(['logs', ID, '-f', '--url', server.url], env)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`kn po: there is no analysis ${ID}; `)
    expect(asked).toEqual(['status', 'logs', 'history'])
  })

  test('stops on a permanent refusal', async () => {
    await using server = await serve((_, response) => json(response, { detail: 'Signature has expired' }, 401))
    expect((await knPo(['logs', ID, '-f', '--url', server.url], env)).code).toBe(1)
  })
})

describe('a client of the realm', () => {
  /** Gives tokens that are good for one call. */
  const realm = (good: Set<string>) => async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    if (form.get('client_secret') !== 'the secret of it')
      return json(response, { error: 'unauthorized_client', error_description: 'Invalid client credentials' }, 401)
    const access_token = `${form.get('client_id')}-${randomUUID()}`
    good.add(access_token)
    return json(response, { access_token, expires_in: 1, realm: request.url })
  }
  const client = { PO_CLIENT_ID: 'operator', PO_CLIENT_SECRET: 'the secret of it' }

  test('requests another token when its own has expired', async () => {
    const good = new Set<string>()
    await using keycloak = await serve(realm(good))
    const seen: (string | undefined)[] = []
    await using api = await serve((request, response) => {
      const { authorization } = request.headers
      seen.push(authorization)
      if (seen.length === 1) return json(response, { detail: 'Signature has expired' }, 401)
      return json(response, {})
    })
    const { code, stderr } = await knPo(['status', '--url', api.url], { ...client, KEYCLOAK_URL: `${keycloak.url}/` })
    expect([code, stderr]).toEqual([0, 'No analyses.\n'])
    expect(seen).toEqual([...good].map((token) => `Bearer ${token}`))
    expect(seen).toHaveLength(2)
  })
  test('prints the error of Keycloak, and no secret', async () => {
    await using keycloak = await serve(realm(new Set()))
    const { code, stderr } = await knPo(['status', '--url', keycloak.url], {
      ...client,
      PO_CLIENT_SECRET: 'another secret',
      KEYCLOAK_URL: keycloak.url,
    })
    expect(code).toBe(1)
    expect(stderr).toBe(`kn po: Keycloak gave client 'operator' no token: 401: Invalid client credentials\n`)
  })
})
