/** A body with a text that is too long: its start is kept where the route says so, and elsewhere it is refused. */
import { expect, test } from 'vitest'
import * as z from 'zod'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { createRealm, serveFunction } from './edge.ts'

const KIB = 1024
const realm = await createRealm()
const schemas = { body: z.object({ log: z.string(), last: z.string() }), answer: z.any(), failures: ['failed'] }

async function post(route: typeof routes.po.streamLogs | typeof routes.po.create, path: string, body: object) {
  const seen: { log: string; last: string }[] = []
  const handle = async (_: object, { body: taken }: { body: { log: string; last: string } }) => {
    seen.push(taken)
    return null
  }
  await using served = await serveFunction(endpoint(route, schemas, handle, () => ({}), { edge: () => realm.edge }))
  const headers = { authorization: `Bearer ${await realm.token()}`, 'content-type': 'application/json' }
  const { status } = await fetch(`${served.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status, seen }
}

test('a text of 3 MiB is cut, the fields behind it are read', async () => {
  const log = 'x'.repeat(3 * KIB * KIB)
  const { status, seen } = await post(routes.po.streamLogs, '/po/stream_logs', { log, last: 'last' })
  expect([status, seen.length, seen[0]?.last]).toEqual([200, 1, 'last'])
  const kept = 384 * KIB
  expect(seen[0]?.log).toBe(`${'x'.repeat(kept)} […${log.length - kept} bytes left out…]`)
})

test.each([
  [
    'what stays of several long texts',
    { log: 'x'.repeat(600 * KIB), last: 'x'.repeat(600 * KIB), more: 'x'.repeat(600 * KIB) },
  ],
  ['many short texts', { log: '', last: '', more: Array.from({ length: 20_000 }, () => 'x'.repeat(60)) }],
  ['more than is received of any body', { log: 'x'.repeat(17 * KIB * KIB), last: '' }],
])('%s is refused above the limit', async (_, body) => {
  expect(await post(routes.po.streamLogs, '/po/stream_logs', body)).toEqual({ status: 413, seen: [] })
})

test('another function refuses a long text', async () => {
  const body = { log: 'x'.repeat(1024 * KIB), last: '' }
  expect(await post(routes.po.create, '/po/', body)).toEqual({ status: 413, seen: [] })
})
