import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FIRST_DROP } from '../echo.ts'
import { ask, call, open, type ProxySubject } from './subject.ts'

/** Largest memory a process and its children have had so far, in MiB. */
function peakMemory(pid: number): number {
  const proc = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  const own = Number(/VmHWM:\s+(\d+) kB/.exec(proc('status'))?.[1] ?? 0) / 1024
  const children = proc(`task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return children.reduce((sum, child) => sum + peakMemory(child), own)
}

const MIB = 1024 * 1024

function* zeros(mebibytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(MIB)
  for (let sent = 0; sent < mebibytes; sent += 1) yield chunk
}

/** Bodies, both ways. */
export function streaming(subject: ProxySubject): void {
  test.each(['POST', 'PUT', 'DELETE'])('%s bodies pass, of known and of unknown length', async (method) => {
    const body = [Buffer.from('{"a":'), Buffer.from('1}')]
    const known = await ask(subject.proxy.url, '/storage/final/', { method, headers: { 'content-length': 7 }, body })
    expect(known).toMatchObject({ method, bytes: 7 })
    const chunked = { method, headers: { 'transfer-encoding': 'chunked' }, body }
    expect(await ask(subject.proxy.url, '/storage/final/', chunked)).toMatchObject({ method, bytes: 7 })
  })

  test('answers come back as they are', async () => {
    const { status, headers } = await call(subject.proxy.url, '/storage/final/odd')
    expect(status).toBe(307)
    expect(headers).toMatchObject({
      location: 'http://elsewhere:81/final/x',
      'set-cookie': ['a=1', 'b=2'],
      'x-own': 'kept',
    })
  })

  test('an answer streams: its beginning arrives before its end exists', async () => {
    const response = await open(subject.proxy.url, '/kong/drip')
    const [first] = (await once(response, 'data')) as [Buffer]
    expect(first.toString()).toBe(FIRST_DROP)
    subject.echo.release()
    expect(await text(response)).toBe('two')
  })

  test('a slow reader slows the upstream: nothing piles up in between', async () => {
    const response = await open(subject.proxy.url, '/kong/flood')
    await sleep(1000)
    expect(subject.echo.flooded()).toBeGreaterThan(0)
    expect(subject.echo.flooded()).toBeLessThan(64)
    response.destroy()
  })

  test('an upload streams: its beginning arrives before its end is sent', async () => {
    const { hostname, port } = new URL(subject.proxy.url)
    const request = http.request({ hostname, port, path: '/storage/final/early', method: 'PUT', agent: false })
    request.on('error', () => {})
    request.write('begun')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const [first] = (await once(response, 'data')) as [Buffer]
    expect(first.toString()).toBe('begun')
    request.destroy()
  })

  test('1 GiB of unknown length streams through in constant memory', async () => {
    await sleep(100)
    const before = peakMemory(subject.proxy.pid)
    const { bytes } = await ask(subject.proxy.url, '/storage/final/', { method: 'PUT', body: zeros(1024) })
    expect(bytes).toBe(1024 * MIB)
    expect(peakMemory(subject.proxy.pid) - before).toBeLessThan(128)
  }, 90_000)
}
