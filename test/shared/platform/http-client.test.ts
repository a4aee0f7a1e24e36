import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { Fault, isFault } from '../../../shared/platform/fault.ts'
import { createHttpClient, expectOk, type HttpAnswer } from '../../../shared/platform/http-client.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener)
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server }
}

const DEADLINE = 600
const client = createHttpClient({ system: 'Peer', deadlineMs: DEADLINE, limitBytes: 1000 })
const failure = (work: Promise<unknown>): Promise<Fault> =>
  work.then(
    () => expect.unreachable('it should have failed'),
    (error: Fault) => error,
  )

const BAD: readonly (readonly [string, RequestListener, string, string])[] = [
  ['never answers', () => undefined, 'unavailable', 'Peer took more than 0.6 s to talk'],
  [
    'sends headers and no body',
    (_, response) => response.writeHead(200).flushHeaders(),
    'unavailable',
    'Peer took more than 0.6 s to talk',
  ],
  [
    'drips its body for ever',
    (_, response) => {
      const drip = setInterval(() => response.write('.'), 20)
      response.on('close', () => clearInterval(drip))
    },
    'unavailable',
    'Peer took more than 0.6 s to talk',
  ],
  ['cuts the connection', (request) => request.destroy(), 'unavailable', 'Peer cannot be reached to talk'],
  [
    'cuts the body',
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('x')
      setTimeout(() => response.destroy(), 20)
    },
    'unavailable',
    'Peer cannot be reached to talk',
  ],
  [
    'answers more than the limit',
    (_, response) => response.end('x'.repeat(1001)),
    'refused',
    'Peer answered far too much when asked to talk',
  ],
]

test.each(BAD)('a server that %s is a fault within the deadline', async (_, listener, code, message) => {
  const { url } = await serve(listener)
  const began = performance.now()
  const fault = await failure(client({ method: 'GET', url }, 'talk'))
  expect({ code: fault.code, message: fault.message }).toEqual({ code, message })
  expect(fault.cause).toBeInstanceOf(Error)
  expect(performance.now() - began).toBeLessThan(DEADLINE + 5000)
})

test('nobody there is unavailable', async () => {
  const { url, server } = await serve(() => undefined)
  server.close()
  const fault = await failure(client({ method: 'GET', url }, 'talk'))
  expect([fault.code, fault.message]).toEqual(['unavailable', 'Peer cannot be reached to talk'])
})

test('a send that ignores its signal ends at the deadline, too', async () => {
  const deaf = createHttpClient({ system: 'Peer', deadlineMs: 50, send: () => new Promise(() => undefined) })
  const fault = await failure(deaf({ method: 'GET', url: 'http://peer/' }, 'talk'))
  expect(fault.code).toBe('unavailable')
})

test('an answer just within the limit is read whole', async () => {
  const { url } = await serve((_, response) => response.end('ü'.repeat(500)))
  expect((await client({ method: 'GET', url }, 'talk')).text).toBe('ü'.repeat(500))
})

test('a body arrives with its length in bytes', async () => {
  const { url } = await serve(async (request, response) => {
    const text = await request.setEncoding('utf8').reduce((all: string, chunk: string) => all + chunk, '')
    response.end(`${request.headers['content-length']} ${text}`)
  })
  expect((await client({ method: 'POST', url, body: 'für' }, 'talk')).text).toBe('4 für')
})

test('a kept connection that the server closed meanwhile is replaced', async () => {
  let answered = 0
  const { url, server } = await serve((request, response) => {
    answered += 1
    // The second request on a kept connection meets a closed one.
    if (answered === 2) request.socket.destroy()
    else response.end('yes')
  })
  server.keepAliveTimeout = 60_000
  const ask = createHttpClient({ system: 'Peer', deadlineMs: 1000 })
  expect((await ask({ method: 'GET', url }, 'talk')).text).toBe('yes')
  await wait(10)
  expect((await ask({ method: 'GET', url }, 'talk')).text).toBe('yes')
  expect(answered).toBe(3)
})

test('a redirect is not followed', async () => {
  let visited = 0
  const target = await serve((_, response) => {
    visited += 1
    response.end('secret place')
  })
  const { url } = await serve((_, response) => response.writeHead(307, { location: target.url }).end())
  const answer = await client({ method: 'POST', url, body: 'secret' }, 'talk')
  expect(
    isFault(
      caught(() => expectOk('Peer', 'talk', answer)),
      'refused',
    ),
  ).toBe(true)
  expect(visited).toBe(0)
})

const caught = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

const answerOf = (status: number, text = '', retryAfter: string | null = null): HttpAnswer => ({
  status,
  text,
  retryAfter,
})

test.each([
  [400, 'refused', 'Peer refused to talk (400)'],
  [401, 'refused', 'Peer refused to talk (401)'],
  [403, 'refused', 'Peer refused to talk (403)'],
  [404, 'refused', 'Peer refused to talk (404)'],
  [302, 'refused', 'Peer refused to talk (302)'],
  [408, 'unavailable', 'Peer failed to talk (408)'],
  [429, 'unavailable', 'Peer failed to talk (429)'],
  [500, 'unavailable', 'Peer failed to talk (500)'],
  [503, 'unavailable', 'Peer failed to talk (503)'],
])('status %i is %s', (status, code, message) => {
  const fault = caught(() => expectOk('Peer', 'talk', answerOf(status))) as Fault
  expect([fault.code, fault.message]).toEqual([code, message])
})

test.each([200, 201, 202, 204])('status %i is an answer', (status) => {
  expect(expectOk('Peer', 'talk', answerOf(status)).status).toBe(status)
})

test.each([
  ['7', 7],
  ['soon', undefined],
  [null, undefined],
  ['-5', undefined],
])('Retry-After %s is %s seconds', (header, seconds) => {
  const fault = caught(() => expectOk('Peer', 'talk', answerOf(429, '', header))) as Fault
  expect(fault.retryAfter).toBe(seconds)
})

test('Retry-After may be a date', () => {
  const header = new Date(Date.now() + 30_000).toUTCString()
  const fault = caught(() => expectOk('Peer', 'talk', answerOf(503, '', header))) as Fault
  expect(fault.retryAfter).toBeGreaterThanOrEqual(28)
  expect(fault.retryAfter).toBeLessThanOrEqual(30)
})

test('the cause has the error word of the answer and nothing else of it', () => {
  const text = '{"error":"invalid_client","error_description":"bad secret hunter2 given"}'
  const fault = caught(() => expectOk('Peer', 'talk', answerOf(401, text))) as Fault
  expect(String(fault.cause)).toBe('Error: status 401, invalid_client')
  expect(fault).toBeInstanceOf(Fault)
})
