import { expect, test } from 'vitest'
import { LARGE_HEADER } from '../echo.ts'
import { ADDRESSES, ask, call, hostOf, type ProxySubject, RUN } from './subject.ts'

/** Headers: those for an upstream, those that pass, and those that are too large. */
export function heading(subject: ProxySubject): void {
  test('tells the upstream who asks, and passes the rest on', async () => {
    const { headers } = await ask(subject.proxy.url, '/storage/local/x', {
      headers: {
        host: `nginx-${RUN}:8080`,
        authorization: 'Bearer t',
        apikey: 'k',
        'x-forwarded-for': '192.0.2.1',
        'x-forwarded-proto': 'https',
        'x-real-ip': '192.0.2.1',
      },
    })
    expect(headers).toMatchObject({
      authorization: ['Bearer t'],
      apikey: ['k'],
      'x-forwarded-for': ['192.0.2.1, 127.0.0.1'],
      'x-forwarded-proto': ['http'],
      'x-real-ip': ['127.0.0.1'],
    })
  })

  test.each([
    ['kong', '/kong/source'],
    ['storage', '/storage/local/x'],
    ['orchestrator', '/po/stream_logs'],
    ['analysis', '/analysis/healthz'],
  ] as const)('%s is asked by its own name, whatever host the client claims', async (upstream, path) => {
    const own = `${hostOf(upstream)}:${subject.echo.port}`
    const forged = {
      host: 'admin.kong.internal',
      forwarded: 'host=admin.kong.internal',
      'x-forwarded-host': 'admin.kong.internal',
      'x-forwarded-port': '8001',
      'x-forwarded-prefix': '/admin',
    }
    for (const form of [path, `http://admin.kong.internal${path}`]) {
      const { headers } = await ask(subject.proxy.url, form, { headers: forged })
      expect(headers['host']).toEqual([own])
      expect(JSON.stringify(headers)).not.toMatch(/admin|8001/)
    }
  })

  test('an answer commands nothing: X-Accel headers neither redirect, slow down nor reach the caller', async () => {
    const began = performance.now()
    const { status, headers, body } = await call(subject.proxy.url, '/analysis/accel')
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ address: ADDRESSES.analysis, url: '/accel' })
    expect(Object.keys(headers).filter((header) => header.startsWith('x-accel'))).toEqual([])
    expect(headers['content-type']).toBe('application/json')
    expect(performance.now() - began).toBeLessThan(3000)
  })

  test.each([
    ['a query of 31,000 characters', `/kong/Patient?_id=${'x'.repeat(31_000)}`, {}],
    ['a token of 31,000 characters', '/kong/x', { authorization: `Bearer ${'x'.repeat(31_000)}` }],
    ['both, of 15,000', `/kong/x?${'x'.repeat(15_000)}`, { authorization: `Bearer ${'x'.repeat(15_000)}` }],
  ])('%s passes', async (_, path, headers) => {
    const seen = await ask(subject.proxy.url, path, { headers })
    expect(seen.url).toBe(path.slice('/kong'.length))
    expect(seen.headers).toMatchObject(Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, [v]])))
  })

  test.each([
    ['a query of 40,000 characters', 414, `/kong/x?${'x'.repeat(40_000)}`, {}],
    ['a header of 40,000 characters', 431, '/kong/x', { authorization: 'x'.repeat(40_000) }],
  ])('%s is a %i in JSON that names the limit', async (_, status, path, headers) => {
    const answer = await call(subject.proxy.url, path, { headers })
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json'])
    expect(JSON.parse(answer.body)).toEqual({ detail: expect.stringContaining('32768') })
  })

  test('what is no HTTP, and a path that leaves the root, are refused in JSON', async () => {
    const { status, headers, body } = await call(subject.proxy.url, '/../x')
    expect([status, headers['content-type']]).toEqual([400, 'application/json'])
    expect(JSON.parse(body)).toEqual({ detail: expect.any(String) })
  })

  test('headers of an answer pass up to 30 KiB', async () => {
    const { status, headers } = await call(subject.proxy.url, '/kong/headers')
    expect([status, headers['x-large']?.length]).toEqual([200, LARGE_HEADER])
  })

  test('names the run on stream_logs, whatever the client claims', async () => {
    for (const claimed of [[], ['analysis-x-1'], ['analysis-x-1', 'analysis-x-2']]) {
      const { headers } = await ask(subject.proxy.url, '/po/stream_logs', {
        method: 'POST',
        headers: { 'x-FLAME-run': claimed },
      })
      expect(headers['x-flame-run']).toEqual([RUN])
    }
  })

  test('lets nobody claim a run elsewhere', async () => {
    const { headers } = await ask(subject.proxy.url, '/analysis/webhook', {
      headers: { 'X-Flame-Run': 'analysis-x-1' },
    })
    expect(headers).not.toHaveProperty('x-flame-run')
  })

  test('a line break in a path makes no header', async () => {
    expect((await ask(subject.proxy.url, '/kong/a%0D%0AX-Evil:%201')).headers).not.toHaveProperty('x-evil')
  })
}
