import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { allRoutes, routes } from '../../shared/routes/index.ts'
import { startFunctions } from './functions.ts'
import { startGateway } from './gateway.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function upstream(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function gatewayTo(listener: RequestListener): Promise<string> {
  const address = await upstream(listener)
  const gateway = await startGateway({ port: 0, upstreams: () => address })
  cleanups.push(() => gateway.stop())
  return gateway.url
}

describe('the gateway', () => {
  const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
  const cases = allRoutes
    .filter(({ trigger }) => trigger === 'http')
    .flatMap((route) =>
      route.endpoints.map(({ method, path }) => [method, path.replaceAll(/\{\w+\+?\}/g, ID), route] as const),
    )

  test.each(cases)('%s %s reaches its function, in both slash forms', async (method, path, route) => {
    const address = await upstream((request, response) => void response.end(`${request.method} ${request.url}`))
    const gateway = await startGateway({ port: 0, upstreams: (one) => (one === route ? address : undefined) })
    cleanups.push(() => gateway.stop())
    for (const form of [path, path.endsWith('/') ? path.slice(0, -1) : `${path}/`]) {
      const response = await fetch(`${gateway.url}${form}?q=1`, { method })
      expect(await response.text()).toBe(method === 'HEAD' ? '' : `${method} ${form}?q=1`)
    }
  })

  test.each([
    ['GET', '/', 404],
    ['POST', '/', 404],
    ['GET', '/po/nothing', 404],
    ['GET', '/po/', 405],
    ['PATCH', '/po/status', 405],
    ['POST', '/po/stop', 405],
  ])('%s %s: %i in JSON', async (method, path, status) => {
    const url = await gatewayTo((_, response) => void response.end())
    const response = await fetch(url + path, { method })
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/json'])
    if (status === 405) expect(response.headers.get('allow')).toContain('OPTIONS')
    expect(await response.json()).toHaveProperty('detail')
  })

  test('passes a preflight on to the owner of the path', async () => {
    const url = await gatewayTo((request, response) => void response.end(request.method))
    expect(await (await fetch(`${url}/po/stop`, { method: 'OPTIONS' })).text()).toBe('OPTIONS')
  })

  test('hands the first bytes of an answer on while the rest is still to come', async () => {
    const gate = Promise.withResolvers<void>()
    const url = await gatewayTo(async (_, response) => {
      response.write('first')
      await gate.promise
      response.end('last')
    })
    const reader = (await fetch(`${url}/po/logs`)).body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first')
    gate.resolve()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('last')
  })

  test('hands a large body on as it comes', async () => {
    let size = 0
    const url = await gatewayTo(async (request, response) => {
      for await (const chunk of request) size += (chunk as Buffer).length
      response.end(request.headers['x-forwarded-for'])
    })
    const response = await fetch(`${url}/po/`, { method: 'POST', body: Buffer.alloc(8_000_000, 1) })
    expect(await response.text()).toBe('127.0.0.1')
    expect(size).toBe(8_000_000)
  })

  test('aborts the request to the function when the caller disconnects', async () => {
    const closed = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const url = await gatewayTo((_, response) => {
      response.on('close', closed.resolve)
      arrived.resolve()
    })
    const controller = new AbortController()
    const answer = fetch(`${url}/po/status`, { signal: controller.signal }).catch(() => 'aborted')
    await arrived.promise
    controller.abort()
    expect(await answer).toBe('aborted')
    await closed.promise
  })

  test('says so in JSON when a function is away: 502, or 503 when it is not served at all', async () => {
    const gateway = await startGateway({
      port: 0,
      upstreams: (route) => (route === routes.po.status ? 'http://127.0.0.1:9' : undefined),
    })
    cleanups.push(() => gateway.stop())
    expect((await fetch(`${gateway.url}/po/status`)).status).toBe(502)
    expect((await fetch(`${gateway.url}/po/pods`)).status).toBe(503)
  })
})

describe('functions as processes', () => {
  test('start on ports of their own, answer through the gateway, and end by pid', async () => {
    const functions = await startFunctions({ routes: [routes.po.docs], env: {} })
    const gateway = await startGateway({ port: 0, upstreams: functions.addressOf })
    cleanups.push(() => gateway.stop(), functions.stop)
    const description = await fetch(`${gateway.url}/api/v1/openapi.json`)
    expect(await description.json()).toMatchObject({ openapi: '3.1.0' })
    const pid = functions.running.get('po-docs')?.pid ?? 0
    await functions.stop()
    expect(() => process.kill(pid, 0)).toThrow()
  })

  test('that cannot start fail the start, and none is left behind', async () => {
    const lines: string[] = []
    const starting = startFunctions({
      routes: [routes.po.docs, routes.po.status],
      env: {},
      onLine: (_, line) => lines.push(line),
    })
    await expect(starting).rejects.toThrow('po-status did not start')
    expect(lines.join()).toContain('POSTGRES_HOST')
  })
})
