import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { endpoint } from '../../../shared/http/endpoint.ts'
import type { HttpFunction } from '../../../shared/http/register.ts'
import { startServer } from '../../../shared/http/server.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { captureLog, createRealm } from './edge.ts'

const GIB = 1024 * 1024 * 1024
const realm = await createRealm()

const serving = async (fn: HttpFunction) => {
  const logs = captureLog()
  const server = await startServer(fn, logs.log, 0)
  return { ...server, logs, url: `http://127.0.0.1:${server.port}` }
}
const healthz = (handle: () => Promise<{ status: 'ok' }>, options = {}) =>
  endpoint(routes.po.healthz, poSchemas.healthz, handle, () => ({}), { edge: () => realm.edge, ...options })

/** Bytes as they come, on a socket of our own. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(text)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  await once(socket, 'close')
  return answer
}

describe('broken HTTP is answered in JSON', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a header that never ends', `GET / HTTP/1.1\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx', 400],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nx',
      400,
    ],
  ])('%s', async (_, text, status) => {
    const server = await serving(healthz(async () => ({ status: 'ok' })))
    const answer = await raw(server.port, text)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toHaveProperty('detail')
    await server.drain(100)
  })
})

describe('headers', () => {
  test.each([
    ['a token of 60,000 characters', 60_000, 200, { status: 'ok' }],
    ['more than 64 KiB', 66_000, 431, { detail: 'The headers are larger than 65536 bytes' }],
  ])('%s: %#', async (_, length, status, body) => {
    const server = await serving(healthz(async () => ({ status: 'ok' })))
    const token = 'x'.repeat(length)
    const request = `GET /po/healthz HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`
    const answer = await raw(server.port, request)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toEqual(body)
    await server.drain(100)
  })
})

test('a function that throws past its own net answers 500 in JSON, and the log says why', async () => {
  const server = await serving(() => Promise.reject(new Error('past the net')))
  const response = await fetch(server.url)
  expect(response.status).toBe(500)
  expect(await response.json()).toEqual({ detail: 'Internal error' })
  expect(server.logs.text()).toContain('past the net')
  await server.drain(100)
})

test('keeps idle connections for longer than proxies do', async () => {
  const server = await serving(healthz(async () => ({ status: 'ok' })))
  const response = await fetch(`${server.url}/po/healthz`)
  expect(Number(/timeout=(\d+)/.exec(response.headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(90)
  await response.text()
  await server.drain(100)
})

describe('draining', () => {
  test('lets a request and the work after it end, and takes no new one', async () => {
    const gate = Promise.withResolvers<{ status: 'ok' }>()
    let after = false
    const afterAnswer = async () => {
      await delay(50)
      after = true
    }
    const arrived = Promise.withResolvers<void>()
    const hold = () => {
      arrived.resolve()
      return gate.promise
    }
    const server = await serving(healthz(hold, { afterAnswer }))
    const slow = fetch(`${server.url}/po/healthz`)
    await arrived.promise
    const drained = server.drain(5000)
    await expect(fetch(`${server.url}/po/healthz`)).rejects.toThrow()
    gate.resolve({ status: 'ok' })
    const response = await slow
    expect(response.status).toBe(200)
    expect(response.headers.get('connection')).toBe('close')
    expect(await drained).toBe(true)
    expect(after).toBe(true)
  })

  test('waits no longer than its limit', async () => {
    const arrived = Promise.withResolvers<void>()
    const hang = () => {
      arrived.resolve()
      return new Promise<never>(() => undefined)
    }
    const server = await serving(healthz(hang))
    const hanging = fetch(`${server.url}/po/healthz`).catch(() => 'cut')
    await arrived.promise
    const began = performance.now()
    expect(await server.drain(100)).toBe(false)
    expect(performance.now() - began).toBeLessThan(5000)
    expect(await hanging).toBe('cut')
  })
})

/** Runs the documentation function, or another one, as a process of its own. */
async function startProcess(target: string, env: Record<string, string> = {}, program = ['shared/http/serve.ts']) {
  const child = spawn(process.execPath, program, {
    env: { PATH: process.env['PATH'], FUNCTION_TARGET: target, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  const exited = once(child, 'exit')
  const [message] = await Promise.race([once(child, 'message'), exited])
  const port = Number((message as { port?: number } | null)?.port ?? 0)
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return (await exited) as [number | null, string | null]
  }
  return { child, port, output: () => output, exited, stop }
}

async function rss(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

/** Sends 1 GiB that nobody asked for and does not listen while it does, until the connection is cut. */
async function flood(port: number, framing: string, frame: (chunk: Buffer) => Buffer) {
  const socket = connect(port, '127.0.0.1')
  const chunk = frame(Buffer.alloc(1024 * 1024, 'x'))
  let answer = ''
  socket.on('data', (part) => {
    answer += part
  })
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(`POST /po/stream_logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${framing}\r\n\r\n`)
  let sent = 0
  while (!socket.destroyed && sent < GIB) {
    sent += 1024 * 1024
    if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  socket.destroySoon()
  await closed
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body, sent }
}

const SETTINGS = {
  KEYCLOAK_URL: 'http://127.0.0.1:9',
  POSTGRES_HOST: '127.0.0.1',
  POSTGRES_USER: 'x',
  POSTGRES_PASSWORD: 'x',
  POSTGRES_DB: 'x',
  HUB_URL_CORE: 'http://127.0.0.1:9',
  HUB_URL_AUTH: 'http://127.0.0.1:9',
  HUB_CLIENT_ID: 'x',
  HUB_CLIENT_SECRET: 'x',
}

describe('a function as a process', () => {
  const asIs = (chunk: Buffer) => chunk
  const inChunks = (chunk: Buffer) =>
    Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  test.each([
    ['announced', `content-length: ${GIB}`, asIs, 413, 'Body is larger than 16777216 bytes'],
    ['chunked', 'transfer-encoding: chunked', inChunks, 401, 'Not authenticated'],
  ])(
    'takes no more than 20 MiB for a body of 1 GiB without a token, %s',
    async (_, framing, frame, refusal, detail) => {
      const process = await startProcess('po-stream-logs', SETTINGS)
      try {
        for (let i = 0; i < 20; i++) await fetch(`http://127.0.0.1:${process.port}/po/stream_logs`, { method: 'POST' })
        const before = await rss(process.child.pid)
        const { status, body, sent } = await flood(process.port, framing, frame)
        expect(status).toBe(refusal)
        expect(JSON.parse(body)).toEqual({ detail })
        expect(sent).toBeGreaterThan(1024 * 1024)
        expect((await rss(process.child.pid)) - before).toBeLessThan(20)
      } finally {
        await process.stop('SIGKILL')
      }
    },
  )

  test('answers Expect: 100-continue of too large a body without asking for it', async () => {
    const process = await startProcess('po-docs')
    const text = `POST /api/docs HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${GIB}\r\nconnection: close\r\n\r\n`
    try {
      expect(await raw(process.port, text)).not.toContain('100 Continue')
    } finally {
      await process.stop()
    }
  })

  test('ends on SIGTERM with 0, having said in JSON that it listens and stops', async () => {
    const process = await startProcess('po-docs', { NODE_NAME: 'node-1' })
    expect((await fetch(`http://127.0.0.1:${process.port}/health/readiness`)).status).toBe(200)
    expect(await process.stop()).toEqual([0, null])
    const lines = process.output().trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['listening', 'draining', 'stopped'])
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ logger: 'po-docs', node: 'node-1', port: process.port })
  })

  test('does not start with faulty settings: all are named at once, no value is', async () => {
    const process = await startProcess('po-status', { POSTGRES_PORT: 'hunter2', KEYCLOAK_URL: 'ftp://hunter2' })
    expect((await process.exited)[0]).toBe(78)
    const line = JSON.parse(process.output())
    for (const name of ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'KEYCLOAK_URL'])
      expect(line.faults).toContainEqual(expect.stringMatching(`^${name}: expected `))
    expect(process.output()).not.toContain('hunter2')
  })

  test('logs a rejection that nobody waited for in JSON, and serves on', async () => {
    const from = (path: string) => JSON.stringify(new URL(`../../../shared/http/${path}`, import.meta.url).href)
    const program = `
      import { http } from ${from('register.ts')}
      import { start } from ${from('start.ts')}
      await start(async () => http('po-docs', async (_, response) => {
        Promise.reject(new Error('nobody waits'))
        response.end('served')
      }))`
    const stray = await startProcess('po-docs', {}, ['--input-type=module', '--eval', program])
    for (let i = 0; i < 2; i++) expect(await (await fetch(`http://127.0.0.1:${stray.port}/`)).text()).toBe('served')
    expect(await stray.stop()).toEqual([0, null])
    const lines = stray
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.filter(({ msg }) => msg === 'unhandled rejection')).toHaveLength(2)
    expect(stray.output()).toContain('nobody waits')
  })

  test('does not start as a function that does not exist', async () => {
    const process = await startProcess('po-nothing')
    expect((await process.exited)[0]).toBe(78)
    expect(process.output()).toContain('po-stream-logs')
  })
})
