/** Our functions are the framework's: its own server runs them too, body read and all. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { getTestServer } from '@google-cloud/functions-framework/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { createRealm } from './edge.ts'

const realm = await createRealm()
const seen: unknown[] = []
http(
  routes.po.streamLogs.name,
  endpoint(
    routes.po.streamLogs,
    poSchemas.streamLogs,
    async (_, { body }) => {
      seen.push(body)
      return null
    },
    () => undefined,
    { edge: () => realm.edge },
  ),
)

describe("under the functions framework's own server", () => {
  const server = getTestServer(routes.po.streamLogs.name)
  const line = {
    log: 'tab\tnul\0',
    log_type: 'info',
    analysis_id: '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d',
    status: 'executing',
    progress: 3,
  }
  let url = ''
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const post = async (body: string, token?: string) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const response = await fetch(`${url}/po/stream_logs`, { method: 'POST', headers, body })
    return [response.status, await response.json()]
  }

  test('a request is answered, its body taken from where the framework put it', async () => {
    expect(await post(JSON.stringify({ ...line, more: 1 }), await realm.token())).toEqual([200, null])
    expect(seen).toEqual([{ ...line, log: 'tab\tnul\uFFFD' }])
  })

  test('refusals are the same', async () => {
    expect(await post(JSON.stringify(line))).toEqual([401, { detail: 'Not authenticated' }])
    expect(await post('{}', await realm.token())).toEqual([422, { detail: expect.any(Array) }])
    expect((await post(JSON.stringify({ log: 'x'.repeat(16 * 1024 * 1024) })))[0]).toBe(413)
    expect((await fetch(`${url}/nowhere`)).status).toBe(404)
    expect((await fetch(`${url}/health/liveness`)).status).toBe(200)
    expect(seen).toHaveLength(1)
  })
})
