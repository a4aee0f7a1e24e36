/** Bodies that come slowly, or not at all: nothing is held for callers without a token, and only so much for others. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type BoundSettings, createBounds } from '../../../shared/http/bounds.ts'
import { bodyOf, send } from '../../../shared/http/bytes.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { encoded } from '../../../shared/http/reply.ts'
import { startServer } from '../../../shared/http/server.ts'
import type { Bytes } from '../../../shared/platform/ports.ts'
import { routes } from '../../../shared/routes/index.ts'
import { type Functions, startFunctions } from '../../sandbox/functions.ts'
import { BOUNDS, captureLog, createRealm, serveFunction } from './edge.ts'

const realm = await createRealm()
const MIB = 1024 * 1024
const SETTINGS = {
  POSTGRES_HOST: '127.0.0.1',
  POSTGRES_USER: 'x',
  POSTGRES_PASSWORD: 'x',
  POSTGRES_DB: 'x',
  HUB_URL_CORE: 'http://127.0.0.1:9',
  HUB_URL_AUTH: 'http://127.0.0.1:9',
  HUB_CLIENT_ID: 'x',
  HUB_CLIENT_SECRET: 'x',
}

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends bytes and then nothing more, whatever comes back; the answer, or status 0 when the connection ends without one. */
function hold(port: number, head: readonly string[], sent: Buffer | string): Promise<Answer> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let text = ''
  const answered = new Promise<Answer>((resolve) => {
    const settle = () => {
      const [start = '', body = ''] = text.split('\r\n\r\n')
      resolve({ status: Number(start.split(' ')[1] ?? 0), head: start.toLowerCase(), body })
    }
    socket.on('data', (chunk) => {
      text += chunk
      if (text.includes('\r\n\r\n')) settle()
    })
    socket.on('close', settle)
  })
  socket.on('error', () => undefined)
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  socket.write(sent)
  return answered
}

const tally = (answers: readonly Answer[]) =>
  Object.fromEntries([...Map.groupBy(answers, ({ status }) => status)].map(([status, of]) => [status, of.length]))

describe('300 connections with 1 MiB of body and then silence', () => {
  const BODY_MEMORY = 8
  /**
   * What 300 connections cost by themselves, half of what they sent: each has read one or two pieces of 64 KiB before more is
   * asked for, and a busy machine frees them late.
   */
  const CONNECTIONS_MIB = 150
  const keys = createServer((_, response) => void response.end(JSON.stringify({ keys: [realm.jwk] })))
  let functions: Functions
  let port = 0
  let pid = 0

  beforeAll(async () => {
    keys.listen(0, '127.0.0.1')
    await once(keys, 'listening')
    const KEYCLOAK_URL = `http://127.0.0.1:${(keys.address() as AddressInfo).port}`
    const env = { ...SETTINGS, KEYCLOAK_URL, BODY_MEMORY_MIB: String(BODY_MEMORY), BODY_TIMEOUT: '4' }
    functions = await startFunctions({ routes: [routes.po.streamLogs], env })
    const running = functions.running.get('po-stream-logs')
    port = running?.port ?? 0
    pid = running?.pid ?? 0
    const headers = { authorization: `Bearer ${await realm.token()}`, 'content-type': 'application/json' }
    for (let n = 0; n < 30; n += 1)
      await fetch(`http://127.0.0.1:${port}/po/stream_logs`, {
        method: 'POST',
        headers,
        body: `{"log":"${'x'.repeat(9000)}"}`,
      })
  })
  afterAll(async () => {
    await functions?.stop()
    keys.close()
  })

  const peak = async () => Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  const body = Buffer.alloc(MIB - 10, '[')
  const framings = [
    ['announced', `content-length: ${MIB}`, body],
    ['chunked', 'transfer-encoding: chunked', Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body])],
  ] as const

  test.each(framings)('and without a token, %s: 401 at once, and nothing of them is held', async (_, framing, sent) => {
    const before = await peak()
    const head = ['POST /po/stream_logs HTTP/1.1', 'host: x', 'content-type: application/json', framing]
    const answers = await Promise.all(Array.from({ length: 300 }, () => hold(port, head, sent)))
    expect(tally(answers)).toEqual({ 401: 300 })
    expect((await peak()) - before).toBeLessThan(CONNECTIONS_MIB)
  })

  test.each(framings)('and with a token, %s: some are 503 at once, the others 408', async (_, framing, sent) => {
    const before = await peak()
    const authorization = `authorization: Bearer ${await realm.token()}`
    const head = ['POST /po/stream_logs HTTP/1.1', 'host: x', 'content-type: application/json', authorization, framing]
    const answers = await Promise.all(Array.from({ length: 300 }, () => hold(port, head, sent)))
    const { 408: late = 0, 503: full = 0, ...others } = tally(answers)
    expect(others).toEqual({})
    expect(late).toBeGreaterThanOrEqual(BODY_MEMORY / 2)
    expect(full).toBeGreaterThan(200)
    const refused = answers.find(({ status }) => status === 503)
    expect(refused?.head).toContain('retry-after: 2')
    expect(JSON.parse(refused?.body ?? '')).toEqual({
      detail: `Bodies of other requests fill the ${BODY_MEMORY} MiB that there are for them`,
    })
    // Two copies of what may be held: its pieces, and the whole of one.
    expect((await peak()) - before).toBeLessThan(2 * BODY_MEMORY + CONNECTIONS_MIB)
  })

  test('leave room for others when they are gone', async () => {
    const headers = { authorization: `Bearer ${await realm.token()}`, 'content-type': 'application/json' }
    const post = () => fetch(`http://127.0.0.1:${port}/po/stream_logs`, { method: 'POST', headers, body: '{}' })
    expect((await post()).status).toBe(422)
  })
})

describe('Expect: 100-continue', () => {
  test.each([
    ['with a token', true, 'HTTP/1.1 100 Continue'],
    ['without one', false, 'HTTP/1.1 401 Unauthorized'],
  ])('%s the first line is %s %s', async (_, hasToken, first) => {
    const upload = endpoint(
      routes.dt.fileUpload,
      { answer: z.never(), failures: [''] },
      async () => encoded({ status: 204 }),
      () => undefined,
      { edge: () => realm.edge },
    )
    const reading = async (_deps: unknown, { content }: { readonly content: Bytes }) => {
      for await (const _ of content);
      return encoded({ status: 204 })
    }
    const taking = endpoint(routes.dt.fileUpload, { answer: z.never(), failures: [''] }, reading, () => undefined, {
      edge: () => realm.edge,
    })
    const server = await startServer(hasToken ? taking : upload, captureLog().log, 0)
    const authorization = hasToken ? [`authorization: Bearer ${await realm.token()}`] : []
    const head = [
      'POST /files/upload HTTP/1.1',
      'host: x',
      'expect: 100-continue',
      'content-length: 5',
      ...authorization,
    ]
    expect((await hold(server.port, head, '')).head.split('\r\n')[0]).toBe(first.toLowerCase())
    await server.drain(10)
  })
})

const edgeWith = (bounds: Partial<BoundSettings>) => {
  const edge = { ...realm.edge, isOpen: true }
  return { ...edge, bounds: createBounds({ ...BOUNDS, ...bounds }) }
}

describe('files on their way', () => {
  const portOf = (url: string) => Number(new URL(url).port)

  test('in are as many as the setting says; the next one is 503, and comes in when one is gone', async () => {
    const edge = edgeWith({ TRANSFERS_MAX: 2 })
    const handle = async (_deps: unknown, { content }: { readonly content: Bytes }) => {
      for await (const _ of content);
      return encoded({ status: 204 })
    }
    const fn = endpoint(routes.dt.fileUpload, { answer: z.never(), failures: [''] }, handle, () => undefined, {
      edge: () => edge,
    })
    await using server = await serveFunction(fn)
    const upload = (length: number) =>
      hold(portOf(server.url), ['POST /files/upload HTTP/1.1', 'host: x', `content-length: ${length}`], 'x')
    void upload(2)
    void upload(2)
    await delay(100)
    const third = await upload(1)
    expect([third.status, third.head]).toEqual([503, expect.stringContaining('retry-after: 2')])
    expect(JSON.parse(third.body)).toEqual({ detail: '2 other files are on their way, which is the most at a time' })
    sockets[0]?.destroy()
    await delay(100)
    expect((await upload(1)).status).toBe(204)
  })

  test('out count as well', async () => {
    const edge = edgeWith({ TRANSFERS_MAX: 1 })
    const endless = async function* (): Bytes {
      for (;;) yield Buffer.alloc(65_536)
    }
    const handle = async () => encoded({ status: 200, headers: { 'content-length': String(2 ** 40) }, body: endless() })
    const schemas = { params: z.object({ file_id: z.string() }), answer: z.never(), failures: [''] }
    const fn = endpoint(routes.dt.fileGet, schemas, handle, () => undefined, { edge: () => edge })
    await using server = await serveFunction(fn)
    const get = () => hold(portOf(server.url), ['GET /files/1 HTTP/1.1', 'host: x'], '')
    expect((await get()).status).toBe(200)
    expect((await get()).status).toBe(503)
    sockets[0]?.destroy()
    await delay(100)
    expect((await get()).status).toBe(200)
  })

  test.each([
    ['10 bytes each 20 ms, when 1,000 are the least in 200 ms', 1000, 408],
    ['10 bytes each 20 ms, when 10 are the least in 200 ms', 10, 204],
  ])('in by %s: %#', async (_, leastBytes, status) => {
    const server = createServer((request, response) => {
      const read = async () => {
        for await (const _ of bodyOf(request as never, 1000, { leastBytes, stallMs: 200 }));
      }
      read().then(
        () => response.writeHead(204).end(),
        ({ code }) => response.writeHead(code === 'too_slow' ? 408 : 500).end(),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const answer = hold(
      (server.address() as AddressInfo).port,
      ['POST / HTTP/1.1', 'host: x', 'content-length: 300'],
      '',
    )
    for (let n = 0; n < 30; n += 1) {
      await delay(20)
      sockets[0]?.write('0123456789')
    }
    expect((await answer).status).toBe(status)
    server.closeAllConnections()
    server.close()
  })

  test('out are cut when they are taken too slowly, though never quite still', async () => {
    const endless = async function* (): Bytes {
      for (;;) yield Buffer.alloc(65_536)
    }
    const sent = Promise.withResolvers<unknown>()
    const server = createServer((_, response) => {
      response.writeHead(200)
      send(endless(), response, { leastBytes: 10 * MIB, stallMs: 200 }).then(sent.resolve, sent.resolve)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    socket.pause()
    const reading = setInterval(() => socket.read(100), 50)
    expect(await sent.promise).toMatchObject({ code: expect.stringMatching(/too_slow|ERR_STREAM_PREMATURE_CLOSE/) })
    clearInterval(reading)
    server.closeAllConnections()
    server.close()
  })
})
